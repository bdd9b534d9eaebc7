//! The last use of an entry, and whether it still counts, shared with the tables that serve it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The state that an entry shares with tables that serve it without asking the cache.
///
/// A use is a time of a clock that only counts uses ([`UseClock`](super::UseClock)).
#[derive(Debug)]
pub struct Liveness {
    used: AtomicU64,
    gone: AtomicBool,
}

impl Liveness {
    /// The liveness of an entry that is used now.
    pub fn new(now: u64) -> Self {
        Self { used: AtomicU64::new(now), gone: AtomicBool::new(false) }
    }

    /// Notes a use.
    #[inline]
    pub fn touch(&self, now: u64) {
        self.used.store(now, Ordering::Relaxed);
    }

    /// The time of the last use.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Returns whether the entry was removed or replaced, so that it may not be served any more.
    #[inline]
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// Notes that the entry was removed or replaced.
    pub fn retire(&self) {
        self.gone.store(true, Ordering::Release);
    }
}

//! When an entry was last used, and whether it still counts: known to all who answer with it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What an entry shares with those who answer with it without asking the cache.
///
/// A use is a time of a clock that only counts uses ([`UseClock`](super::UseClock)).
#[derive(Debug)]
pub struct Liveness {
    used: AtomicU64,
    gone: AtomicBool,
}

impl Liveness {
    /// Of an entry that is used now.
    pub fn new(now: u64) -> Self {
        Self { used: AtomicU64::new(now), gone: AtomicBool::new(false) }
    }

    /// Notes a use.
    #[inline]
    pub fn touch(&self, now: u64) {
        self.used.store(now, Ordering::Relaxed);
    }

    /// When it was last used.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether the entry went, or another took its place: nobody may answer with it any more.
    #[inline]
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// Notes that it went.
    pub fn retire(&self) {
        self.gone.store(true, Ordering::Release);
    }
}

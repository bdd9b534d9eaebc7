//! Who is told of calls: the hooks of one `outlive.Cache` object, and the log. Usually nobody is;
//! then a miss costs one check, and a hit nothing. Nobody sees what tables of hits answer, so
//! tables stay empty while hits are watched.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use pyo3::prelude::*;

use super::registry::all_caches;

/// The events that are watched, as bits.
#[derive(Debug, Default)]
pub struct Watchers(AtomicU8);

/// An event in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Happening {
    /// A result was served.
    Hit = 1,
    /// A result is about to be computed.
    Miss = 2,
    /// A result was kept.
    Store = 4,
}

/// Whether hits of all caches are logged.
static HITS_ARE_LOGGED: AtomicBool = AtomicBool::new(false);

/// Starts or stops logging the hits of all caches.
#[pyfunction]
pub fn log_hits(on: bool) {
    HITS_ARE_LOGGED.store(on, Ordering::Release);
    for cache in all_caches() {
        cache.gate().epoch.advance();
    }
}

impl Watchers {
    /// Returns whether a hook is to be told of this.
    pub fn want(&self, what: Happening) -> bool {
        self.0.load(Ordering::Acquire) & what as u8 != 0
    }

    /// Returns whether every hit must be seen.
    pub fn want_hits(&self) -> bool {
        self.want(Happening::Hit) || HITS_ARE_LOGGED.load(Ordering::Acquire)
    }

    /// Sets the events that hooks are told of.
    pub fn set(&self, wanted: impl Iterator<Item = Happening>) {
        self.0.store(wanted.map(|what| what as u8).sum(), Ordering::Release);
    }
}

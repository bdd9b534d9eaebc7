//! Who is told of calls: the hooks of one `outlive.Cache` object, and the log. Mostly nobody is, and
//! then a miss costs a look, and a hit nothing: what tables of hits answer is seen by nobody, so they
//! are left empty while hits are watched.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use pyo3::prelude::*;

use super::registry::all_caches;

/// What somebody wants to hear of, as bits.
#[derive(Debug, Default)]
pub struct Watchers(AtomicU8);

/// Something that happens in a call.
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

/// Has hits of all caches logged from now on, or no more.
#[pyfunction]
pub fn log_hits(on: bool) {
    HITS_ARE_LOGGED.store(on, Ordering::Release);
    for cache in all_caches() {
        cache.gate().epoch.advance();
    }
}

impl Watchers {
    /// Whether a hook wants to hear of this.
    pub fn want(&self, what: Happening) -> bool {
        self.0.load(Ordering::Acquire) & what as u8 != 0
    }

    /// Notes what hooks want to hear of from now on.
    pub fn set(&self, wanted: impl Iterator<Item = Happening>) {
        self.0.store(wanted.map(|what| what as u8).sum(), Ordering::Release);
    }
}

/// Whether hits of all caches are logged.
pub fn hits_are_logged() -> bool {
    HITS_ARE_LOGGED.load(Ordering::Acquire)
}

//! How often this process is the child of a fork: what was opened before is its parent's.

use std::sync::atomic::{AtomicU64, Ordering};

static FORKS: AtomicU64 = AtomicU64::new(0);

/// The number of forks that lie behind this process, as far as it was told.
pub fn count() -> u64 {
    FORKS.load(Ordering::Acquire)
}

/// Notes that this process is a child now. To be called by the C library, whoever forks: not all
/// forks are made by Python.
pub fn note_child() {
    FORKS.fetch_add(1, Ordering::AcqRel);
}

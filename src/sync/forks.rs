//! How often this process was forked: files opened before belong to its parent.

use std::sync::atomic::{AtomicU64, Ordering};

static FORKS: AtomicU64 = AtomicU64::new(0);

/// Returns the number of forks that preceded this process, as far as it was told.
pub fn count() -> u64 {
    FORKS.load(Ordering::Acquire)
}

/// Notes that this process is a child now. The C library calls it, whatever code forks: not all
/// forks are made by Python.
pub fn note_child() {
    FORKS.fetch_add(1, Ordering::AcqRel);
}

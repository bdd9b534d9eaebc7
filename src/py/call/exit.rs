//! Calls that come after the save at exit.

use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::prelude::*;

use crate::flight::this_thread;

/// The thread that runs the interpreter's exit handlers, once ours has run; 0 before.
static EXITING: AtomicU64 = AtomicU64::new(0);

/// Returns whether this call comes from an exit handler that runs after ours.
pub fn is_after_exit() -> bool {
    EXITING.load(Ordering::Relaxed) == this_thread()
}

/// Notes that the save at exit is done: results that come later are saved at once.
#[pyfunction]
pub fn exiting() {
    EXITING.store(this_thread(), Ordering::Relaxed);
}

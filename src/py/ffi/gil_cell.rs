//! State that a hit looks at, where the GIL keeps other threads away.

use std::cell::{Cell, UnsafeCell};

use pyo3::PyVisit;
use pyo3::prelude::*;

/// State that is only looked at while Python is attached: the GIL is its lock, and costs nothing
/// more.
#[derive(Debug, Default)]
pub struct Attached<T> {
    /// Whether `with` is running: in this thread further out, or in one that released the GIL.
    busy: Cell<bool>,
    value: UnsafeCell<T>,
}

// SAFETY: both fields are only touched by a thread that holds the GIL, of which there is one at a
// time (PyO3 refuses to be loaded in a second interpreter with a GIL of its own).
unsafe impl<T: Send> Sync for Attached<T> {}

impl<T> Attached<T> {
    /// Returns what `run` makes of the value; None if it is in use.
    #[inline]
    pub fn with<R>(&self, _: Python<'_>, run: impl FnOnce(&mut T) -> R) -> Option<R> {
        if self.busy.replace(true) {
            return None;
        }
        // SAFETY: `busy` was false, so nobody has a reference; the GIL orders all accesses.
        let result = run(unsafe { &mut *self.value.get() });
        self.busy.set(false);
        Some(result)
    }

    /// Runs `run` for every value; with a GIL there is one.
    pub fn for_all<R>(&self, py: Python<'_>, run: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.with(py, run)
    }

    /// Runs `run` for the garbage collector, which holds the GIL, too.
    pub fn with_visitor<R>(&self, _: &PyVisit<'_>, run: impl FnOnce(&T) -> R) -> Option<R> {
        // SAFETY: as in `with`; a visit runs no Python code and keeps the GIL.
        (!self.busy.get()).then(|| run(unsafe { &*self.value.get() }))
    }
}

//! State that a hit looks at, where no GIL keeps other threads away: one for each stripe of
//! threads.

use pyo3::PyVisit;
use pyo3::prelude::*;

use crate::collections::stripes::Stripes;

/// State that is only looked at while Python is attached.
///
/// NOTE: code that runs here must not wait for another thread, let the collector stop the world, or
/// run Python code: a thread that holds a stripe must leave it without anybody's help.
#[derive(Debug)]
pub struct Attached<T>(Stripes<T>);

impl<T> Default for Attached<T> {
    fn default() -> Self {
        Self(Stripes::default())
    }
}

impl<T: Default> Attached<T> {
    /// Returns what `run` makes of this thread's value.
    #[inline]
    #[expect(clippy::unnecessary_wraps, reason = "with a GIL somebody may be at it")]
    pub fn with<R>(&self, _: Python<'_>, run: impl FnOnce(&mut T) -> R) -> Option<R> {
        Some(self.0.with(run))
    }

    /// Returns what `run` makes of each thread's value.
    pub fn for_all<R>(&self, _: Python<'_>, run: impl FnMut(&mut T) -> R) -> Vec<R> {
        self.0.for_all(run)
    }

    /// Shows `run` each thread's value, for the garbage collector, which must not wait.
    #[expect(clippy::unnecessary_wraps, reason = "with a GIL somebody may be at it")]
    pub fn with_visitor<E>(
        &self,
        _: &PyVisit<'_>,
        run: impl FnMut(&T) -> Result<(), E>,
    ) -> Option<Result<(), E>> {
        Some(self.0.visit(run))
    }
}

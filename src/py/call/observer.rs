//! Counting calls, and reporting them to hooks and the log.

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use super::memoised::Memoised;
use super::request::Request;
use crate::cache::Entry;
use crate::py::cache::watchers::Happening;
use crate::py::value::once::intern;
use crate::py::value::wtf8::from_wtf8;

/// Counts one call, and reports it to hooks and the log.
#[derive(Clone, Copy)]
pub struct Observer<'a> {
    /// The function.
    pub me: &'a Memoised,
    /// What the call asks for.
    pub request: &'a Request,
}

/// A result that was kept.
#[derive(Clone, Copy, Debug)]
pub struct Stored {
    /// The size of its text in bytes; None if it is kept in this process only.
    pub size: Option<u64>,
    /// How many seconds the call took, if that is known.
    pub took: Option<f64>,
}

impl Stored {
    /// Describes an entry.
    pub fn of<L>(entry: &Entry<L>) -> Self {
        Self { size: entry.stored_size(), took: entry.notes.took }
    }
}

impl Observer<'_> {
    /// Counts a call that is served a result.
    pub fn hit(&self, py: Python<'_>) -> PyResult<()> {
        self.me.counters.hit();
        if !self.me.core.get().watchers.want_hits() {
            return Ok(());
        }
        self.tell(py, intern!(py, "tell_hit"), PyTuple::empty(py))
    }

    /// Counts a call that is about to compute; `expired` says that a result was found too old. The
    /// entry is still as the call found it.
    pub fn miss(&self, py: Python<'_>, expired: bool) -> PyResult<()> {
        self.me.counters.miss(expired);
        if !self.is_heard(py, Happening::Miss)? {
            return Ok(());
        }
        self.tell(py, intern!(py, "tell_miss"), (self.request.anew,).into_pyobject(py)?)
    }

    /// Reports that a result was kept.
    pub fn stored(&self, py: Python<'_>, stored: Stored) -> PyResult<()> {
        if !self.is_heard(py, Happening::Store)? {
            return Ok(());
        }
        self.tell(py, intern!(py, "tell_store"), (stored.size, stored.took).into_pyobject(py)?)
    }

    /// Reports that a result was not kept, and remembers `why`: it explains why the next call
    /// computes.
    pub fn not_kept(&self, py: Python<'_>, why: &str) -> PyResult<()> {
        self.tell(py, intern!(py, "note_not_kept"), (why,).into_pyobject(py)?)
    }

    fn is_heard(&self, py: Python<'_>, what: Happening) -> PyResult<bool> {
        Ok(self.me.core.get().watchers.want(what) || self.request.is_logged(py)?)
    }

    fn tell<'py>(
        &self,
        py: Python<'py>,
        name: &Bound<'py, PyString>,
        more: Bound<'py, PyTuple>,
    ) -> PyResult<()> {
        let key = from_wtf8(py, &self.request.key)?;
        match self.me.registration.bind(py).call_method1(name, (key, more)) {
            // An error in reporting must not cost the result.
            Err(error) if error.is_instance_of::<PyException>(py) => {
                error.write_unraisable(py, None);
                Ok(())
            }
            told => told.map(drop),
        }
    }
}

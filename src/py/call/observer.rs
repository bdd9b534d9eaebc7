//! Counting calls, and telling hooks and the log of them.

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use super::memoised::Memoised;
use super::request::Request;
use crate::cache::Entry;
use crate::py::cache::watchers::Happening;
use crate::py::value::once::intern;
use crate::py::value::wtf8::from_wtf8;

/// Counts one call, and tells of it whoever wants to hear.
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
    /// The size of its text; None if it lives in this process only.
    pub size: Option<u64>,
    /// How many seconds the call took, if that is known.
    pub took: Option<f64>,
}

impl Stored {
    /// What there is to tell of an entry.
    pub fn of<L>(entry: &Entry<L>) -> Self {
        Self { size: entry.text.as_ref().map(|_| entry.size()), took: entry.notes.took }
    }
}

impl Observer<'_> {
    /// A result is served: counts it.
    pub fn hit(&self, py: Python<'_>) -> PyResult<()> {
        self.me.counters.hit();
        if !self.me.core.get().watches_hits() {
            return Ok(());
        }
        self.tell(py, intern!(py, "tell_hit"), PyTuple::empty(py))
    }

    /// A result is about to be computed: counts it; `expired` if it was found too old. What the cache
    /// has of it is as the call found it.
    pub fn miss(&self, py: Python<'_>, expired: bool) -> PyResult<()> {
        self.me.counters.miss(expired);
        if !self.is_heard(py, Happening::Miss)? {
            return Ok(());
        }
        self.tell(py, intern!(py, "tell_miss"), (self.request.anew,).into_pyobject(py)?)
    }

    /// A result was kept.
    pub fn stored(&self, py: Python<'_>, stored: Stored) -> PyResult<()> {
        if !self.is_heard(py, Happening::Store)? {
            return Ok(());
        }
        self.tell(py, intern!(py, "tell_store"), (stored.size, stored.took).into_pyobject(py)?)
    }

    /// A result was not kept, for this reason: whoever asks later why the next call computes is told.
    pub fn not_kept(&self, py: Python<'_>, why: &str) -> PyResult<()> {
        self.tell(py, intern!(py, "note_not_kept"), (why,).into_pyobject(py)?)
    }

    fn is_heard(&self, py: Python<'_>, what: Happening) -> PyResult<bool> {
        Ok(self.me.core.get().watches(what) || self.request.is_logged(py)?)
    }

    fn tell<'py>(
        &self,
        py: Python<'py>,
        name: &Bound<'py, PyString>,
        more: Bound<'py, PyTuple>,
    ) -> PyResult<()> {
        let key = from_wtf8(py, &self.request.key)?;
        match self.me.registration.bind(py).call_method1(name, (key, more)) {
            // What only tells must not cost the result.
            Err(error) if error.is_instance_of::<PyException>(py) => {
                error.write_unraisable(py, None);
                Ok(())
            }
            told => told.map(drop),
        }
    }
}

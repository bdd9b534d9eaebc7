//! What outlive's own Python changes and reads of a memoised function; users never meet it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use pyo3::prelude::*;
use pyo3::types::PyString;
use pyo3::{PyTraverseError, PyVisit};

use super::call::memoised::Memoised;
use super::call::options::Options;
use super::call::refresh_mark;
use super::ffi::redirect;
use super::key::identity::Identity;
use super::value::wtf8::from_wtf8;
use crate::cache::Share;
use crate::policy::Limits;

/// Manages one memoised function.
#[pyclass(frozen, name = "Manager", module = "outlive._core")]
pub struct Manager {
    memoised: Py<Memoised>,
}

#[pymethods]
impl Manager {
    /// Returns whether a call returns a `PendingCall` that says what to do next when it must
    /// compute.
    #[getter]
    fn suspends(&self) -> bool {
        let me = self.memoised.get();
        me.manner.suspends()
    }

    /// Sets how results are kept and served from now on.
    fn set_options(&self, py: Python<'_>, options: Options) {
        let me = self.memoised.get();
        if options.maxsize.is_some() || me.options.lock().maxsize.is_some() {
            let limits = Limits { maxsize: options.maxsize, max_bytes: None };
            me.core.get().cache().policies().limit(self.share(), limits);
        }
        if options.expires() {
            me.core.get().cache().policies().keep_times();
        }
        me.core.get().cache().policies().expire(self.share(), options.lifetime());
        let old = std::mem::replace(&mut *me.options.lock(), Arc::new(options));
        if me.configured.swap(true, Ordering::AcqRel) {
            // A call under way is about to remember a result found under the old options.
            me.gate.epoch.advance();
        }
        me.release(py);
        drop(old);
    }

    /// Keeps the results apart from those of a later function of this name; a call warns.
    fn set_aside(&self, py: Python<'_>, mark: String, later: &Bound<'_, Memoised>) {
        let me = self.memoised.get();
        me.keys.set_aside(mark, Arc::clone(&later.get().is_contested));
        // A call under way is about to remember a result under the old key.
        me.gate.epoch.advance();
        me.release(py);
    }

    /// Makes `other` answer its calls from now on; None: it answers them itself again.
    fn redirect(&self, other: Option<Py<PyAny>>) {
        let me = self.memoised.get();
        let watches = me.keys.identity().is_some_and(Identity::can_change);
        let redirects = other.is_some();
        let old = std::mem::replace(&mut *me.stand_in.lock(), other);
        redirect(me, redirects, watches);
        drop(old);
    }

    /// What the keys of all its entries begin with, as of now.
    fn key_start<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        let me = self.memoised.get();
        from_wtf8(py, &me.keys.start(py)?)
    }

    /// How many calls were served from the cache, computed, and found expired.
    fn counts(&self, py: Python<'_>) -> (u64, u64, u64) {
        let me = self.memoised.get();
        let [hits, misses, expired] = me.counters.counts();
        let quick: u64 = me.hits.for_all(py, |hits| hits.count).into_iter().sum();
        (hits + quick, misses, expired)
    }

    /// The number of evicted entries of this function.
    fn evictions(&self) -> u64 {
        let me = self.memoised.get();
        me.core.get().cache().policies().evictions(&self.share())
    }

    /// Clears the table of hits.
    fn release(&self, py: Python<'_>) {
        self.memoised.get().release(py);
    }

    /// Sets the counters to zero and clears the table of hits.
    fn reset(&self, py: Python<'_>) {
        let me = self.memoised.get();
        me.release(py);
        me.hits.for_all(py, |hits| hits.count = 0);
        me.counters.reset();
    }

    /// Notes in the file that the result under `key` is being refreshed, or no longer is.
    fn mark_refresh(
        &self,
        py: Python<'_>,
        key: &Bound<'_, PyString>,
        begins: bool,
    ) -> PyResult<()> {
        refresh_mark::note(self.memoised.get().core.bind(py), key, begins)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.memoised)
    }
}

impl Manager {
    /// Returns the manager of `memoised`.
    pub fn of(memoised: Py<Memoised>) -> Self {
        Self { memoised }
    }

    /// Returns its share of the cache's entries.
    fn share(&self) -> Share {
        let me = self.memoised.get();
        if me.keys.is_flat() && me.keys.is_first() {
            Share::Number(me.id)
        } else {
            Share::Name(me.name.as_bytes().to_vec())
        }
    }
}

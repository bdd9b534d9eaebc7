//! Serving a result: from what, for how long, and what a table of hits may remember of it.

use std::sync::Arc;

use bytes::Bytes;
use pyo3::prelude::*;

use super::memoised::Memoised;
use super::options::Ttl;
use super::request::Request;
use super::teller::Teller;
use crate::cache::Entry;
use crate::clock;
use crate::policy::{Expiry, Freshness};
use crate::py::cache::PyFound;
use crate::py::cache::mode::Mode;
use crate::py::cache::values::{Source, Values};
use crate::py::ffi::call_with;
use crate::py::hits::row::{CachedValue, FreshWindow, HitRecord};
use crate::py::value::template::{Template, TemplateObject};

/// Serves the results of one call.
#[derive(Clone, Copy)]
pub struct Serving<'a> {
    /// The function.
    pub me: &'a Memoised,
    /// What the call asks for.
    pub request: &'a Request,
}

impl<'a> Serving<'a> {
    fn teller(&self) -> Teller<'a> {
        Teller { me: self.me, request: self.request }
    }

    pub(super) fn values<'py>(&self, py: Python<'py>) -> Values<'a, 'py> {
        Values { core: self.me.core.get(), classes: self.request.classes(self.me), py }
    }

    /// Returns what an entry is served from; None if its text is bad.
    pub fn source<'py>(&self, py: Python<'py>, found: &PyFound) -> PyResult<Option<Source<'py>>> {
        let options = &self.request.options;
        // A ttl that depends on the result gets a copy of its own.
        if options.copy && !matches!(options.ttl, Some(Ttl::Of(_))) {
            return self.values(py).source(&self.request.key, found);
        }
        Ok(self.live(py, &found.entry)?.map(Source::Template))
    }

    /// Returns the decoded form of an entry, which is kept beside it; None if its text is bad.
    pub fn live(
        &self,
        py: Python<'_>,
        found: &Entry<Arc<Template>>,
    ) -> PyResult<Option<Arc<Template>>> {
        self.values(py).live(&self.request.key, found)
    }

    /// Returns the limits of this result's age; None if results of this function do not expire.
    /// `value` makes a copy of the result.
    pub fn expiry<'py>(
        &self,
        value: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Expiry>> {
        let options = &self.request.options;
        if !options.expires() || self.request.mode == Mode::Frozen {
            return Ok(None);
        }
        let ttl = match &options.ttl {
            None => None,
            Some(Ttl::Seconds(seconds)) => Some(*seconds),
            Some(Ttl::Of(function)) => {
                let value = value()?;
                let py = value.py();
                match call_with(function.bind(py), (value,)).and_then(|ttl| ttl.extract()) {
                    Ok(ttl) => ttl,
                    Err(error) => {
                        self.teller().raising(py, "ttl", error)?;
                        Some(0.0) // a result of unknown age is served to nobody
                    }
                }
            }
        };
        Ok(Some(Expiry {
            ttl,
            refresh_after: options.refresh_after,
            stale_if_error: options.stale_if_error,
        }))
    }

    /// Returns whether an entry is fresh or too old.
    pub fn freshness(
        &self,
        py: Python<'_>,
        found: &Entry<Arc<Template>>,
        expiry: Option<Expiry>,
    ) -> PyResult<Freshness> {
        let Some(expiry) = expiry else { return Ok(Freshness::Fresh) };
        let now = self.request.options.now(py)?;
        Ok(expiry.judge(found.created, now, now))
    }

    /// Returns whether a table of hits may answer such calls. It must not where each call has to be
    /// seen: to compute the key, to read the clock, or to report it.
    pub fn is_remembered(&self) -> bool {
        self.me.keys.is_pure()
            && self.request.options.clock.is_none()
            && self.request.mode.serves_hits()
            && !self.me.core.get().watchers.want_hits()
    }

    /// Returns whether results may be evicted.
    fn is_bounded(&self) -> bool {
        self.request.options.maxsize.is_some() || self.me.core.get().limits.get().may_evict()
    }

    /// Returns what the table of hits may remember of a new entry, if anything.
    pub fn record_of(
        &self,
        py: Python<'_>,
        entry: &Entry<Arc<Template>>,
    ) -> PyResult<Option<HitRecord>> {
        let Some(live) = entry.live.as_ref().filter(|_| self.is_remembered()) else {
            return Ok(None);
        };
        let expiry = self.expiry(|| live.serve(py))?;
        self.record(py, live, entry, expiry).map(Some)
    }

    /// Returns what the table of hits is to remember, and until when.
    pub fn record(
        &self,
        py: Python<'_>,
        live: &Arc<Template>,
        entry: &Entry<Arc<Template>>,
        expiry: Option<Expiry>,
    ) -> PyResult<HitRecord> {
        let window = match expiry {
            Some(Expiry { ttl, refresh_after, .. }) => {
                let now = self.request.options.now(py)?;
                let limits = [ttl, refresh_after].into_iter().flatten();
                let until = entry.created.unwrap_or(now) + limits.fold(f64::INFINITY, f64::min);
                Some(FreshWindow::up_to(clock::nanoseconds(until)))
            }
            None => None,
        };
        let value = if self.is_bounded() {
            CachedValue::Weak(Arc::downgrade(live), !self.request.options.copy)
        } else {
            #[cfg(Py_GIL_DISABLED)]
            let live = &self.live_of_row(py, live, entry)?;
            self.value_of_row(py, live)?
        };
        Ok(HitRecord { epoch: self.request.epoch, value, window, liveness: entry.liveness.clone() })
    }

    /// Returns what a row of a result that is never evicted hands out or copies.
    fn value_of_row(&self, py: Python<'_>, live: &Arc<Template>) -> PyResult<CachedValue> {
        Ok(if live.is_shared() {
            CachedValue::Same(live.object().clone_ref(py))
        } else if self.request.options.copy {
            CachedValue::Copy(Py::new(py, TemplateObject(Arc::clone(live)))?)
        } else {
            CachedValue::Same(live.serve_shared(py)?.unbind())
        })
    }

    /// Returns what the call gets.
    pub fn serve<'py>(&self, py: Python<'py>, source: &Source<'py>) -> PyResult<Bound<'py, PyAny>> {
        match source {
            Source::Template(live) => self.serve_live(py, live),
            Source::Fresh(value) => Ok(value.clone()),
        }
    }

    /// Returns a copy, or the object that all callers share.
    pub fn serve_live<'py>(&self, py: Python<'py>, live: &Template) -> PyResult<Bound<'py, PyAny>> {
        if self.request.options.copy { live.serve(py) } else { live.serve_shared(py) }
    }

    /// Returns what the call gets of a result that another computation hands over.
    pub fn value_of<'py>(
        &self,
        py: Python<'py>,
        text: Option<&Bytes>,
        live: Option<Arc<Template>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let mut entry = Entry::new(None);
        (entry.text, entry.live) = (text.cloned(), live);
        let found = PyFound { entry, first_use: true, claimed: None };
        let source = self.source(py, &found)?;
        source.map(|source| self.serve(py, &source)).transpose()
    }
}

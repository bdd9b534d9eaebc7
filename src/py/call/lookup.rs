//! Looking a key up: is there a result, is it fresh, what may a table of hits remember of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use pyo3::intern;
use pyo3::prelude::*;

use super::invocation::{Invocation, Look};
use super::options::Ttl;
use crate::cache::Entry;
use crate::clock;
use crate::policy::{Expiry, Freshness};
use crate::py::cache::entries::Source;
use crate::py::cache::mode::Mode;
use crate::py::cache::{PyFound, PyStaleResult};
use crate::py::ffi::call_with;
use crate::py::hits::row::{CachedValue, FreshWindow, HitRecord};
use crate::py::value::stored_text::is_error;
use crate::py::value::template::{Template, TemplateObject};

impl<'py> Invocation<'_, 'py> {
    /// What a hit would return; nothing is counted.
    pub fn peek(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let cache = self.cache();
        let found = cache.peek(&self.key).or_else(|| {
            // Another process may have it by now: a call would look, too.
            cache.take_external_changes();
            cache.peek(&self.key)
        });
        let Some(found) = found else { return Ok(None) };
        if is_error(found.entry.text.as_ref()) {
            return Ok(None);
        }
        let Some(source) = self.source(py, &found)? else { return Ok(None) };
        let expiry = self.expiry(|| source.value(py))?;
        match self.freshness(py, &found.entry, expiry)? {
            Freshness::Expired { .. } => Ok(None),
            Freshness::Fresh | Freshness::Refresh => self.serve(py, &source).map(Some),
        }
    }

    /// Looks the key up.
    pub(super) fn look(&self, py: Python<'py>) -> PyResult<Look<'py>> {
        if self.anew {
            return Ok(Look::Miss(PyStaleResult::default()));
        }
        match self.cache().hit(&self.key, self.origin) {
            Some(found) => self.judge(py, &found, false),
            None => Ok(Look::Miss(PyStaleResult::default())),
        }
    }

    /// Serves an entry, unless it is too old or no result; one that is `due` is not served while it
    /// is made anew.
    pub(super) fn judge(&self, py: Python<'py>, found: &PyFound, due: bool) -> PyResult<Look<'py>> {
        let nothing = Look::Miss(PyStaleResult::default());
        if is_error(found.entry.text.as_ref()) {
            return self.kept_error(py, &found.entry);
        }
        let Some(source) = self.source(py, found)? else { return Ok(nothing) };
        let expiry = self.expiry(|| source.value(py))?;
        match self.freshness(py, &found.entry, expiry)? {
            Freshness::Fresh => {}
            Freshness::Refresh if !due && self.refresh_later(py)? => {}
            Freshness::Refresh => {
                let stale = self.live(py, &found.entry)?;
                return Ok(Look::Miss(PyStaleResult { expired: true, due: true, stale }));
            }
            Freshness::Expired { servable_on_error } => {
                let stale = if servable_on_error { self.live(py, &found.entry)? } else { None };
                return Ok(Look::Miss(PyStaleResult { expired: true, due: false, stale }));
            }
        }
        if !self.is_of_this_code(py, &found.entry.notes)? {
            return Ok(nothing);
        }
        self.me.counters.hits.fetch_add(1, Ordering::Relaxed);
        self.check_collision(py, found)?;
        self.store_transient(py, &found.entry)?;
        let value = self.serve(py, &source)?;
        let Source::Template(live) = source else { return Ok(Look::Hit((value, None))) };
        // While somebody computes the key anew, inner calls of theirs must not find it in a table.
        if !self.is_remembered() || self.cache().flights().is_flying(&self.key) {
            return Ok(Look::Hit((value, None)));
        }
        let fill = self.fill(py, &live, &found.entry, expiry)?;
        Ok(Look::Hit((value, Some(fill))))
    }

    /// Stores what another mode kept in this process only: what a call in mode "on" returns is in the
    /// file.
    fn store_transient(&self, py: Python<'py>, found: &Entry<Arc<Template>>) -> PyResult<()> {
        if !found.transient || found.text.is_none() || !self.mode.writes() {
            return Ok(());
        }
        let _ = self.cache().put(&self.key, Entry { transient: false, ..found.clone() });
        self.after_put(py)
    }

    /// What to serve an entry from; None if its text is bad.
    fn source(&self, py: Python<'py>, found: &PyFound) -> PyResult<Option<Source<'py>>> {
        let options = &self.options;
        // A ttl that depends on the result gets a copy of its own.
        if options.copy && !matches!(options.ttl, Some(Ttl::Of(_))) {
            return self.core.get().source(py, &self.key, found);
        }
        Ok(self.live(py, &found.entry)?.map(Source::Template))
    }

    fn live(
        &self,
        py: Python<'_>,
        found: &Entry<Arc<Template>>,
    ) -> PyResult<Option<Arc<Template>>> {
        self.core.get().live(py, &self.key, found)
    }

    pub(super) fn kept_error(
        &self,
        py: Python<'py>,
        found: &Entry<Arc<Template>>,
    ) -> PyResult<Look<'py>> {
        let nothing = Look::Miss(PyStaleResult::default());
        let (Some(keeper), Some(text)) = (&self.options.errors, &found.text) else {
            return Ok(nothing);
        };
        let Ok(payload) = self.core.get().decode(py, text) else { return Ok(nothing) };
        let age = self.now(py)? - found.created.unwrap_or(0.0);
        let error = keeper.bind(py).call_method1(intern!(py, "unpack"), (payload, age))?;
        if error.is_none() {
            return Ok(nothing);
        }
        self.me.counters.hits.fetch_add(1, Ordering::Relaxed);
        Ok(Look::Raise(PyErr::from_value(error)))
    }

    /// The limits of this result's age; None if results of this function do not grow old. `value`
    /// gives a copy of the result.
    fn expiry(
        &self,
        value: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Expiry>> {
        let options = &self.options;
        if !options.expires() {
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
                        self.tell_raising(py, "ttl", error)?;
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

    fn freshness(
        &self,
        py: Python<'py>,
        found: &Entry<Arc<Template>>,
        expiry: Option<Expiry>,
    ) -> PyResult<Freshness> {
        let Some(expiry) = expiry else { return Ok(Freshness::Fresh) };
        let now = self.now(py)?;
        Ok(expiry.judge(found.created, now, now))
    }

    /// Whether a table of hits may answer such calls. It must not where every call must be seen: to
    /// ask for the key or the time.
    pub(super) fn is_remembered(&self) -> bool {
        self.me.keys.is_pure() && self.options.clock.is_none() && self.mode.serves_hits()
    }

    /// Whether results may have to go for want of room.
    fn is_bounded(&self) -> bool {
        self.options.maxsize.is_some() || self.core.get().is_bounded()
    }

    /// What the table of hits may remember of a new entry, if of anything.
    pub(super) fn fill_of(
        &self,
        py: Python<'py>,
        entry: &Entry<Arc<Template>>,
    ) -> PyResult<Option<HitRecord>> {
        let Some(live) = entry.live.as_ref().filter(|_| self.is_remembered()) else {
            return Ok(None);
        };
        let expiry = self.expiry(|| live.serve(py))?;
        self.fill(py, live, entry, expiry).map(Some)
    }

    /// What the table of hits is to remember, and until when.
    fn fill(
        &self,
        py: Python<'py>,
        live: &Arc<Template>,
        entry: &Entry<Arc<Template>>,
        expiry: Option<Expiry>,
    ) -> PyResult<HitRecord> {
        let window = match expiry {
            Some(Expiry { ttl, refresh_after, .. }) => {
                let now = self.now(py)?;
                let limits = [ttl, refresh_after].into_iter().flatten();
                let until = entry.created.unwrap_or(now) + limits.fold(f64::INFINITY, f64::min);
                Some(FreshWindow::up_to(clock::nanoseconds(until)))
            }
            None => None,
        };
        let value = if self.is_bounded() {
            CachedValue::Weak(Arc::downgrade(live), !self.options.copy)
        } else if live.is_shared() {
            CachedValue::Same(live.object().clone_ref(py))
        } else if self.options.copy {
            CachedValue::Copy(Py::new(py, TemplateObject(Arc::clone(live)))?)
        } else {
            CachedValue::Same(live.serve_shared(py)?.unbind())
        };
        Ok(HitRecord { epoch: self.epoch, value, window, liveness: entry.liveness.clone() })
    }

    /// Has the result made anew in the background; false if that was tried and cut off, so that this
    /// call must do it.
    fn refresh_later(&self, py: Python<'py>) -> PyResult<bool> {
        let Some(refresher) = &self.options.refresher else { return Ok(true) };
        if self.mode == Mode::Offline || self.cache().flights().is_flying(&self.key) {
            return Ok(true);
        }
        let key = crate::py::value::wtf8::from_wtf8(py, &self.key)?;
        refresher.bind(py).call1((key, self.call.args(py)?, self.call.kwargs(py)?))?.is_truthy()
    }

    fn serve(&self, py: Python<'py>, source: &Source<'py>) -> PyResult<Bound<'py, PyAny>> {
        match source {
            Source::Template(live) => self.serve_live(py, live),
            Source::Fresh(value) => Ok(value.clone()),
        }
    }

    pub(super) fn serve_live(
        &self,
        py: Python<'py>,
        live: &Template,
    ) -> PyResult<Bound<'py, PyAny>> {
        if self.options.copy { live.serve(py) } else { live.serve_shared(py) }
    }

    pub(super) fn value_of(
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

    pub(super) fn now(&self, py: Python<'_>) -> PyResult<f64> {
        match &self.options.clock {
            Some(clock) => call_with(clock.bind(py), ())?.extract(),
            None => Ok(clock::now()),
        }
    }
}

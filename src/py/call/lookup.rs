//! Looking a key up: whether there is a result, whether it is fresh, what a table may remember of
//! it.

use std::sync::Arc;

use pyo3::prelude::*;

use super::answer::Answer;
use super::invocation::{Invocation, Look};
use crate::cache::Entry;
use crate::policy::Freshness;
use crate::py::cache::away::away;
use crate::py::cache::values::{Source, Values};
use crate::py::cache::{PyFound, PyStaleResult};
use crate::py::ffi::call_with;
use crate::py::value::classes::Classes;
use crate::py::value::once::intern;
use crate::py::value::stored_text::is_error;
use crate::py::value::template::Template;

impl<'py> Invocation<'_, 'py> {
    /// Returns what a hit would return; nothing is counted.
    pub fn peek(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let cache = self.cache();
        let key = &self.request.key;
        let found = away(py, cache, |cache| {
            cache.peek(key).or_else(|| {
                // Another process may have it by now: a call would look, too.
                cache.take_external_changes();
                cache.peek(key)
            })
        });
        let Some(found) = found else { return Ok(None) };
        if is_error(found.entry.text.as_ref()) {
            return Ok(None);
        }
        let Some(source) = self.serving().source(py, &found)? else { return Ok(None) };
        let expiry = self.serving().expiry(|| source.value(py))?;
        match self.serving().freshness(py, &found.entry, expiry)? {
            Freshness::Expired { .. } => Ok(None),
            Freshness::Fresh | Freshness::Refresh => self.serving().serve(py, &source).map(Some),
        }
    }

    /// Returns the kept result, counted as a hit; None if it has to be computed.
    pub fn found(&self, py: Python<'py>) -> PyResult<Option<Answer<'py>>> {
        if self.cache().flights().is_nested(&self.request.key, self.request.caller()) {
            return Ok(None);
        }
        match self.look(py)? {
            Look::Hit(answer) => Ok(Some(answer)),
            Look::Raise(error) => Err(error),
            Look::Miss(_) => Ok(None),
        }
    }

    /// Looks the key up.
    pub(super) fn look(&self, py: Python<'py>) -> PyResult<Look<'py>> {
        if self.request.anew {
            return Ok(Look::Miss(PyStaleResult::default()));
        }
        let (key, origin) = (&self.request.key, self.request.origin);
        match away(py, self.cache(), |cache| cache.hit(key, origin)) {
            Some(found) => self.judge(py, &found, false),
            None => Ok(Look::Miss(PyStaleResult::default())),
        }
    }

    /// Serves an entry, unless it is too old or holds no result. One that is `due` is not served
    /// while it is refreshed.
    pub(super) fn judge(&self, py: Python<'py>, found: &PyFound, due: bool) -> PyResult<Look<'py>> {
        let nothing = Look::Miss(PyStaleResult::default());
        if is_error(found.entry.text.as_ref()) {
            return self.kept_error(py, &found.entry);
        }
        let Some(source) = self.serving().source(py, found)? else { return Ok(nothing) };
        let expiry = self.serving().expiry(|| source.value(py))?;
        match self.serving().freshness(py, &found.entry, expiry)? {
            Freshness::Fresh => {}
            Freshness::Refresh if !due && self.refresh_later(py, found)? => {}
            Freshness::Refresh => {
                let stale = self.serving().live(py, &found.entry)?;
                return Ok(Look::Miss(PyStaleResult { expired: true, due: true, stale }));
            }
            Freshness::Expired { servable_on_error } => {
                let stale =
                    if servable_on_error { self.serving().live(py, &found.entry)? } else { None };
                return Ok(Look::Miss(PyStaleResult { expired: true, due: false, stale }));
            }
        }
        if !self.provenance().is_of_this_code(py, &found.entry.notes)? {
            return Ok(nothing);
        }
        self.observer().hit(py)?;
        self.provenance().check_collision(py, found)?;
        self.store_transient(py, &found.entry)?;
        let value = self.serving().serve(py, &source)?;
        let Source::Template(live) = source else { return Ok(Look::Hit((value, None))) };
        // While the key is being computed anew, inner calls must not find the old result in a
        // table.
        if !self.serving().is_remembered() || self.cache().flights().is_flying(&self.request.key) {
            return Ok(Look::Hit((value, None)));
        }
        let record = self.serving().record(py, &live, &found.entry, expiry)?;
        Ok(Look::Hit((value, Some(record))))
    }

    /// Stores a result that another mode kept in this process only: whatever a call in mode "on"
    /// returns is in the file.
    fn store_transient(&self, py: Python<'py>, found: &Entry<Arc<Template>>) -> PyResult<()> {
        if !found.transient || found.borrowed || found.text.is_none() || !self.request.mode.writes()
        {
            return Ok(());
        }
        let (key, entry) = (&self.request.key, Entry { transient: false, ..found.clone() });
        let _ = away(py, self.cache(), |cache| cache.put_again(key, entry));
        self.keeper().after_put(py)
    }

    pub(super) fn kept_error(
        &self,
        py: Python<'py>,
        found: &Entry<Arc<Template>>,
    ) -> PyResult<Look<'py>> {
        let nothing = Look::Miss(PyStaleResult::default());
        let (Some(keeper), Some(text)) = (&self.request.options.errors, &found.text) else {
            return Ok(nothing);
        };
        let values = Values { core: self.me.core.get(), classes: Classes::default(), py };
        let Ok(payload) = values.decode(text) else { return Ok(nothing) };
        let age = self.request.options.now(py)? - found.created.unwrap_or(0.0);
        let error = keeper.bind(py).call_method1(intern!(py, "unpack"), (payload, age))?;
        if error.is_none() {
            return Ok(nothing);
        }
        self.observer().hit(py)?;
        Ok(Look::Raise(PyErr::from_value(error)))
    }

    /// Starts a background refresh. Returns false if an earlier one was cut off, so that this call
    /// must compute.
    fn refresh_later(&self, py: Python<'py>, found: &PyFound) -> PyResult<bool> {
        let Some(refresher) = &self.request.options.refresher else { return Ok(true) };
        if !self.request.mode.computes() || self.cache().flights().is_flying(&self.request.key) {
            return Ok(true);
        }
        if self.was_cut_off(py, &found.entry.notes)? {
            return Ok(false);
        }
        let key = crate::py::value::wtf8::from_wtf8(py, &self.request.key)?;
        call_with(refresher.bind(py), (key, self.call.args(py)?, self.call.kwargs(py)?))?
            .is_truthy()
    }
}

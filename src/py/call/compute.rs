//! Computing, and keeping what came of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use pyo3::exceptions::{PyException, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;

use super::exit::is_after_exit;
use super::invocation::{Answer, Invocation};
use super::lease::{Lease, StaleResult};
use crate::cache::{Entry, SharedResult};
use crate::py::cache::entries::{HERE_ONLY, unstorable};
use crate::py::cache::mode::Mode;
use crate::py::ffi::call_with;
use crate::py::value::refusal::type_name;
use crate::py::value::stored_text::{tagged_error, to_text};
use crate::py::value::template::Template;

impl<'py> Invocation<'_, 'py> {
    /// Calls the function and keeps what it returns.
    pub fn compute(&self, py: Python<'py>, lease: Lease) -> PyResult<Answer<'py>> {
        self.count(lease.old());
        match self.me.invoke(py, self.call) {
            Ok(value) => self.keep(py, lease, value),
            Err(error) => self.failed(py, lease, error),
        }
    }

    /// Counts a call that is computed.
    pub fn count(&self, old: &StaleResult) {
        self.me.count_miss();
        if old.expired {
            self.me.counters.expired.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Keeps a result, on disk before anybody gets it.
    pub fn keep(
        &self,
        py: Python<'py>,
        lease: Lease,
        value: Bound<'py, PyAny>,
    ) -> PyResult<Answer<'py>> {
        let (entry, refused) = self.entry(py, &value)?;
        if refused.is_some() && is_used_up(&value)? {
            // Who waits for it computes one of his own.
            drop(lease);
            self.tell_used_up(py, &value)?;
            return Ok((value, None));
        }
        let wanted = match &self.options.cache_if {
            Some(wanted) => call_with(wanted.bind(py), (&value,))?.is_truthy()?,
            None => true,
        };
        let landed = SharedResult::Result(entry.text.clone(), entry.live.clone());
        let fill = if wanted { self.fill_of(py, &entry)? } else { None };
        let raises = refused.is_some() && self.options.on_unstorable == "raise";
        if wanted && !raises {
            let _ = self.cache().put(&self.key, entry);
        }
        lease.finish(landed);
        if !wanted {
            return Ok((value, fill));
        }
        self.after_put(py)?;
        if let Some(where_) = refused {
            self.tell_unstorable(py, &where_)?;
        }
        Ok((value, fill))
    }

    /// Warnings of the store, and the save that its journal asks for.
    pub(super) fn after_put(&self, py: Python<'py>) -> PyResult<()> {
        let core = self.core.get();
        if core.cache().should_save() {
            let cache = Arc::clone(core.cache());
            let builder = std::thread::Builder::new().name("outlive-save".to_owned());
            if builder.spawn(move || cache.save_in_background()).is_err() {
                // Without a thread for it the next save does it; the journal has everything.
                core.cache().no_background();
            }
        }
        if is_after_exit() {
            // The save at exit is over: this call comes from a handler that runs after it.
            return core.close(py).map(drop);
        }
        core.tell(py)
    }

    /// The snapshot of `value`, and where in it something stands that cannot be stored.
    pub(super) fn entry(
        &self,
        py: Python<'py>,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<(Entry<Arc<Template>>, Option<String>)> {
        let mut entry = Entry::new(Some(self.now(py)?));
        entry.liveness = self.cache().gate().uses.new_liveness();
        entry.timed = self.options.expires();
        entry.transient = self.mode == Mode::Readonly;
        entry.origin = self.origin(py);
        match to_text(value, self.core.get().charset()) {
            Ok(text) => {
                entry.live = self.live_of(py, value, &text);
                entry.text = Some(text);
                Ok((entry, None))
            }
            Err(refusal) => {
                entry.live = Some(Arc::new(Template::same(value.clone())));
                Ok((entry, Some(refusal.describe())))
            }
        }
    }

    /// What can be served without decoding the text: an immutable result, or the shared one.
    pub(super) fn live_of(
        &self,
        py: Python<'py>,
        value: &Bound<'py, PyAny>,
        text: &Bytes,
    ) -> Option<Arc<Template>> {
        if Template::is_immutable(value) {
            return Some(Arc::new(Template::same(value.clone())));
        }
        if self.options.copy {
            return None;
        }
        let live = self.core.get().template(py, text).ok()?;
        live.share(value);
        Some(Arc::new(live))
    }

    /// A result that the first caller uses up is no result for the second.
    pub(super) fn tell_used_up(&self, py: Python<'py>, value: &Bound<'py, PyAny>) -> PyResult<()> {
        let sentence = format!(
            "the result of {} can be used only once ({}), so it is not kept and every call computes; \
             return what it gives, such as list(...) of an iterator or the text of a file, and \
             decorate the async def function itself rather than one that calls it",
            self.me.name,
            type_name(value)
        );
        self.tell_once(py, sentence)
    }

    pub(super) fn tell_unstorable(&self, py: Python<'py>, where_: &str) -> PyResult<()> {
        let key = String::from_utf8_lossy(&self.key);
        let sentence =
            unstorable(&format!("the result of {} for key {key:?}", self.me.name), where_);
        self.tell_once(py, sentence)
    }

    /// Warns, or what `on_unstorable=` says; a warning comes once for each function.
    pub(super) fn tell_once(&self, py: Python<'py>, sentence: String) -> PyResult<()> {
        match self.options.on_unstorable.as_str() {
            "raise" => return Err(PyTypeError::new_err(sentence)),
            "warn" if !self.me.unstorable_told.swap(true, Ordering::Relaxed) => {
                self.core.get().warn(py, "UnstorableWarning", &(sentence + HERE_ONLY))?;
            }
            _ => {}
        }
        Ok(())
    }

    /// The function raised: those who wait get the same exception, nothing is kept unless asked.
    pub fn failed(&self, py: Python<'py>, lease: Lease, error: PyErr) -> PyResult<Answer<'py>> {
        if !error.is_instance_of::<PyException>(py) {
            // An interrupt or an exit is meant for this thread: somebody else takes over.
            return Err(error);
        }
        if let Some(stale) = lease.old.stale.clone() {
            lease.finish(SharedResult::Result(None, Some(Arc::clone(&stale))));
            return Ok((self.serve_live(py, &stale)?, None));
        }
        self.keep_error(py, &error)?;
        lease.finish(SharedResult::Failed(Arc::new(error.clone_ref(py))));
        Err(error)
    }

    pub(super) fn keep_error(&self, py: Python<'py>, error: &PyErr) -> PyResult<()> {
        let Some(keeper) = &self.options.errors else { return Ok(()) };
        let payload = keeper.bind(py).call_method1(intern!(py, "pack"), (error.value(py),))?;
        if payload.is_none() {
            return Ok(());
        }
        let mut entry = Entry::new(Some(self.now(py)?));
        entry.liveness = self.cache().gate().uses.new_liveness();
        entry.timed = true;
        entry.transient = self.mode == Mode::Readonly;
        entry.text = tagged_error(&payload, self.core.get().charset());
        if entry.text.is_some() {
            let _ = self.cache().put(&self.key, entry);
            self.after_put(py)?;
        }
        Ok(())
    }

    /// Keeps a result that somebody else brings.
    pub fn keep_given(&self, py: Python<'py>, value: &Bound<'py, PyAny>) -> PyResult<()> {
        let (entry, refused) = self.entry(py, value)?;
        if refused.is_some() && is_used_up(value)? {
            return self.tell_used_up(py, value);
        }
        let _ = self.cache().put(&self.key, entry);
        self.after_put(py)?;
        refused.map_or(Ok(()), |where_| self.tell_unstorable(py, &where_))
    }
}

/// Whether a value is gone once somebody has used it: iterators (files and generators are some) and
/// coroutines.
pub(super) fn is_used_up(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    let class = value.get_type();
    let has = |name| class.hasattr(name);
    Ok(has("__next__")? || has("__anext__")? || (has("__await__")? && has("send")?))
}

//! Computing, and keeping what came of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use pyo3::exceptions::{PyException, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;

use super::code_note::note_further;
use super::exit::is_after_exit;
use super::invocation::{Answer, Invocation};
use crate::cache::{Entry, SharedResult};
use crate::clock;
use crate::key::shown;
use crate::py::cache::entries::{Unstorable, unstorable};
use crate::py::cache::mode::Mode;
use crate::py::cache::{PyLease, PyStaleResult};
use crate::py::ffi::call_with;
use crate::py::value::refusal::type_name;
use crate::py::value::stored_text::{tagged_error, to_text};
use crate::py::value::template::Template;

impl<'py> Invocation<'_, 'py> {
    /// Calls the function and keeps what it returns.
    pub fn compute(&self, py: Python<'py>, lease: PyLease) -> PyResult<Answer<'py>> {
        self.count(&lease.old);
        let noted = self.note_previous(py, lease.old.expired)?;
        let outcome = self.me.invoke(py, self.call);
        noted.map_or(Ok(()), |noted| noted.leave(py))?;
        match outcome {
            Ok(value) => self.keep(py, lease, value),
            Err(error) => self.failed(py, lease, error),
        }
    }

    /// Counts a call that is computed.
    #[inline(never)]
    pub fn count(&self, old: &PyStaleResult) {
        self.me.count_miss();
        if old.expired {
            self.me.counters.expired.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Keeps a result, on disk before anybody gets it.
    #[inline(never)]
    pub fn keep(
        &self,
        py: Python<'py>,
        lease: PyLease,
        value: Bound<'py, PyAny>,
    ) -> PyResult<Answer<'py>> {
        let (mut entry, refused) = self.entry(py, &value)?;
        let system = self.options.clock.is_none();
        entry.notes.took = lease.took(entry.created.filter(|_| system).unwrap_or_else(clock::now));
        let one_shot = if refused.is_some() { self.used_up_part(py, &value)? } else { None };
        self.me.used_up.store(one_shot.is_some(), Ordering::Relaxed);
        if let Some(part) = one_shot {
            // Each of those who wait computes a result of its own.
            drop(lease);
            self.tell_used_up(py, &value, &part)?;
            return Ok((value, None));
        }
        if !self.is_wanted(py, &value)? {
            lease.share(SharedResult::Result(entry.text, entry.live));
            return Ok((value, None));
        }
        if let Some(refused) = &refused
            && self.options.on_unstorable == "raise"
        {
            let error = self.unstorable_error(py, &value, refused)?;
            lease.share(SharedResult::Failed(Arc::new(error.clone_ref(py))));
            return Err(error);
        }
        if let Some(tags) = self.tags_of(py, &value)? {
            note_further(&mut entry.notes, &tags);
        }
        let fill = self.fill_of(py, &entry)?;
        let _ = lease.commit(self.cache(), &self.key, entry);
        self.after_put(py)?;
        if let Some(refused) = refused {
            self.tell_unstorable(py, &refused)?;
        }
        Ok((value, fill))
    }

    /// What `cache_if=` says of a result; one of which it raises is not kept.
    fn is_wanted(&self, py: Python<'py>, value: &Bound<'py, PyAny>) -> PyResult<bool> {
        let Some(wanted) = &self.options.cache_if else { return Ok(true) };
        let said = call_with(wanted.bind(py), (value,)).and_then(|said| said.is_truthy());
        said.or_else(|error| self.tell_raising(py, "cache_if", error).map(|()| false))
    }

    /// What `tags=` says of a result; one for which it raises has none.
    fn tags_of(&self, py: Python<'py>, value: &Bound<'py, PyAny>) -> PyResult<Option<Bytes>> {
        let Some(tags) = &self.options.tags else { return Ok(None) };
        match call_with(tags.bind(py), (value,)).and_then(|text| text.extract::<Vec<u8>>()) {
            Ok(text) => Ok(Some(Bytes::from(text))),
            Err(error) => self.tell_raising(py, "tags", error).map(|()| None),
        }
    }

    /// Warns that an option's callable raised, once for each function: the result is not lost by it.
    pub(super) fn tell_raising(&self, py: Python<'_>, option: &str, error: PyErr) -> PyResult<()> {
        if !error.is_instance_of::<PyException>(py) {
            return Err(error);
        }
        if self.me.raising_told.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let sentence = format!(
            "{option}= of {} raised {}: {}; the result was returned",
            self.me.name,
            type_name(error.value(py)),
            error.value(py),
        );
        self.core.get().warn(py, "OutliveWarning", &sentence)
    }

    /// Warnings of the store, and the save that its journal asks for.
    pub(super) fn after_put(&self, py: Python<'py>) -> PyResult<()> {
        let core = self.core.get();
        core.keep_limits(Some(&self.key), self.mode.writes());
        if core.cache().saver().should_save() {
            let cache = Arc::clone(core.cache());
            let builder = std::thread::Builder::new().name("outlive-save".to_owned());
            if builder.spawn(move || cache.saver().save_in_background()).is_err() {
                // Without a thread for it the next save does it; the journal has everything.
                core.cache().saver().no_background();
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
    ) -> PyResult<(Entry<Arc<Template>>, Option<Unstorable>)> {
        let mut entry = Entry::new(Some(self.now(py)?));
        entry.liveness = self.cache().gate().uses.new_liveness();
        entry.timed = self.options.expires();
        entry.transient = self.mode == Mode::Readonly;
        entry.origin = self.origin;
        self.note_code(py, &mut entry.notes)?;
        self.note_maker(py, &mut entry.notes);
        match to_text(value, self.core.get().charset()) {
            Ok(text) => {
                entry.live = self.live_of(py, value, &text);
                entry.text = Some(text);
                Ok((entry, None))
            }
            Err(mut refusal) => {
                if let Some(error) = refusal.raised.take() {
                    return Err(error);
                }
                let (live, uncopied) = Template::unstorable(value, self.options.copy);
                entry.live = Some(Arc::new(live));
                Ok((entry, Some(Unstorable { part: refusal.describe(), uncopied })))
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

    /// What of a result is gone once somebody has used it, if anything is: an iterator, an open file.
    pub(super) fn used_up_part(
        &self,
        py: Python<'py>,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<Option<String>> {
        let registration = self.me.registration.bind(py);
        registration.call_method1(intern!(py, "used_up"), (value,))?.extract()
    }

    /// A result that the first caller uses up is no result for the second.
    fn tell_used_up(&self, py: Python<'py>, value: &Bound<'py, PyAny>, part: &str) -> PyResult<()> {
        let sentence = format!(
            "the result of {} can be used only once ({part}), so it is not kept and every call \
             computes; return what it gives, such as list(...) of an iterator or the text of a \
             file, and decorate the async def function itself rather than one that calls it",
            self.me.name,
        );
        self.tell_once(py, value, sentence)
    }

    fn tell_unstorable(&self, py: Python<'py>, refused: &Unstorable) -> PyResult<()> {
        let sentence = self.unstorable_sentence(refused) + &refused.kept_how(py);
        self.warn_once(py, &sentence)
    }

    fn unstorable_sentence(&self, refused: &Unstorable) -> String {
        let of = format!("the result of {} for key {}", self.me.name, shown(&self.key));
        unstorable(&of, &refused.part)
    }

    /// What `on_unstorable="raise"` raises: the result, which was paid for, is its `result`.
    fn unstorable_error(
        &self,
        py: Python<'py>,
        value: &Bound<'py, PyAny>,
        refused: &Unstorable,
    ) -> PyResult<PyErr> {
        with_result(py, self.unstorable_sentence(refused), value)
    }

    /// Warns, or raises, as `on_unstorable=` says.
    fn tell_once(
        &self,
        py: Python<'py>,
        value: &Bound<'py, PyAny>,
        sentence: String,
    ) -> PyResult<()> {
        if self.options.on_unstorable == "raise" {
            return Err(with_result(py, sentence, value)?);
        }
        self.warn_once(py, &sentence)
    }

    fn warn_once(&self, py: Python<'py>, sentence: &str) -> PyResult<()> {
        if self.options.on_unstorable == "warn"
            && !self.me.unstorable_told.swap(true, Ordering::Relaxed)
        {
            self.core.get().warn(py, "UnstorableWarning", sentence)?;
        }
        Ok(())
    }

    /// The function raised: those who wait get the same exception, nothing is kept unless asked.
    #[inline(never)]
    pub fn failed(&self, py: Python<'py>, lease: PyLease, error: PyErr) -> PyResult<Answer<'py>> {
        if !error.is_instance_of::<PyException>(py) {
            // An interrupt or an exit is meant for this thread: somebody else takes over.
            return Err(error);
        }
        if let Some(stale) = lease.old.stale.clone() {
            let result = SharedResult::Result(None, Some(Arc::clone(&stale)));
            lease.fail(self.cache(), &self.key, result);
            return Ok((self.serve_live(py, &stale)?, None));
        }
        self.keep_error(py, &error)?;
        let result = SharedResult::Failed(Arc::new(error.clone_ref(py)));
        lease.fail(self.cache(), &self.key, result);
        Err(error)
    }

    fn keep_error(&self, py: Python<'py>, error: &PyErr) -> PyResult<()> {
        let Some(errors) = &self.options.errors else { return Ok(()) };
        let errors = errors.bind(py);
        let payload = errors.call_method1(intern!(py, "pack"), (error.value(py),))?;
        if payload.is_none() {
            return Ok(());
        }
        let mut entry = Entry::new(Some(self.now(py)?));
        entry.liveness = self.cache().gate().uses.new_liveness();
        entry.timed = true;
        entry.transient = self.mode == Mode::Readonly;
        match tagged_error(&payload, self.core.get().charset()) {
            Ok(text) => entry.text = Some(text),
            Err(refusal) => {
                let told = intern!(py, "tell_unstorable");
                return errors
                    .call_method1(told, (error.value(py), format!("it holds {}", refusal.what)))
                    .map(drop);
            }
        }
        let _ = self.cache().put(&self.key, entry);
        self.after_put(py)
    }

    /// Keeps a result that somebody else brings.
    pub fn keep_given(&self, py: Python<'py>, value: &Bound<'py, PyAny>) -> PyResult<()> {
        let (entry, refused) = self.entry(py, value)?;
        if refused.is_some()
            && let Some(part) = self.used_up_part(py, value)?
        {
            return self.tell_used_up(py, value, &part);
        }
        if let Some(refused) = &refused
            && self.options.on_unstorable == "raise"
        {
            return Err(self.unstorable_error(py, value, refused)?);
        }
        let _ = self.cache().put(&self.key, entry);
        self.after_put(py)?;
        refused.map_or(Ok(()), |refused| self.tell_unstorable(py, &refused))
    }
}

/// A `TypeError` whose `result` is what the function returned.
fn with_result<'py>(
    py: Python<'py>,
    sentence: String,
    value: &Bound<'py, PyAny>,
) -> PyResult<PyErr> {
    let error = PyTypeError::new_err(sentence);
    error.value(py).setattr(intern!(py, "result"), value)?;
    Ok(error)
}

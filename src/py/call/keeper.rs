//! What is kept of a computation: a result, an exception, or nothing.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use pyo3::exceptions::PyException;
use pyo3::prelude::*;

use super::answer::Answer;
use super::code_note::note_further;
use super::exit::is_after_exit;
use super::memoised::Memoised;
use super::observer::{Observer, Stored};
use super::recorder::Recorder;
use super::request::Request;
use super::serving::Serving;
use super::teller::Teller;
use crate::cache::{Entry, SharedResult};
use crate::clock;
use crate::py::cache::away::away;
use crate::py::cache::values::Unstorable;
use crate::py::cache::{PyCache, PyLease};
use crate::py::value::once::intern;
use crate::py::value::stored_text::tagged_error;
use crate::py::value::template::Template;
use crate::py::value::wtf8::from_wtf8;

/// Keeps the outcome of one call.
#[derive(Clone, Copy)]
pub struct Keeper<'a> {
    /// The function.
    pub me: &'a Memoised,
    /// What the call asks for.
    pub request: &'a Request,
}

/// What becomes of a result.
#[allow(clippy::large_enum_variant, reason = "it lives for a moment; not large everywhere")]
pub enum Outcome<'py> {
    /// Nothing more is to be done.
    Settled(Bound<'py, PyAny>),
    /// It is to be stored.
    Due(Due<'py>),
}

/// A result that is to be stored.
pub struct Due<'py> {
    /// The right to do so.
    pub lease: PyLease,
    /// What is stored.
    pub entry: Box<Entry<Arc<Template>>>,
    /// What the caller gets.
    pub value: Bound<'py, PyAny>,
    /// What is to be told then.
    pub story: Story,
}

/// What is to be told of a result that is stored.
pub struct Story {
    stored: Stored,
    refused: Option<Unstorable>,
}

impl Story {
    /// Tells it: the result is `kept`, or was outdated. Returns whether it is kept in the end: it may
    /// be too large.
    pub fn tell(self, py: Python<'_>, keeper: &Keeper<'_>, kept: bool) -> PyResult<bool> {
        let kept = if kept {
            keeper.report(py, self.stored)?
        } else {
            keeper.observer().not_kept(py, "it was purged while its result was computed")?;
            false
        };
        if let Some(refused) = self.refused {
            keeper.renewed(py);
            keeper.teller().unstorable(py, &refused)?;
        }
        Ok(kept)
    }
}

impl<'a> Keeper<'a> {
    fn cache(&self) -> &'a Arc<PyCache> {
        self.me.core.get().cache()
    }

    fn teller(&self) -> Teller<'a> {
        Teller { me: self.me, request: self.request }
    }

    fn serving(&self) -> Serving<'a> {
        Serving { me: self.me, request: self.request }
    }

    fn observer(&self) -> Observer<'a> {
        Observer { me: self.me, request: self.request }
    }

    fn recorder(&self) -> Recorder<'a> {
        Recorder { me: self.me, request: self.request }
    }

    /// Keeps a result, on disk before any caller gets it.
    #[inline(never)]
    pub fn keep<'py>(
        &self,
        py: Python<'py>,
        lease: PyLease,
        value: Bound<'py, PyAny>,
    ) -> PyResult<Answer<'py>> {
        let due = match self.prepare(py, lease, value)? {
            Outcome::Settled(value) => return Ok((value, None)),
            Outcome::Due(due) => due,
        };
        let record = self.serving().record_of(py, &due.entry)?;
        let (key, lease, entry) = (&self.request.key, due.lease, due.entry);
        let kept = away(py, self.cache(), |cache| lease.commit(cache, key, entry)).unwrap_or(true);
        self.after_put(py)?;
        let kept = due.story.tell(py, self, kept)?;
        Ok((due.value, record.filter(|_| kept)))
    }

    /// Looks what is to become of a result.
    #[inline]
    pub fn prepare<'py>(
        &self,
        py: Python<'py>,
        lease: PyLease,
        value: Bound<'py, PyAny>,
    ) -> PyResult<Outcome<'py>> {
        let recorder = self.recorder();
        let (value, (mut entry, refused)) = recorder.storable(py, value)?;
        let system = self.request.options.clock.is_none();
        entry.notes.took = lease.took(entry.created.filter(|_| system).unwrap_or_else(clock::now));
        let one_shot = if refused.is_some() { recorder.used_up_part(py, &value)? } else { None };
        self.me.used_up.store(one_shot.is_some(), Ordering::Relaxed);
        if let Some(part) = one_shot {
            // Every caller that waits computes a result of its own.
            drop(lease);
            self.teller().used_up(py, &value, &part)?;
            self.observer().not_kept(py, &format!("its result can be used only once ({part})"))?;
            return Ok(Outcome::Settled(value));
        }
        if !recorder.is_wanted(py, &value)? {
            lease.share(SharedResult::Result(entry.text, entry.live));
            self.observer().not_kept(py, "cache_if= refused its result")?;
            return Ok(Outcome::Settled(value));
        }
        if let Some(refused) = &refused
            && self.request.options.on_unstorable == "raise"
        {
            let error = self.teller().unstorable_error(py, &value, refused)?;
            self.observer().not_kept(py, &format!("its result is unstorable: {}", refused.part))?;
            lease.share(SharedResult::Failed(Arc::new(error.clone_ref(py))));
            return Err(error);
        }
        if let Some(noted) = recorder.noted(py, &value)? {
            note_further(&mut entry.notes, &noted);
        }
        let story = Story { stored: Stored::of(&entry), refused };
        Ok(Outcome::Due(Due { lease, entry, value, story }))
    }

    /// Makes other processes forget their own results, if this unstorable one was asked for anew.
    fn renewed(&self, py: Python<'_>) {
        if self.request.anew && !self.request.is_transient() {
            away(py, self.cache(), |cache| cache.outdate_elsewhere(&self.request.key));
        }
    }

    /// Reports a result that was stored. Returns whether it is kept: it may be too large.
    fn report(&self, py: Python<'_>, stored: Stored) -> PyResult<bool> {
        let core = self.me.core.get();
        let Some((size, most)) = core.limits.get().outgrown(stored.size) else {
            return self.observer().stored(py, stored).map(|()| true);
        };
        self.teller().too_large(py, size, most)?;
        self.observer().not_kept(py, "its result is larger than max_bytes= allows")?;
        Ok(false)
    }

    /// Issues the warnings of the store, and starts the save that its journal asks for.
    pub fn after_put(&self, py: Python<'_>) -> PyResult<()> {
        let core = self.me.core.get();
        core.limits.get().keep(Some(&self.request.key), self.request.mode.writes());
        self.after_limits(py)
    }

    /// Does the same where the limits of the cache are kept already.
    pub fn after_limits(&self, py: Python<'_>) -> PyResult<()> {
        let core = self.me.core.get();
        if core.cache().saver().should_save() {
            let cache = Arc::clone(core.cache());
            let builder = std::thread::Builder::new().name("outlive-save".to_owned());
            if builder.spawn(move || cache.saver().save_in_background()).is_err() {
                // Without a thread for it the next save does the work; the journal has everything.
                core.cache().saver().no_background();
            }
        }
        if is_after_exit() {
            // The save at exit is over: this call comes from a handler that runs after it.
            return core.close(py, true).map(drop);
        }
        core.tell(py)
    }

    /// Handles an exception: those who wait get the same one, and nothing is kept unless asked for.
    #[inline(never)]
    pub fn failed<'py>(
        &self,
        py: Python<'py>,
        lease: PyLease,
        error: PyErr,
    ) -> PyResult<Answer<'py>> {
        if !error.is_instance_of::<PyException>(py) {
            // An interrupt or an exit is meant for this thread: another caller takes over.
            return Err(error);
        }
        if let Some(stale) = lease.old.stale.clone() {
            let result = SharedResult::Result(None, Some(Arc::clone(&stale)));
            away(py, self.cache(), |cache| lease.fail(cache, &self.request.key, result));
            return Ok((self.serving().serve_live(py, &stale)?, None));
        }
        self.keep_error(py, &lease, &error)?;
        let result = SharedResult::Failed(Arc::new(error.clone_ref(py)));
        away(py, self.cache(), |cache| lease.fail(cache, &self.request.key, result));
        Err(error)
    }

    /// Returns whether the key is being refreshed in the background.
    fn is_in_background(&self, py: Python<'_>) -> PyResult<bool> {
        let Some(refresher) = &self.request.options.refresher else { return Ok(false) };
        let key = from_wtf8(py, &self.request.key)?;
        refresher.bind(py).call_method1(intern!(py, "is_under_way"), (key,))?.is_truthy()
    }

    fn keep_error(&self, py: Python<'_>, lease: &PyLease, error: &PyErr) -> PyResult<()> {
        let Some(errors) = &self.request.options.errors else { return Ok(()) };
        if self.request.anew && self.is_in_background(py)? {
            return Ok(()); // a refresh that fails leaves the good result
        }
        let errors = errors.bind(py);
        let payload = errors.call_method1(intern!(py, "pack"), (error.value(py),))?;
        if payload.is_none() {
            return Ok(());
        }
        let mut entry = Entry::new(Some(self.request.options.now(py)?));
        entry.liveness = self.cache().gate().uses.new_liveness();
        entry.timed = true;
        entry.transient = self.request.is_transient();
        match tagged_error(&payload, self.me.core.get().file.get().charset) {
            Ok(text) => entry.text = Some(text),
            Err(refusal) => {
                let told = intern!(py, "tell_unstorable");
                return errors
                    .call_method1(told, (error.value(py), format!("it holds {}", refusal.what)))
                    .map(drop);
            }
        }
        let key = &self.request.key;
        let _ = away(py, self.cache(), |cache| lease.put(cache, key, entry));
        self.after_put(py)
    }

    /// Keeps a result that the caller provides.
    pub fn keep_given(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let recorder = self.recorder();
        let (entry, refused) = recorder.entry(py, value)?;
        if refused.is_some()
            && let Some(part) = recorder.used_up_part(py, value)?
        {
            return self.teller().used_up(py, value, &part);
        }
        if let Some(refused) = &refused
            && self.request.options.on_unstorable == "raise"
        {
            return Err(self.teller().unstorable_error(py, value, refused)?);
        }
        let stored = Stored::of(&entry);
        let key = &self.request.key;
        let _ = away(py, self.cache(), |cache| cache.put(key, entry));
        self.after_put(py)?;
        self.me.core.get().file.get().expect_store(py)?;
        self.report(py, stored)?;
        refused.map_or(Ok(()), |refused| self.teller().unstorable(py, &refused))
    }

    /// Keeps the value of an inner call for the next one.
    #[inline(never)]
    pub fn keep_nested(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let recorder = self.recorder();
        let (entry, refused) = recorder.entry(py, value)?;
        if refused.is_some() && recorder.used_up_part(py, value)?.is_some() {
            return Ok(());
        }
        let result = SharedResult::Result(entry.text, entry.live);
        self.cache().flights().nested_put(&self.request.key, self.request.caller(), result);
        Ok(())
    }
}

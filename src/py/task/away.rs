//! What a call of an async function leaves to threads: all that may wait for a disk, for other
//! processes, for a server or for a mapping.
//!
//! The event loop's own thread looks at what memory holds, and into a database that nobody writes at
//! that moment. Each step here begins something and returns; `wake` is called when it is done.

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use pyo3::prelude::*;

use super::pending_call::PendingCall;
use super::pending_wait::tell;
use super::writing::Writing;
use crate::cache::Entry;
use crate::py::cache::PyLease;
use crate::py::cache::core::CoreCache;
use crate::py::cache::deferred::Deferred;
use crate::py::cache::errands::{Kind, in_turn};
use crate::py::call::exit::is_after_exit;
use crate::py::call::keeper::Outcome;
use crate::py::value::template::Template;

/// How long to wait before a write is tried again that another process was in the way of.
const A_MOMENT: Duration = Duration::from_millis(2);

#[pymethods]
impl PendingCall {
    /// Whether steps of this call that may wait are left to threads.
    #[getter]
    fn is_away(&self) -> bool {
        self.me.get().is_away()
    }

    /// Whether the store must be made ready before the call can look.
    #[getter]
    fn is_unready(&self) -> bool {
        self.stage.unready().is_some()
    }

    /// Whether something waits to be written.
    #[getter]
    fn is_unsettled(&self) -> bool {
        let core = self.me.get().core.get();
        core.cache().saver().is_unsettled() || core.file.get().is_distant()
    }

    /// Begins to read what the store begins with and what others announced.
    fn prepare(&self, py: Python<'_>, wake: Py<PyAny>) -> PyResult<()> {
        let core = self.me.get().core.bind(py);
        let may_write = CoreCache::may_write(core)?;
        let (me, file) = (core.get(), core.get().file.get());
        if !me.is_loaded() {
            file.restrict_load(me.is_writable(), may_write);
        }
        let (cache, joins) = (Arc::clone(me.cache()), may_write && !is_after_exit());
        let turn = file.errands.turn();
        let job = move || {
            in_turn(&turn, || {
                cache.load();
                cache.follower().follow(joins)
            });
            tell(&wake);
        };
        file.errands.submit(Kind::Look, Box::new(job));
        Ok(())
    }

    /// Begins to ask for the key of this call, which leads.
    fn ask_for_key(slf: &Bound<'_, Self>, wake: Py<PyAny>) {
        let pending = slf.get();
        let asked = pending.stage.lead().and_then(|lead| lead.to_acquire().map(|it| (lead, it)));
        let (Some((lead, lease)), Some(request)) = (asked, pending.request.clone()) else {
            tell(&wake);
            return;
        };
        let me = pending.me.clone_ref(slf.py());
        let errands = &pending.me.get().core.get().file.get().errands;
        let turn = errands.turn();
        let job = move || {
            let core = me.get().core.get();
            if core.file.get().is_distant() {
                Python::try_attach(|py| report(py, request.bring(py, me.get())));
            }
            let miss =
                in_turn(&turn, || lease.acquire(core.cache(), &request.key, request.ask(me.get())));
            lead.set_asked(miss);
            let held = (request, lead, me);
            Python::try_attach(|_| drop(held));
            tell(&wake);
        };
        errands.submit(Kind::Look, Box::new(job));
    }

    /// Begins to store a result: None, or a tuple of what the caller gets if nothing is to be stored.
    fn write<'py>(
        slf: &Bound<'py, Self>,
        value: Bound<'py, PyAny>,
        wake: Py<PyAny>,
    ) -> PyResult<Option<(Bound<'py, PyAny>,)>> {
        let (py, pending) = (slf.py(), slf.get());
        let _deferred = Deferred::begin();
        let Some(keeper) = pending.keeper() else { return Ok(Some((value,))) };
        let Some(lease) = pending.stage.lease() else {
            return keeper.keep_nested(py, &value).map(|()| Some((value,)));
        };
        let due = match keeper.prepare(py, lease, value)? {
            Outcome::Settled(value) => return Ok(Some((value,))),
            Outcome::Due(due) => due,
        };
        let started = Writing { value: due.value.unbind(), story: due.story, kept: None };
        drop(pending.writing.lock().replace(started));
        Self::store(slf, due.lease, due.entry, wake);
        Ok(None)
    }

    /// The result, as a tuple of one, that was there when the key was asked for; None if there was none.
    fn found<'py>(&self, py: Python<'py>) -> Option<(Bound<'py, PyAny>,)> {
        Some((self.found.lock().take()?.into_bound(py),))
    }

    /// Tells of what was stored, and returns what the caller gets.
    fn written<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let _deferred = Deferred::begin();
        let writing = self.writing.lock().take();
        let (Some(Writing { value, story, kept }), Some(keeper)) = (writing, self.keeper()) else {
            return Ok(py.None().into_bound(py));
        };
        keeper.after_limits(py)?;
        story.tell(py, &keeper, kept.unwrap_or(true))?;
        Ok(value.into_bound(py))
    }

    /// Begins to write what waits.
    fn settle(slf: &Bound<'_, Self>, wake: Py<PyAny>) {
        let waiting = slf.clone().unbind();
        let job = move || {
            waiting.get().settle_now();
            Python::try_attach(|_| drop(waiting));
            tell(&wake);
        };
        let file = slf.get().me.get().core.get().file.get();
        file.errands.submit(Kind::Write, Box::new(job));
    }
}

impl PendingCall {
    /// Has a thread store an entry.
    fn store(
        slf: &Bound<'_, Self>,
        lease: PyLease,
        entry: Box<Entry<Arc<Template>>>,
        wake: Py<PyAny>,
    ) {
        let (waiting, file) = (slf.clone().unbind(), slf.get().me.get().core.get().file.get());
        let turn = file.errands.turn();
        let job = move || {
            let pending = waiting.get();
            let core = pending.me.get().core.get();
            if let Some(request) = &pending.request {
                let kept = in_turn(&turn, || {
                    let kept = lease.commit(core.cache(), &request.key, entry).unwrap_or(true);
                    core.limits.get().keep(Some(&request.key), request.mode.writes());
                    kept
                });
                if let Some(writing) = &mut *pending.writing.lock() {
                    writing.kept = Some(kept);
                }
            }
            pending.settle_now();
            Python::try_attach(|_| drop(waiting));
            tell(&wake);
        };
        file.errands.submit(Kind::Write, Box::new(job));
    }

    /// Writes what waits, for as long as it takes; in a thread of its own.
    fn settle_now(&self) {
        let core = self.me.get().core.get();
        let (cache, file) = (core.cache(), core.file.get());
        let turn = file.errands.turn();
        while cache.saver().is_unsettled()
            && in_turn(&turn, || cache.saver().settle()).is_err_and(|error| error.is_busy())
        {
            sleep(A_MOMENT);
        }
        if file.is_distant() {
            Python::try_attach(|py| report(py, file.carry_away(py, false)));
        }
    }
}

/// Nobody waits for what a mapping raised that is no `Exception`.
fn report(py: Python<'_>, done: PyResult<()>) {
    if let Err(error) = done {
        error.write_unraisable(py, None);
    }
}

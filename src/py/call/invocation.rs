//! A call that no table of hits could answer: it looks up, waits, or computes and keeps.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use pyo3::prelude::*;

use super::answer::Answer;
use super::keeper::Keeper;
use super::memoised::Memoised;
use super::observer::Observer;
use super::patience::{Patience, Waited};
use super::provenance::Provenance;
use super::request::Request;
use super::serving::Serving;
use super::waiting::Waiting;
use crate::cache::{Entry, Led, Locks, SharedResult};
use crate::flight::{Join, Waiter};
use crate::py::cache::away::away;
use crate::py::cache::{PyCache, PyLease, PyLed, PyMiss, PySharedResult, PyStaleResult};
use crate::py::key::arguments::Call;
use crate::py::value::callbacks;
use crate::py::value::wtf8::from_wtf8;

/// The outcome of looking a key up.
pub(super) enum Look<'py> {
    Hit(Answer<'py>),
    /// A kept exception.
    Raise(PyErr),
    /// There is nothing fresh.
    Miss(PyStaleResult),
}

/// One call under way.
#[derive(Clone, Copy)]
pub struct Invocation<'a, 'py> {
    /// The function.
    pub me: &'a Memoised,
    /// Its arguments.
    pub call: &'a Call<'a, 'py>,
    /// What the call asks of the cache.
    pub request: &'a Request,
}

/// The next step of a call.
pub enum Step<'py> {
    /// Return this answer.
    Done(Answer<'py>),
    /// Compute inside our own flight of this key.
    Nested,
    /// Compute; for those who wait, too, if the lease is shared.
    Compute(PyLease),
    /// Wait for another process that computes.
    Busy(PyLease),
    /// Wait for the thread or task that computes.
    Wait(Waiter<PySharedResult>),
}

/// What a look leaves to do.
enum Looked<'py> {
    /// It settles the next step.
    Step(Step<'py>),
    /// Nothing is there that may be served; this is.
    Miss(PyStaleResult),
    /// Nothing is there, and this call has begun to compute.
    Led(PyMiss),
}

/// The decision for a call that has waited.
pub(super) enum Decision<'py> {
    /// Return this answer.
    Done(Answer<'py>),
    /// Compute inside our own flight of this key.
    Nested,
    /// Compute; for those who wait, too, if the lease is shared.
    Compute(PyLease),
}

impl<'a, 'py> Invocation<'a, 'py> {
    pub fn cache(&self) -> &'a Arc<PyCache> {
        self.me.core.get().cache()
    }

    /// Returns what serves results of this call.
    pub(super) fn serving(&self) -> Serving<'a> {
        Serving { me: self.me, request: self.request }
    }

    /// Returns the call as the maker of its result.
    pub(super) fn provenance(&self) -> Provenance<'a> {
        Provenance { me: self.me, request: self.request }
    }

    /// Returns what reports this call to hooks and the log.
    pub(super) fn observer(&self) -> Observer<'a> {
        Observer { me: self.me, request: self.request }
    }

    /// Returns what keeps the outcome of this call.
    pub(super) fn keeper(&self) -> Keeper<'a> {
        Keeper { me: self.me, request: self.request }
    }

    /// Looks up and waits until there is an answer or the result has to be computed.
    pub(super) fn decide(&self, py: Python<'py>) -> PyResult<Decision<'py>> {
        loop {
            let step = match self.step(py)? {
                Step::Busy(lease) => match self.wait_for_process(py, lease)? {
                    step @ (Step::Done(_) | Step::Compute(_)) => step,
                    Step::Nested | Step::Busy(_) | Step::Wait(_) => continue,
                },
                step => step,
            };
            match step {
                Step::Done(answer) => return Ok(Decision::Done(answer)),
                Step::Nested => return Ok(Decision::Nested),
                Step::Compute(lease) => return Ok(Decision::Compute(lease)),
                Step::Busy(_) => {}
                Step::Wait(waiter) => match self.wait(py, &waiter)? {
                    Waited::Shared(shared) => {
                        if let Some(answer) = self.shared(py, Some(shared))? {
                            return Ok(Decision::Done(answer));
                        }
                    }
                    Waited::Again => {}
                    Waited::Enough => {
                        return Ok(Decision::Compute(self.request.lease_beside(self.me)));
                    }
                },
            }
        }
    }

    /// Looks up and joins, without waiting or computing.
    pub fn step(&self, py: Python<'py>) -> PyResult<Step<'py>> {
        let old = match self.looked(py, true)? {
            Looked::Step(step) => return Ok(step),
            Looked::Led(miss) => return self.next(py, miss),
            Looked::Miss(old) => old,
        };
        let (key, caller, ask) =
            (&self.request.key, self.request.caller(), self.request.ask(self.me));
        let miss = away(py, self.cache(), |cache| cache.begin_miss(key, caller, ask, old));
        self.next(py, miss)
    }

    /// Looks up, if `looks` says that this may be done here and now, and joins; who then leads has
    /// yet to ask for the key.
    pub fn step_ahead(&self, py: Python<'py>, looks: bool) -> PyResult<Step<'py>> {
        let old = match self.looked(py, looks)? {
            Looked::Step(step) => return Ok(step),
            Looked::Led(miss) => return self.next(py, miss),
            Looked::Miss(old) => old,
        };
        match self.cache().join_miss(&self.request.key, self.request.caller(), old) {
            PyMiss::Busy(lease) => Ok(Step::Busy(lease)),
            miss => self.next(py, miss),
        }
    }

    /// Looks up, unless this may not be done here and now.
    #[inline]
    fn looked(&self, py: Python<'py>, looks: bool) -> PyResult<Looked<'py>> {
        // While this key is being computed, the computer may be this call: the cache is not asked
        // then.
        if self.cache().flights().is_nested(&self.request.key, self.request.caller()) {
            return self.inside(py).map(Looked::Step);
        }
        if !looks {
            return Ok(Looked::Miss(PyStaleResult::default()));
        }
        let look = match self.look_or_lead(py) {
            Led::Taken => self.look(py)?,
            Led::Found(found) => self.judge(py, &found, false)?,
            Led::Miss(miss) => return Ok(Looked::Led(miss)),
        };
        Ok(match look {
            Look::Hit(answer) => Looked::Step(Step::Done(answer)),
            Look::Raise(error) => return Err(error),
            Look::Miss(old) if self.is_used_up() => {
                let lease = PyLease::unshared(self.cache(), &self.request.key, old);
                Looked::Step(Step::Compute(lease))
            }
            Look::Miss(old) => Looked::Miss(old),
        })
    }

    /// Looks up, and begins to compute if there is nothing, where a store on another machine does
    /// both at once.
    #[inline]
    fn look_or_lead(&self, py: Python<'py>) -> PyLed {
        if self.cache().is_remote() { self.look_or_lead_away(py) } else { Led::Taken }
    }

    #[cold]
    fn look_or_lead_away(&self, py: Python<'py>) -> PyLed {
        let (key, caller, ask) =
            (&self.request.key, self.request.caller(), self.request.ask(self.me));
        let waits = ask.locks == Locks::AtOnce && ask.looks && !self.is_used_up();
        if !waits || self.cache().holds(key) {
            return Led::Taken;
        }
        away(py, self.cache(), |cache| cache.look_or_lead(key, caller, ask))
    }

    /// Returns whether waiting is of no use: results can be used only once.
    fn is_used_up(&self) -> bool {
        self.me.used_up.load(Ordering::Relaxed) && self.request.mode.computes()
    }

    /// Returns the step after a miss.
    pub fn next(&self, py: Python<'py>, miss: PyMiss) -> PyResult<Step<'py>> {
        let lease = match miss {
            PyMiss::Nested => return self.inside(py),
            PyMiss::Wait(waiter) => return Ok(Step::Wait(waiter)),
            PyMiss::Busy(lease) => return Ok(Step::Busy(lease)),
            PyMiss::Found(lease, found) => match self.judge(py, &found, lease.old.due)? {
                Look::Hit(answer) => {
                    let Entry { text, live, .. } = found.entry;
                    lease.share(SharedResult::Result(text, live));
                    return Ok(Step::Done(answer));
                }
                Look::Raise(error) => return Err(error),
                Look::Miss(_) => lease,
            },
            PyMiss::Circle(old) => {
                let lease = PyLease::unshared(self.cache(), &self.request.key, old);
                lease.attending(self.cache(), self.request.ask(self.me).locks)
            }
            PyMiss::Lead(lease) | PyMiss::Beside(lease) => lease,
        };
        self.expect_computing(py)?;
        self.me.core.get().file.get().expect_store(py)?;
        if self.request.anew {
            // Inner calls under this key must take this path, where they are recognised.
            self.cache().gate().epoch.advance();
        }
        Ok(Step::Compute(lease))
    }

    /// Joins those who wait for this key.
    pub fn join(&self) -> Join<PySharedResult> {
        self.cache().flights().join(&self.request.key, self.request.caller())
    }

    /// Waits for another thread.
    #[inline(never)]
    fn wait(&self, py: Python<'py>, waiter: &Waiter<PySharedResult>) -> PyResult<Waited> {
        let patience = Patience::new();
        Waiting { me: self.me, request: self.request, patience: &patience }.wait(py, waiter)
    }

    /// Waits for another process, unless that closes a circle, until `lease` may be used or the
    /// other one's result is there.
    #[inline(never)]
    fn wait_for_process(&self, py: Python<'py>, lease: PyLease) -> PyResult<Step<'py>> {
        let outside = match lease.guard() {
            Some(guard) if !self.request.context.is_within() => guard.may_wait_outside(),
            _ => None,
        };
        if outside.is_none() {
            return Ok(Step::Compute(lease));
        }
        let (mut step, patience) = (Step::Busy(lease), Patience::new());
        let waiting = Waiting { me: self.me, request: self.request, patience: &patience };
        while let Step::Busy(mut lease) = step {
            if !waiting.goes_on_for_process(py)? {
                away(py, self.cache(), |cache| lease.stand_back(cache, &self.request.key));
                return Ok(Step::Compute(lease));
            }
            waiting.pause(py)?;
            step = self.acquire(py, lease)?;
        }
        Ok(step)
    }

    /// Asks again for a key that another process had.
    pub fn acquire(&self, py: Python<'py>, lease: PyLease) -> PyResult<Step<'py>> {
        let (key, ask) = (&self.request.key, self.request.ask(self.me));
        let miss = away(py, self.cache(), |cache| lease.acquire(cache, key, ask));
        self.next(py, miss)
    }

    /// Raises in modes that compute nothing.
    pub fn expect_computing(&self, py: Python<'py>) -> PyResult<()> {
        if self.request.mode.computes() { Ok(()) } else { Err(self.offline_miss(py)) }
    }

    fn offline_miss(&self, py: Python<'py>) -> PyErr {
        let told = || -> PyResult<PyErr> {
            let (key, start) = (from_wtf8(py, &self.request.key)?, self.me.keys.start(py)?);
            let (core, start) = (self.me.core.bind(py).as_any(), from_wtf8(py, &start)?);
            let error = callbacks::cache_miss(core, &self.me.name, &start, &key)?;
            Ok(PyErr::from_value(error))
        };
        told().unwrap_or_else(|error| error)
    }
}

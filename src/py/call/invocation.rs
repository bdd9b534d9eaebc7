//! What a call does that no table of hits could answer: look up, wait, or compute and keep.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use super::context::CallContext;
use super::exit::is_after_exit;
use super::memoised::Memoised;
use super::options::Options;
use super::patience::Waited;
use super::provenance::Provenance;
use super::recorder::Recorder;
use super::serving::Serving;
use super::teller::Teller;
use crate::cache::{Ask, Origin};
use crate::flight::{Caller, Join, Waiter};
use crate::py::cache::core::CoreCache;
use crate::py::cache::mode::Mode;
use crate::py::cache::{PyCache, PyLease, PyMiss, PySharedResult, PyStaleResult};
use crate::py::hits::row::HitRecord;
use crate::py::key::arguments::Call;
use crate::py::key::maker::NoKey;
use crate::py::value::callbacks;
use crate::py::value::wtf8::from_wtf8;

/// A value to return, and what the table of hits may remember of it.
pub type Answer<'py> = (Bound<'py, PyAny>, Option<HitRecord>);

/// What a look at the cache gave.
pub(super) enum Look<'py> {
    Hit(Answer<'py>),
    /// A kept exception.
    Raise(PyErr),
    /// Nothing fresh.
    Miss(PyStaleResult),
}

/// One call under way.
pub struct Invocation<'a, 'py> {
    pub me: &'a Memoised,
    pub core: Bound<'py, CoreCache>,
    pub call: &'a Call<'a, 'py>,
    pub key: Bytes,
    pub context: Arc<CallContext>,
    pub mode: Mode,
    /// Whether an older result does not count.
    pub anew: bool,
    pub options: Arc<Options>,
    /// Who asks, where keys do not tell.
    pub origin: Option<Origin>,
    /// The state of the cache when the call began.
    pub epoch: u64,
}

/// What a call is to do next.
pub enum Step<'py> {
    /// Return this.
    Done(Answer<'py>),
    /// Compute, inside of our own flight of this key.
    Nested,
    /// Compute, for those who wait too if the lease is shared.
    Compute(PyLease),
    /// Wait for another process that computes.
    Busy(PyLease),
    /// Wait for the one who computes.
    Wait(Waiter<PySharedResult>),
}

/// What a call that has waited is to do.
enum Decision<'py> {
    /// Return this.
    Done(Answer<'py>),
    /// Compute, inside of our own flight of this key.
    Nested,
    /// Compute, for those who wait too if the lease is shared.
    Compute(PyLease),
}

impl Memoised {
    /// The call as an invocation; None if it goes straight through.
    #[inline(never)]
    pub fn begin<'a, 'py>(
        &'a self,
        py: Python<'py>,
        call: &'a Call<'a, 'py>,
        context: Arc<CallContext>,
    ) -> PyResult<Option<Invocation<'a, 'py>>> {
        let core = self.core.bind(py);
        // The epoch first: whoever changes the mode begins a new one afterwards.
        let mut epoch = self.gate.epoch.current();
        let mut mode = CoreCache::mode(core)?;
        if mode == Mode::Off {
            return Ok(None);
        }
        let loaded = CoreCache::load_once(core)?;
        if core.get().cache().follow(mode.writes() && !is_after_exit()) || loaded {
            epoch = self.gate.epoch.current();
            mode = CoreCache::mode(core)?;
        }
        let options = self.options();
        self.check_namesake(py)?;
        let key = match self.keys.key(py, call) {
            Ok(key) => Bytes::from(key),
            Err(NoKey::Unbound) => return Ok(None),
            Err(NoKey::Error(error)) => return self.keyless(py, error).map(|()| None),
        };
        Ok(Some(Invocation {
            me: self,
            core: core.clone(),
            call,
            key,
            context,
            mode,
            anew: mode == Mode::Refresh,
            options,
            origin: self.origin(py, call),
            epoch,
        }))
    }

    /// A call without a key: the drop-in never raises on account of the cache, so it warns.
    fn keyless(&self, py: Python<'_>, error: PyErr) -> PyResult<()> {
        if !self.keys.is_flat() || !error.is_instance_of::<PyTypeError>(py) {
            return Err(error);
        }
        if !self.told.unstorable.swap(true, Ordering::Relaxed) {
            let sentence = format!("{}; until then it is called every time", error.value(py));
            self.core.get().warn(py, "UnstorableWarning", &sentence)?;
        }
        Ok(())
    }
}

impl<'py> Invocation<'_, 'py> {
    pub fn cache(&self) -> &Arc<PyCache> {
        self.core.get().cache()
    }

    /// Who tells the user of this call.
    pub(super) fn teller(&self) -> Teller<'_> {
        Teller { me: self.me, key: &self.key, options: &self.options }
    }

    /// Serves results of this call.
    pub(super) fn serving(&self) -> Serving<'_> {
        Serving { of: self.teller(), epoch: self.epoch, remembers: self.mode.serves_hits() }
    }

    /// The call as the maker of its result.
    pub(super) fn provenance(&self) -> Provenance<'_> {
        Provenance { of: self.teller(), origin: self.origin }
    }

    /// Takes down the result of this call.
    pub(super) fn recorder(&self) -> Recorder<'_> {
        Recorder { of: self.provenance(), transient: self.mode == Mode::Readonly }
    }

    /// How the flights see who calls.
    pub(super) fn caller(&self) -> Caller<'_> {
        self.context.caller().calling(self.origin.map(|origin| origin.function))
    }

    /// Looks up, waits or computes, until there is an answer.
    ///
    /// IMPORTANT: calls may nest as deep as the stack allows. So what runs before and after the
    /// function itself is kept out of line: each level would pay for its room.
    pub fn answer(&self, py: Python<'py>) -> PyResult<Answer<'py>> {
        match self.decide(py)? {
            Decision::Done(answer) => Ok(answer),
            Decision::Nested => self.nested(py),
            Decision::Compute(lease) => self.compute(py, lease),
        }
    }

    /// Looks up and waits, until there is an answer or it is to be computed.
    #[inline(never)]
    fn decide(&self, py: Python<'py>) -> PyResult<Decision<'py>> {
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
                    Waited::Enough => return Ok(Decision::Compute(self.lease_beside())),
                },
            }
        }
    }

    /// Looks up and joins, without waiting or computing.
    pub fn step(&self, py: Python<'py>) -> PyResult<Step<'py>> {
        // While somebody computes this key it may be us: then the cache does not count.
        if self.cache().flights().is_nested(&self.key, self.caller()) {
            return self.inside(py);
        }
        let old = match self.look(py)? {
            Look::Hit(answer) => return Ok(Step::Done(answer)),
            Look::Raise(error) => return Err(error),
            Look::Miss(old) => old,
        };
        if self.me.used_up.load(Ordering::Relaxed) && self.mode != Mode::Offline {
            // Nothing comes of waiting for a result that can be used only once.
            return Ok(Step::Compute(PyLease::unshared(old)));
        }
        let miss = self.cache().begin_miss(&self.key, self.caller(), self.ask(), old);
        self.next(py, miss)
    }

    /// What follows from a miss.
    fn next(&self, py: Python<'py>, miss: PyMiss) -> PyResult<Step<'py>> {
        let lease = match miss {
            PyMiss::Nested => return self.inside(py),
            PyMiss::Wait(waiter) => return Ok(Step::Wait(waiter)),
            PyMiss::Busy(lease) => return Ok(Step::Busy(lease)),
            PyMiss::Found(lease, found) => match self.judge(py, &found, lease.old.due)? {
                Look::Hit(answer) => return Ok(Step::Done(answer)),
                Look::Raise(error) => return Err(error),
                Look::Miss(_) => lease,
            },
            PyMiss::Circle(old) => PyLease::unshared(old),
            PyMiss::Lead(lease) | PyMiss::Beside(lease) => lease,
        };
        if self.mode == Mode::Offline {
            return Err(self.offline_miss(py));
        }
        if self.anew {
            // Inner calls under this key must come by this path, where they are told apart.
            self.cache().gate().epoch.advance();
        }
        Ok(Step::Compute(lease))
    }

    /// How the cache is asked for the key, once nothing was found.
    fn ask(&self) -> Ask {
        Ask {
            origin: self.origin,
            looks: !self.anew,
            locks: !matches!(self.mode, Mode::Readonly | Mode::Offline),
        }
    }

    /// The right to compute beside the one who does.
    pub fn lease_beside(&self) -> PyLease {
        PyLease::beside(self.cache(), &self.key, PyStaleResult::default())
    }

    /// A place among those who wait for this key.
    pub fn join(&self) -> Join<PySharedResult> {
        self.cache().flights().join(&self.key, self.caller())
    }

    /// Computes anew, whatever is kept; mode "offline" computes nothing.
    pub fn refresh(&mut self, py: Python<'py>) -> PyResult<()> {
        if self.mode == Mode::Offline {
            return Err(self.offline_miss(py));
        }
        self.anew = true;
        Ok(())
    }

    /// Asks again for a key that another process had.
    pub fn acquire(&self, py: Python<'py>, lease: PyLease) -> PyResult<Step<'py>> {
        self.next(py, lease.acquire(self.cache(), &self.key, self.ask()))
    }

    fn offline_miss(&self, py: Python<'py>) -> PyErr {
        let told = || -> PyResult<PyErr> {
            let (key, start) = (from_wtf8(py, &self.key)?, self.me.keys.start(py)?);
            let (core, start) = (self.core.as_any(), from_wtf8(py, &start)?);
            let error = callbacks::cache_miss(core, &self.me.name, &start, &key)?;
            Ok(PyErr::from_value(error))
        };
        told().unwrap_or_else(|error| error)
    }
}

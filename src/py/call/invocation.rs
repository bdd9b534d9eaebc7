//! What a call does that no table of hits could answer: look up, wait, or compute and keep.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use super::context::CallContext;
use super::lease::{Lease, StaleResult};
use super::memoised::Memoised;
use super::options::Options;
use crate::flight::{Guard, Join, Poll, Waiter};
use crate::py::cache::core::CoreCache;
use crate::py::cache::mode::Mode;
use crate::py::cache::{PyCache, PySharedResult};
use crate::py::hits::row::HitRecord;
use crate::py::key::arguments::Call;
use crate::py::key::maker::NoKey;
use crate::py::value::callbacks;
use crate::store::{KeyGuard, KeyLock};

/// How long a waiter sleeps before it looks for signals (Ctrl-C).
const SIGNALS: Duration = Duration::from_millis(50);

/// How a key held by another process is asked for again: from the first pause to the longest.
const PAUSES: [Duration; 2] = [Duration::from_micros(500), Duration::from_millis(20)];

/// A value to return, and what the table of hits may remember of it.
pub type Answer<'py> = (Bound<'py, PyAny>, Option<HitRecord>);

/// What a look at the cache gave.
pub(super) enum Look<'py> {
    Hit(Answer<'py>),
    /// A kept exception.
    Raise(PyErr),
    /// Nothing fresh.
    Miss(StaleResult),
}

/// One call under way.
pub struct Invocation<'a, 'py> {
    pub me: &'a Memoised,
    pub core: Bound<'py, CoreCache>,
    pub call: &'a Call<'py>,
    pub key: Bytes,
    pub context: Arc<CallContext>,
    pub mode: Mode,
    /// Whether an older result does not count.
    pub anew: bool,
    pub options: Arc<Options>,
    /// The state of the cache when the call began.
    pub epoch: u64,
}

/// What a call is to do next.
pub enum Step<'py> {
    /// Return this.
    Done(Answer<'py>),
    /// Compute, inside of our own flight of this key.
    Nested,
    /// Compute without a flight: waiting would close a circle.
    Alone(Lease),
    /// Compute for everybody.
    Lead(Guard<PySharedResult>, StaleResult),
    /// Wait for the one who computes.
    Wait(Waiter<PySharedResult>),
}

impl Memoised {
    /// The call as an invocation; None if it goes straight through.
    pub fn begin<'a, 'py>(
        &'a self,
        py: Python<'py>,
        call: &'a Call<'py>,
        context: Arc<CallContext>,
    ) -> PyResult<Option<Invocation<'a, 'py>>> {
        let core = self.core.bind(py);
        let mode = CoreCache::mode(core)?;
        if mode == Mode::Off {
            return Ok(None);
        }
        CoreCache::load_once(core)?;
        let epoch = core.get().cache().gate().epoch.current();
        let options = self.options();
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
            epoch,
        }))
    }

    /// A call without a key: the drop-in never raises on account of the cache, so it warns.
    fn keyless(&self, py: Python<'_>, error: PyErr) -> PyResult<()> {
        if !self.keys.is_flat() || !error.is_instance_of::<PyTypeError>(py) {
            return Err(error);
        }
        if !self.unstorable_told.swap(true, Ordering::Relaxed) {
            let sentence = format!("{}; until then it is called every time", error.value(py));
            self.core.get().warn(py, "UnstorableWarning", &sentence)?;
        }
        Ok(())
    }
}

impl<'py> Invocation<'_, 'py> {
    pub(super) fn cache(&self) -> &Arc<PyCache> {
        self.core.get().cache()
    }

    /// Looks up, waits or computes, until there is an answer.
    pub fn fly(&self, py: Python<'py>) -> PyResult<Answer<'py>> {
        loop {
            match self.step(py)? {
                Step::Done(answer) => return Ok(answer),
                Step::Nested => return self.nested(py),
                Step::Alone(lease) => return self.compute(py, lease),
                Step::Lead(guard, old) => return self.lead(py, guard, old),
                Step::Wait(waiter) => {
                    let landed = wait(py, &waiter)?;
                    if let Some(answer) = self.landed(py, landed)? {
                        return Ok(answer);
                    }
                }
            }
        }
    }

    /// Looks up and joins, without waiting or computing.
    pub fn step(&self, py: Python<'py>) -> PyResult<Step<'py>> {
        // While somebody computes this key it may be us: then the cache does not count.
        let early = self.cache().is_flying(&self.key).then(|| self.join());
        if let Some(Join::Nested) = early {
            return self.inside(py);
        }
        let old = match self.look(py)? {
            Look::Hit(answer) => return Ok(Step::Done(answer)),
            Look::Raise(error) => return Err(error),
            Look::Miss(old) => old,
        };
        if self.me.used_up.load(Ordering::Relaxed) && self.mode != Mode::Offline {
            // Nothing comes of waiting for a result that can be used only once.
            return Ok(Step::Alone(Lease::free(old)));
        }
        let joined = early.unwrap_or_else(|| self.join());
        match joined {
            Join::Nested => self.inside(py),
            Join::Wait(waiter) => Ok(Step::Wait(waiter)),
            Join::Lead(_) | Join::Circle if self.mode == Mode::Offline => {
                Err(self.offline_miss(py))
            }
            Join::Circle => Ok(Step::Alone(Lease::free(old))),
            Join::Lead(guard) => {
                if self.anew {
                    // Inner calls under this key must come by this path, where they are told apart.
                    self.cache().gate().epoch.advance();
                }
                Ok(Step::Lead(guard, old))
            }
        }
    }

    pub fn join(&self) -> Join<PySharedResult> {
        self.cache().join(&self.key, self.context.caller())
    }

    /// Computes anew, whatever is kept; mode "offline" computes nothing.
    pub fn refresh(&mut self, py: Python<'py>) -> PyResult<()> {
        if self.mode == Mode::Offline {
            return Err(self.offline_miss(py));
        }
        self.anew = true;
        Ok(())
    }

    /// We are the one who computes in this process; another process may be at it, or done.
    fn lead(
        &self,
        py: Python<'py>,
        guard: Guard<PySharedResult>,
        old: StaleResult,
    ) -> PyResult<Answer<'py>> {
        let lock = self.take_lock(py, &guard)?;
        if let Some(answer) = self.look_again(py, &old)? {
            return Ok(answer);
        }
        let mut lease = Lease::lead(guard, old);
        lease.hold(lock);
        self.compute(py, lease)
    }

    /// Somebody may have finished between our look and the flight, or in another process.
    pub fn look_again(&self, py: Python<'py>, old: &StaleResult) -> PyResult<Option<Answer<'py>>> {
        self.cache().take_news();
        match self.look_for(py, old.due)? {
            Look::Hit(answer) => Ok(Some(answer)),
            Look::Raise(error) => Err(error),
            Look::Miss(_) => Ok(None),
        }
    }

    fn take_lock(
        &self,
        py: Python<'py>,
        guard: &Guard<PySharedResult>,
    ) -> PyResult<Option<KeyGuard>> {
        let mut locked = self.try_lock();
        if !matches!(locked, KeyLock::Busy) || self.context.is_within() {
            return Ok(locked.held());
        }
        let Some(_outside) = guard.may_wait_outside() else { return Ok(None) };
        let [mut pause, longest] = PAUSES;
        while matches!(locked, KeyLock::Busy) {
            py.detach(|| std::thread::sleep(pause));
            py.check_signals()?;
            pause = longest.min(pause * 2);
            locked = self.try_lock();
        }
        Ok(locked.held())
    }

    /// Tries to keep other processes from computing this key meanwhile.
    pub fn try_lock(&self) -> KeyLock {
        match self.mode {
            Mode::Readonly => KeyLock::Unsupported,
            _ => self.cache().lock_key(&self.key),
        }
    }

    fn offline_miss(&self, py: Python<'py>) -> PyErr {
        let told = || -> PyResult<PyErr> {
            let key = crate::py::value::wtf8::from_wtf8(py, &self.key)?;
            Ok(PyErr::from_value(callbacks::cache_miss(&self.me.name, &key)?))
        };
        told().unwrap_or_else(|error| error)
    }
}

/// Waits for another thread's value; None if its thread was stopped and somebody must take over.
fn wait(py: Python<'_>, waiter: &Waiter<PySharedResult>) -> PyResult<Option<PySharedResult>> {
    loop {
        match py.detach(|| waiter.wait(SIGNALS)) {
            Poll::Ready(landed) => return Ok(Some(landed)),
            Poll::Again => return Ok(None),
            Poll::Pending => {
                py.check_signals()?;
                if let Some(leader) = waiter.leader() {
                    leader.check();
                }
            }
        }
    }
}

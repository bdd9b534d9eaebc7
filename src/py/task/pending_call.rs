//! Calls of `async def` functions, between the points where `outlive._async` suspends.
//!
//! ```text
//! call --> value                        a hit: nothing suspends
//!      \-> PendingCall: straight      await the function, keep nothing
//!                       compute       (nested, circle) await the function, then keep or fail
//!                       lead          the same in a task of its own, which others wait for
//!                       wait          for somebody else's outcome; then retry
//! ```

use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyString, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use super::leadership::Leadership;
use super::stage::{Stage, State};
use super::writing::Writing;
use crate::flight::Join;
use crate::py::cache::deferred::Deferred;
use crate::py::cache::{PyLease, PyStaleResult};
use crate::py::call::answer::Answer;
use crate::py::call::context;
use crate::py::call::invocation::{Invocation, Step};
use crate::py::call::keeper::Keeper;
use crate::py::call::memoised::Memoised;
use crate::py::call::patience::Patience;
use crate::py::call::request::Request;
use crate::py::call::waiting::Waiting;
use crate::py::key::arguments::Call;
use crate::py::value::once::intern;
use crate::py::value::wtf8::from_wtf8;

/// What a suspended call is to do next.
#[pyclass(frozen, weakref, name = "PendingCall", module = "outlive._core")]
pub struct PendingCall {
    pub(super) me: Py<Memoised>,
    args: Py<PyTuple>,
    kwargs: Option<Py<PyDict>>,
    /// None if the call bypasses the cache.
    pub(super) request: Option<Arc<Request>>,
    pub(super) stage: Stage,
    patience: Patience,
    /// A result that a thread is storing.
    pub(super) writing: Mutex<Option<Writing>>,
    /// The result that was there when the key was asked for.
    pub(super) found: Mutex<Option<Py<PyAny>>>,
}

#[pymethods]
impl PendingCall {
    /// The function, its positional arguments and its keywords.
    #[getter]
    fn target<'py>(&self, py: Python<'py>) -> (Py<PyAny>, Py<PyTuple>, Bound<'py, PyDict>) {
        let kwargs = self.kwargs.as_ref().map_or_else(|| PyDict::new(py), |k| k.bind(py).clone());
        (self.me.get().function.clone_ref(py), self.args.clone_ref(py), kwargs)
    }

    /// `module.qualname` of the function, or what `name=` said.
    #[getter]
    fn name(&self) -> &str {
        &self.me.get().name
    }

    /// The key's text; None if the call goes straight through.
    #[getter]
    fn key<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyString>>> {
        self.request.as_ref().map(|request| from_wtf8(py, &request.key)).transpose()
    }

    /// Returns whether other callers wait for what this call computes.
    #[getter]
    fn leads(&self) -> bool {
        self.stage.leads()
    }

    /// Stops waiting; computes without a flight, for event loops that nobody can wake.
    fn compute_unshared(&self) {
        let Some(request) = &self.request else { return };
        let me = self.me.get();
        let cache = me.core.get().cache();
        let lease = PyLease::unshared(cache, &request.key, PyStaleResult::default());
        let lease = lease.attending(cache, request.ask(me).locks);
        drop(self.stage.replace(State::Alone(lease)));
    }

    /// Joins those who wait for this call, which leads.
    fn subscribe<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let call = self.to_call(py)?;
        let state = match self.invocation(&call).map(|invocation| invocation.join()) {
            Some(Join::Wait(waiter)) => State::Wait(Arc::new(waiter)),
            _ => State::Over,
        };
        Self::make(self.me.bind(py), &call, self.request.clone(), state)
    }

    /// Names the `LeaderTask` that computes.
    fn set_leader(&self, task: Py<PyAny>) {
        if let Some(lead) = self.stage.lead() {
            lead.set_task(task);
        }
    }

    /// Makes the running context part of this computation; the token undoes it.
    fn enter<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.stage.lead().map_or(Ok(None), |lead| lead.enter(py))
    }

    /// Makes the running context part of the computations of all `calls`, which are one.
    #[staticmethod]
    fn enter_all<'py>(
        py: Python<'py>,
        calls: Vec<PyRef<'py, Self>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let leads: Vec<_> = calls.into_iter().filter_map(|call| call.stage.lead()).collect();
        Leadership::enter_all(py, &leads)
    }

    /// Undoes `enter`.
    #[staticmethod]
    fn leave(token: &Bound<'_, PyAny>) -> PyResult<()> {
        context::leave(token)
    }

    /// Returns whether another process computes this key and may be waited for. Takes the key if
    /// not.
    fn is_busy(&self, py: Python<'_>) -> PyResult<bool> {
        let Some((lead, mut lease, acquired)) = self.ask_again(py)? else { return Ok(false) };
        let Some(request) = self.request.as_ref().filter(|_| !acquired) else {
            lead.put_back(lease, acquired);
            return Ok(false);
        };
        let waits_on = self.waiting(request).goes_on_for_process(py)?;
        if !waits_on {
            lease.stand_back(self.me.get().core.get().cache(), &request.key);
        }
        lead.put_back(lease, false);
        Ok(waits_on && !request.context.is_within() && lead.may_wait_outside())
    }

    /// Keeps other processes from computing this key, which is led; false if one of them does.
    fn acquire(&self, py: Python<'_>) -> PyResult<bool> {
        let Some((lead, lease, acquired)) = self.ask_again(py)? else { return Ok(true) };
        lead.put_back(lease, acquired);
        Ok(acquired)
    }

    /// Returns whether there is still no result: another process may have brought it.
    fn is_missing(&self) -> bool {
        self.stage.lead().is_none_or(|lead| lead.has_lease())
    }

    /// Counts a call that is computed, and makes it: what the function returns is a source of
    /// pieces.
    fn begin<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.count(py)?;
        let kwargs = self.kwargs.as_ref().map(|kwargs| kwargs.bind(py));
        self.me.get().function.bind(py).call(self.args.bind(py), kwargs)
    }

    /// Asks `source` for the next piece; what it does meanwhile is part of this computation.
    fn ask<'py>(
        &self,
        py: Python<'py>,
        source: &Bound<'py, PyIterator>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let token = self.enter(py)?;
        let piece = source.call_method0(intern!(py, "__next__"));
        if let Some(token) = token {
            Self::leave(&token)?;
        }
        piece
    }

    /// Gives up what is left to do: another waiting caller takes over.
    fn give_up(&self) {
        self.stage.give_up();
    }

    /// Returns whether a caller waits for this call, which leads.
    fn is_awaited(&self) -> bool {
        self.stage.lead().is_some_and(|lead| lead.is_awaited())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.me)?;
        visit.call(&self.args)?;
        self.kwargs.as_ref().map_or(Ok(()), |kwargs| visit.call(kwargs))?;
        self.stage.traverse(visit)
    }

    fn __clear__(&self) {
        self.give_up();
    }
}

impl PendingCall {
    /// Returns the next step of a call as Python sees it.
    pub(super) fn after<'py>(
        me: &Bound<'py, Memoised>,
        call: &Call<'_, 'py>,
        request: Arc<Request>,
        step: Step<'py>,
    ) -> PyResult<Answer<'py>> {
        let state = match step {
            Step::Done(answer) => return Ok(answer),
            Step::Nested => State::Nested,
            Step::Compute(lease) if lease.guard().is_none() => State::Alone(lease),
            Step::Compute(lease) => State::Lead(Leadership::new(lease, true, &request.context)),
            Step::Busy(lease) => State::Lead(Leadership::new(lease, false, &request.context)),
            Step::Wait(waiter) => State::Wait(Arc::new(waiter)),
        };
        Self::make(me, call, Some(request), state).map(|pending| (pending, None))
    }

    pub(super) fn make<'py>(
        me: &Bound<'py, Memoised>,
        call: &Call<'_, 'py>,
        request: Option<Arc<Request>>,
        state: State,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = me.py();
        let pending = Self {
            me: me.clone().unbind(),
            args: call.args(py)?.unbind(),
            kwargs: call.kwargs(py)?.map(Bound::unbind),
            request,
            stage: Stage::new(state),
            patience: Patience::new(),
            writing: Mutex::default(),
            found: Mutex::default(),
        };
        Bound::new(py, pending).map(Bound::into_any)
    }

    pub(super) fn to_call<'py>(&self, py: Python<'py>) -> PyResult<Call<'_, 'py>> {
        Call::from_python(self.args.bind(py), self.kwargs.as_ref().map(|kwargs| kwargs.bind(py)))
    }

    pub(super) fn invocation<'a, 'py>(
        &'a self,
        call: &'a Call<'a, 'py>,
    ) -> Option<Invocation<'a, 'py>> {
        Some(Invocation { me: self.me.get(), call, request: self.request.as_ref()? })
    }

    /// Asks for the key once more, if this call leads. Returns the leadership, and whether other
    /// processes are kept away now; None if there is nothing to ask for.
    fn ask_again(&self, py: Python<'_>) -> PyResult<Option<(Arc<Leadership>, PyLease, bool)>> {
        let Some(lead) = self.stage.lead() else { return Ok(None) };
        let call = self.to_call(py)?;
        let Some(invocation) = self.invocation(&call) else { return Ok(None) };
        let _deferred = self.me.get().is_away().then(Deferred::begin);
        let step = match (lead.take_asked(), lead.to_acquire()) {
            (Some(miss), _) => invocation.next(py, miss)?,
            (None, Some(lease)) => invocation.acquire(py, lease)?,
            (None, None) => return Ok(None),
        };
        Ok(match step {
            Step::Busy(lease) => Some((lead, lease, false)),
            Step::Compute(lease) => Some((lead, lease, true)),
            // Another process has stored the result: waiting callers find it in the cache.
            Step::Done((value, _)) => {
                let old = self.found.lock().replace(value.unbind());
                drop(old);
                None
            }
            Step::Nested | Step::Wait(_) => None,
        })
    }

    pub(super) fn keeper(&self) -> Option<Keeper<'_>> {
        Some(Keeper { me: self.me.get(), request: self.request.as_ref()? })
    }

    pub(super) fn waiting<'a>(&'a self, request: &'a Request) -> Waiting<'a> {
        Waiting { me: self.me.get(), request, patience: &self.patience }
    }
}

impl Drop for PendingCall {
    fn drop(&mut self) {
        self.give_up();
    }
}

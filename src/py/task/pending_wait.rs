//! Calls of `async def` functions that wait for what another caller computes.

use std::time::Duration;

use pyo3::prelude::*;

use super::pending_call::PendingCall;
use super::stage::State;
use crate::flight::Poll;

#[pymethods]
impl PendingCall {
    /// Returns whether another caller computes.
    #[getter]
    fn waits(&self) -> bool {
        self.stage.waits()
    }

    /// Calls `callback` once, from whichever thread completes the computation.
    fn on_done(&self, callback: Py<PyAny>) {
        if let Some(waiter) = self.stage.waiter() {
            waiter.on_done(Box::new(move || tell(&callback)));
        }
    }

    /// Returns whether the leader is a task, whose loop may be gone.
    fn may_be_lost(&self) -> bool {
        self.stage.waiter().is_some_and(|waiter| waiter.leader().is_some())
    }

    /// Looks whether the leader is gone, in which case another caller takes over; reports once what
    /// the call waits for. False if the time of `wait=` is over.
    fn check_leader(&self, py: Python<'_>) -> PyResult<bool> {
        let Some(waiter) = self.stage.waiter() else { return Ok(true) };
        if let Some(leader) = waiter.leader() {
            leader.check();
        }
        let Some(request) = &self.request else { return Ok(true) };
        self.waiting(request).goes_on_for_thread(py, &waiter)
    }

    /// The number of seconds that `wait=` allows.
    #[getter]
    fn wait_limit(&self) -> Option<f64> {
        self.request.as_ref()?.options.wait
    }

    /// Stops waiting and computes beside the leader, whose result has priority.
    fn compute_beside(&self) {
        let lease = self.request.as_ref().map(|request| request.lease_beside(self.me.get()));
        drop(self.stage.replace(lease.map_or(State::Over, State::Alone)));
    }

    /// The outcome as a tuple of one, or None if this call must look again.
    fn outcome<'py>(&self, py: Python<'py>) -> PyResult<Option<(Bound<'py, PyAny>,)>> {
        let shared = self.stage.waiter().and_then(|waiter| match waiter.wait(Duration::ZERO) {
            Poll::Ready(shared) => Some(shared),
            Poll::Again | Poll::Pending => None,
        });
        let call = self.to_call(py)?;
        let Some(invocation) = self.invocation(&call) else { return Ok(None) };
        Ok(invocation.shared(py, shared)?.map(|(value, _)| (value,)))
    }
}

/// Calls a callback whose failure no caller hears of.
pub(super) fn tell(callback: &Py<PyAny>) {
    Python::try_attach(|py| {
        if let Err(error) = callback.call0(py) {
            error.write_unraisable(py, Some(callback.bind(py)));
        }
    });
}

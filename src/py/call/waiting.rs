//! Waiting for somebody else's computation: with a word after a while, and for as long as `wait=`
//! says. Every wait lets go of the interpreter and ends with Ctrl-C.

use std::time::Duration;

use pyo3::prelude::*;

use super::invocation::{Invocation, Step};
use super::patience::{Patience, Waited};
use super::threads;
use crate::flight::{Poll, Waiter};
use crate::py::cache::{PyLease, PySharedResult};
use crate::py::value::callbacks;

impl<'py> Invocation<'_, 'py> {
    /// Whether to wait on; says once who is waited for.
    pub fn waits_on(
        &self,
        py: Python<'py>,
        patience: &Patience,
        who: impl FnOnce() -> PyResult<String>,
    ) -> PyResult<bool> {
        if patience.is_due() {
            self.teller().wait(py, &who()?)?;
        }
        let waited = patience.elapsed().as_secs_f64();
        Ok(self.options.wait.is_none_or(|limit| waited < limit))
    }

    /// Lets others run for a while, in gevent the other greenlets of this thread too.
    fn pause(&self, py: Python<'py>, time: Duration) -> PyResult<()> {
        if self.context.has_hub() {
            callbacks::greenlet_sleep(py, time.as_secs_f64())?;
        } else {
            py.detach(|| std::thread::sleep(time));
        }
        py.check_signals()
    }

    /// The thread that computes, in the user's words.
    pub fn leading_thread(py: Python<'py>, waiter: &Waiter<PySharedResult>) -> PyResult<String> {
        threads::name(py, waiter.leading_thread())
    }

    /// The process that computes, in the user's words.
    pub fn leading_process(&self) -> String {
        match self.cache().key_holder(&self.key) {
            Some(pid) => format!("process {pid}"),
            None => "another process".to_owned(),
        }
    }

    /// Waits for another thread.
    pub(super) fn wait(
        &self,
        py: Python<'py>,
        waiter: &Waiter<PySharedResult>,
    ) -> PyResult<Waited> {
        let patience = Patience::new();
        loop {
            let slice = patience.next(self.options.wait);
            let slice = if self.context.has_hub() { Duration::ZERO } else { slice };
            match py.detach(|| waiter.wait(slice)) {
                Poll::Ready(shared) => return Ok(Waited::Shared(shared)),
                Poll::Again => return Ok(Waited::Again),
                Poll::Pending if self.context.has_hub() => self.pause(py, patience.step())?,
                Poll::Pending => py.check_signals()?,
            }
            if let Some(leader) = waiter.leader() {
                leader.check();
            }
            if !self.waits_on(py, &patience, || Self::leading_thread(py, waiter))? {
                return Ok(Waited::Enough);
            }
        }
    }

    /// Waits for another process, where that closes no circle, until `lease` may be used, or the
    /// other one's result is there.
    pub(super) fn wait_for_process(&self, py: Python<'py>, lease: PyLease) -> PyResult<Step<'py>> {
        let outside = match lease.guard() {
            Some(guard) if !self.context.is_within() => guard.may_wait_outside(),
            _ => None,
        };
        if outside.is_none() {
            return Ok(Step::Compute(lease));
        }
        let (mut step, patience) = (Step::Busy(lease), Patience::new());
        while let Step::Busy(mut lease) = step {
            if !self.waits_on(py, &patience, || Ok(self.leading_process()))? {
                lease.stand_back(self.cache(), &self.key);
                return Ok(Step::Compute(lease));
            }
            self.pause(py, patience.step())?;
            step = self.acquire(py, lease)?;
        }
        Ok(step)
    }
}

//! Waiting for another computation: after a while the call says so, and it waits as long as `wait=`
//! allows. Every wait releases the interpreter and ends with Ctrl-C.

use std::time::Duration;

use pyo3::prelude::*;

use super::memoised::Memoised;
use super::patience::{Patience, Waited};
use super::request::Request;
use super::teller::Teller;
use super::threads;
use crate::flight::{Poll, Waiter};
use crate::py::cache::PySharedResult;
use crate::py::value::callbacks;

/// One call that waits.
#[derive(Clone, Copy)]
pub struct Waiting<'a> {
    /// The function.
    pub me: &'a Memoised,
    /// What the call asks for.
    pub request: &'a Request,
    /// How long it has waited.
    pub patience: &'a Patience,
}

impl Waiting<'_> {
    /// Returns whether to keep waiting; reports once, as `who`, what the call waits for.
    pub fn goes_on(
        &self,
        py: Python<'_>,
        who: impl FnOnce() -> PyResult<String>,
    ) -> PyResult<bool> {
        if self.patience.is_due() {
            Teller { me: self.me, request: self.request }.wait(py, &who()?)?;
        }
        let waited = self.patience.elapsed().as_secs_f64();
        Ok(self.request.options.wait.is_none_or(|limit| waited < limit))
    }

    /// Returns whether to keep waiting for another process that computes.
    pub fn goes_on_for_process(&self, py: Python<'_>) -> PyResult<bool> {
        self.goes_on(py, || {
            let holder = self.me.core.get().cache().key_holder(&self.request.key);
            let unknown = || "another process".to_owned();
            Ok(holder.map_or_else(unknown, |pid| format!("process {pid}")))
        })
    }

    /// Returns whether to keep waiting for another thread that computes.
    pub fn goes_on_for_thread(
        &self,
        py: Python<'_>,
        waiter: &Waiter<PySharedResult>,
    ) -> PyResult<bool> {
        self.goes_on(py, || threads::name(py, waiter.leading_thread()))
    }

    /// Lets others run for a while; under gevent, the other greenlets of this thread, too.
    pub fn pause(&self, py: Python<'_>) -> PyResult<()> {
        let time = self.patience.step();
        if self.request.context.has_hub() {
            callbacks::greenlet_sleep(py, time.as_secs_f64())?;
        } else {
            let (cache, key) = (self.me.core.get().cache(), &self.request.key);
            py.detach(|| cache.wait_for(key, time));
        }
        py.check_signals()
    }

    /// Waits for another thread.
    pub fn wait(&self, py: Python<'_>, waiter: &Waiter<PySharedResult>) -> PyResult<Waited> {
        let has_hub = self.request.context.has_hub();
        loop {
            let slice = self.patience.next(self.request.options.wait);
            let slice = if has_hub { Duration::ZERO } else { slice };
            match py.detach(|| waiter.wait(slice)) {
                Poll::Ready(shared) => return Ok(Waited::Shared(shared)),
                Poll::Again => return Ok(Waited::Again),
                Poll::Pending if has_hub => self.pause(py)?,
                Poll::Pending => py.check_signals()?,
            }
            if let Some(leader) = waiter.leader() {
                leader.check();
            }
            if !self.goes_on_for_thread(py, waiter)? {
                return Ok(Waited::Enough);
            }
        }
    }
}

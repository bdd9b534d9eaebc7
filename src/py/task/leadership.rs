//! A computation by a task of its own, which other callers wait for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use crate::cache::Begun;
use crate::flight::{Guard, Leader, OutsideWait};
use crate::py::cache::{PyLease, PyMiss, PyStaleResult};
use crate::py::call::context::{CallContext, ComputationScope};

/// A computation that other callers wait for.
pub struct Leadership {
    /// None once it is finished or given back.
    lease: Mutex<Option<PyLease>>,
    /// Whether other processes are kept away, or cannot be.
    acquired: AtomicBool,
    is_given_up: AtomicBool,
    /// What a thread of its own found when it asked for the key.
    asked: Mutex<Option<PyMiss>>,
    old: PyStaleResult,
    /// When the computation began, for comparison with purges.
    begun: Mutex<Option<Begun>>,
    scope: Mutex<Option<ComputationScope>>,
    outside: Mutex<Option<OutsideWait>>,
    /// `outlive._async.leader.LeaderTask`.
    task: Mutex<Option<Py<PyAny>>>,
}

impl Leadership {
    /// Begins a computation with `lease` on behalf of `context`.
    pub fn new(lease: PyLease, acquired: bool, context: &CallContext) -> Arc<Self> {
        let (old, begun) = (lease.old.clone(), Mutex::new(lease.begun()));
        Arc::new(Self {
            lease: Mutex::new(Some(lease)),
            acquired: AtomicBool::new(acquired),
            is_given_up: AtomicBool::new(false),
            asked: Mutex::default(),
            old,
            begun,
            scope: Mutex::new(Some(context.begin())),
            outside: Mutex::default(),
            task: Mutex::default(),
        })
    }

    /// Returns what is known of an older result.
    pub fn old(&self) -> &PyStaleResult {
        &self.old
    }

    /// Names the task that computes, for messages about waiting for it.
    pub fn set_task(self: &Arc<Self>, task: Py<PyAny>) {
        let old = self.task.lock().replace(task);
        drop(old);
        if let Some(guard) = self.lease.lock().as_ref().and_then(PyLease::guard) {
            let leader: Arc<dyn Leader> = Arc::<Self>::clone(self);
            guard.set_leader(leader);
        }
    }

    /// Makes the running context part of this computation; the token undoes it.
    pub fn enter<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let scope = self.scope.lock().take();
        let token = scope.as_ref().map(|scope| scope.enter(py)).transpose();
        *self.scope.lock() = scope;
        token
    }

    /// Makes the running context part of all these computations; the token undoes it.
    pub fn enter_all<'py>(
        py: Python<'py>,
        leads: &[Arc<Self>],
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let mut scopes: Vec<_> = leads.iter().map(|lead| lead.scope.lock().take()).collect();
        let token = ComputationScope::enter_all(py, scopes.iter().flatten());
        for (lead, scope) in leads.iter().zip(&mut scopes) {
            *lead.scope.lock() = scope.take();
        }
        token
    }

    /// Returns whether a caller waits at this moment.
    pub fn is_awaited(&self) -> bool {
        let lease = self.lease.lock();
        lease.as_ref().and_then(PyLease::guard).is_some_and(Guard::is_awaited)
    }

    /// Visits what it holds, for the garbage collector.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        let Some(task) = self.task.try_lock() else { return Ok(()) };
        task.as_ref().map_or(Ok(()), |task| visit.call(task))
    }

    /// Takes the lease, to be fulfilled now; one without a flight if it was given back before.
    pub fn take(&self) -> PyLease {
        drop(self.task.lock().take());
        drop(self.outside.lock().take());
        let lease = self.lease.lock().take();
        drop(self.scope.lock().take());
        lease.unwrap_or_else(|| PyLease::late(self.old.clone(), self.begun.lock().clone()))
    }

    /// Gives up: another waiting caller takes over.
    pub fn give_up(&self) {
        self.is_given_up.store(true, Ordering::Release);
        drop(self.take());
        drop(self.take_asked());
    }

    /// Takes what was found when the key was asked for.
    pub fn take_asked(&self) -> Option<PyMiss> {
        self.asked.lock().take()
    }

    /// Takes note of what was found; another caller takes over if this one has given up meanwhile.
    pub fn set_asked(&self, miss: PyMiss) {
        let old = self.asked.lock().replace(miss);
        drop(old);
        if self.is_given_up.load(Ordering::Acquire) {
            drop(self.take_asked());
        }
    }

    /// Returns whether it still has its lease.
    pub fn has_lease(&self) -> bool {
        self.lease.lock().is_some()
    }

    /// Takes the lease to ask for it once more, if another process had the key.
    pub fn to_acquire(&self) -> Option<PyLease> {
        self.lease.lock().take_if(|_| !self.acquired.load(Ordering::Relaxed))
    }

    /// Puts the lease back; `acquired` says whether other processes are kept away.
    pub fn put_back(&self, lease: PyLease, acquired: bool) {
        if acquired {
            drop(self.outside.lock().take());
        }
        self.acquired.store(acquired, Ordering::Relaxed);
        *self.begun.lock() = lease.begun();
        let old = self.lease.lock().replace(lease);
        drop(old);
    }

    /// Returns whether waiting for another process that has this key is safe, from now until it is
    /// acquired.
    pub fn may_wait_outside(&self) -> bool {
        let mut outside = self.outside.lock();
        if outside.is_none() {
            let lease = self.lease.lock();
            *outside = lease.as_ref().and_then(PyLease::guard).and_then(Guard::may_wait_outside);
        }
        outside.is_some()
    }

    /// Returns the answer of a method of the task; None if there is no task or no interpreter any
    /// more.
    fn ask(&self, method: &str) -> Option<bool> {
        Python::try_attach(|py| {
            let task = self.task.lock().as_ref().map(|task| task.clone_ref(py))?;
            let answer = task.call_method0(py, method).and_then(|said| said.is_truthy(py));
            answer.map_err(|error| error.write_unraisable(py, Some(task.bind(py)))).ok()
        })?
    }
}

impl Leader for Leadership {
    fn on_deserted(&self) {
        self.ask("deserted");
    }

    fn check(&self) {
        if self.ask("is_lost") == Some(true) {
            // The computation may still complete one day: its result is then kept like any other.
            self.is_given_up.store(true, Ordering::Release);
            let lease = self.lease.lock().take();
            drop((lease, self.take_asked()));
        }
    }
}

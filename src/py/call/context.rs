//! On whose behalf code runs: the computations of tasks that wait for it to return.
//!
//! A task may spread its work over other tasks and threads (`gather`, `to_thread`). They run in a
//! copy of its context, so a context variable tells them what they are part of.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use super::threads;
use crate::flight::{Caller, Graph, Owner, fresh_id, this_thread};
use crate::py::ffi::check_tasks;
use crate::py::value::callbacks;
use crate::py::value::once::{get_or_make, intern};

/// How many computations of tasks are under way: while there are none, the context is not read.
static WORKS: AtomicUsize = AtomicUsize::new(0);

/// One computation of a task.
#[derive(Debug)]
struct Frame {
    owner: Owner,
    over: AtomicBool,
}

/// The computations that a piece of code is part of, the innermost first.
#[pyclass(frozen, name = "TaskContext", module = "outlive._core")]
pub struct TaskContext(Vec<Arc<Frame>>);

/// A computation of a task, from its start until this is dropped.
#[must_use = "dropped it is over"]
#[derive(Debug)]
pub struct ComputationScope {
    frame: Arc<Frame>,
    outer: Vec<Arc<Frame>>,
}

/// The owner that asks for a key, the one that would compute it, and what both are part of.
#[derive(Clone, Debug)]
pub struct CallContext {
    owner: Owner,
    worker: Owner,
    within: Vec<Owner>,
    frames: Vec<Arc<Frame>>,
    /// Whether it waits through gevent's hub, which runs other greenlets of its thread meanwhile.
    has_hub: bool,
}

impl CallContext {
    /// Returns the context of an ordinary call in this thread: the same for each, unless it is part
    /// of a computation.
    pub fn thread(py: Python<'_>) -> PyResult<Arc<Self>> {
        thread_local!(static PLAIN: Arc<CallContext> = Arc::new(CallContext::of_thread(Vec::new())));
        threads::note(py)?;
        let frames = current(py)?;
        if let Some(number) = greenlet(py)? {
            let owner = Owner::task(number, this_thread());
            return Ok(Arc::new(Self { has_hub: true, ..Self::of(owner, frames) }));
        }
        // A thread that is about to end cannot share one any more.
        let plain = if frames.is_empty() { PLAIN.try_with(Arc::clone).ok() } else { None };
        Ok(plain.unwrap_or_else(|| Arc::new(Self::of_thread(frames))))
    }

    fn of_thread(frames: Vec<Arc<Frame>>) -> Self {
        Self::of(Owner::thread(this_thread()), frames)
    }

    fn of(owner: Owner, frames: Vec<Arc<Frame>>) -> Self {
        Self { owner, worker: owner, within: owners(&frames), frames, has_hub: false }
    }

    /// Returns the context of a call in a task of this thread's event loop, to be computed by a
    /// task of its own.
    pub fn task(py: Python<'_>) -> PyResult<Arc<Self>> {
        threads::note(py)?;
        let frames = current(py)?;
        check_tasks(py, frames.len())?;
        let fresh = || Owner::task(fresh_id(), this_thread());
        // Tasks of one computation wait under one owner: it waits for all of them.
        let owner = frames.first().map_or_else(fresh, |frame| frame.owner);
        Ok(Arc::new(Self { worker: fresh(), ..Self::of(owner, frames) }))
    }

    /// Returns this context for a computation that does not belong to this thread: whichever thread
    /// asks next goes on with it.
    #[must_use]
    pub fn apart(&self) -> Arc<Self> {
        // An id of no thread: what this thread does meanwhile neither delays the computation nor
        // waits for it.
        let worker = Owner::task(fresh_id(), fresh_id());
        Arc::new(Self { worker, ..self.clone() })
    }

    /// Returns the caller as the flights see it.
    pub fn caller(&self) -> Caller<'_> {
        Caller::within(self.owner, &self.within).through(self.worker)
    }

    /// Returns whether a computation of another key waits for this call, unseen by the flights.
    pub fn is_within(&self) -> bool {
        !self.within.is_empty()
    }

    /// Returns whether it waits through gevent's hub.
    pub fn has_hub(&self) -> bool {
        self.has_hub
    }

    /// Begins the computation by the worker.
    pub fn begin(&self) -> ComputationScope {
        WORKS.fetch_add(1, Ordering::AcqRel);
        let frame = Arc::new(Frame { owner: self.worker, over: AtomicBool::new(false) });
        ComputationScope { frame, outer: self.frames.clone() }
    }
}

impl ComputationScope {
    /// Makes everything that runs in this context from now on part of this computation. Returns the
    /// token that undoes it.
    pub fn enter<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        enter(py, std::iter::once(&self.frame).chain(&self.outer).cloned().collect())
    }

    /// Enters several computations that are made by one call; None if there are none.
    pub fn enter_all<'py, 'a>(
        py: Python<'py>,
        scopes: impl Iterator<Item = &'a Self>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (mut frames, mut outer) = (Vec::new(), None);
        for scope in scopes {
            frames.push(Arc::clone(&scope.frame));
            outer = outer.or(Some(&scope.outer));
        }
        let Some(outer) = outer else { return Ok(None) };
        frames.extend(outer.iter().cloned());
        enter(py, frames).map(Some)
    }
}

/// Makes the work of helper threads part of what the thread that started them computes.
#[pyclass(frozen, name = "HelperScope", module = "outlive._core")]
pub struct HelperScope(ComputationScope);

#[pymethods]
impl HelperScope {
    /// The scope for helpers of this thread; None if the thread computes nothing.
    #[staticmethod]
    fn of_thread(py: Python<'_>) -> PyResult<Option<Self>> {
        let context = CallContext::thread(py)?;
        let computes = Graph::of_process().is_leading(context.owner);
        Ok(computes.then(|| Self(context.begin())))
    }

    /// Makes everything that runs in this context from now on part of it.
    fn enter(&self, py: Python<'_>) -> PyResult<()> {
        self.0.enter(py).map(drop)
    }
}

impl Drop for ComputationScope {
    fn drop(&mut self) {
        self.frame.over.store(true, Ordering::Release);
        WORKS.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Makes everything that runs in this context part of these computations. Returns the token that
/// undoes it.
fn enter(py: Python<'_>, frames: Vec<Arc<Frame>>) -> PyResult<Bound<'_, PyAny>> {
    variable(py)?.call_method1(intern!(py, "set"), (TaskContext(frames),))
}

/// Undoes `ComputationScope::enter`.
pub fn leave(token: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = token.py();
    variable(py)?.call_method1(intern!(py, "reset"), (token,)).map(drop)
}

fn owners(frames: &[Arc<Frame>]) -> Vec<Owner> {
    frames.iter().map(|frame| frame.owner).collect()
}

/// Returns the computations that the running code is part of, without those that are over.
fn current(py: Python<'_>) -> PyResult<Vec<Arc<Frame>>> {
    if WORKS.load(Ordering::Acquire) == 0 {
        return Ok(Vec::new());
    }
    let found = variable(py)?.call_method0(intern!(py, "get"))?;
    let Ok(within) = found.cast_into::<TaskContext>() else { return Ok(Vec::new()) };
    let under_way = |frame: &&Arc<Frame>| !frame.over.load(Ordering::Acquire);
    Ok(within.get().0.iter().filter(under_way).cloned().collect())
}

/// Returns the number of the running greenlet, if gevent is in use and it can wait through a hub.
fn greenlet(py: Python<'_>) -> PyResult<Option<u64>> {
    if !callbacks::is_imported(intern!(py, "gevent"))? {
        return Ok(None);
    }
    callbacks::greenlet_number(py, fresh_id())
}

fn variable(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static VARIABLE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let variable = get_or_make(&VARIABLE, py, || {
        let class = py.import(intern!(py, "contextvars"))?.getattr(intern!(py, "ContextVar"))?;
        let default = PyDict::new(py);
        default.set_item("default", py.None())?;
        class.call(("outlive_within",), Some(&default)).map(Bound::unbind)
    });
    variable.map(|variable| variable.bind(py))
}

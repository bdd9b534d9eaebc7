//! The manner of a function's calls: whole, or in steps that Python takes.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::context::CallContext;

/// The manner of a function's calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// The call of the function is the whole computation.
    Whole,
    /// An `async def` function: what it returns is awaited.
    Task,
    /// Like `Batch`, and awaited.
    TaskBatch,
    /// One call of the function brings the results of many keys, while its thread waits.
    Batch,
    /// The function gives its result piece by piece.
    Stream,
    /// Like `Stream`, and awaited.
    TaskStream,
}

impl Manner {
    /// Returns whether a call returns a `PendingCall` that says what to do next when it must
    /// compute.
    pub fn suspends(self) -> bool {
        self != Self::Whole
    }

    /// Returns on whose behalf a call runs.
    pub fn context(self, py: Python<'_>) -> PyResult<Arc<CallContext>> {
        match self {
            Self::Whole | Self::Batch => CallContext::thread(py),
            Self::Task | Self::TaskBatch => CallContext::task(py),
            Self::Stream => CallContext::thread(py).map(|context| context.apart()),
            Self::TaskStream => CallContext::task(py).map(|context| context.apart()),
        }
    }
}

impl<'py> FromPyObject<'_, 'py> for Manner {
    type Error = PyErr;

    fn extract(word: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match word.extract::<&str>()? {
            "whole" => Ok(Self::Whole),
            "task" => Ok(Self::Task),
            "batch" => Ok(Self::Batch),
            "task batch" => Ok(Self::TaskBatch),
            "stream" => Ok(Self::Stream),
            "task stream" => Ok(Self::TaskStream),
            other => Err(PyValueError::new_err(format!("no manner of calls: {other}"))),
        }
    }
}

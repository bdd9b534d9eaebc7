//! How the calls of a function go: in one go, or in parts that Python puts together.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::context::CallContext;

/// How the calls of a function go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// The function is called, and the call ends with it.
    Whole,
    /// An `async def` function: what it returns is awaited.
    Task,
    /// One call of the function brings the results of many keys, while its thread waits.
    Batch,
    /// The function gives its result piece by piece, to whoever asks for the next one.
    Stream,
    /// The same, awaited.
    TaskStream,
}

impl Manner {
    /// Whether a call gives its result, or a `PendingCall` that says what to do next.
    pub fn suspends(self) -> bool {
        self != Self::Whole
    }

    /// On whose behalf a call runs.
    pub fn context(self, py: Python<'_>) -> PyResult<Arc<CallContext>> {
        match self {
            Self::Whole | Self::Batch => CallContext::thread(py),
            Self::Task => CallContext::task(py),
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
            "stream" => Ok(Self::Stream),
            "task stream" => Ok(Self::TaskStream),
            other => Err(PyValueError::new_err(format!("no manner of calls: {other}"))),
        }
    }
}

//! What becomes of a call of an async function that computes, where nothing has to wait.

use pyo3::prelude::*;

use super::pending_call::PendingCall;
use crate::py::cache::deferred::Deferred;
use crate::py::call::observer::Observer;
use crate::py::call::previous::Noted;

#[pymethods]
impl PendingCall {
    /// Notes what this call is to replace; the token undoes it.
    fn note_previous(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let Some(request) = &self.request else { return Ok(None) };
        let noted = Noted::begin(py, self.me.get(), request, self.stage.old().expired)?;
        Ok(noted.map(|noted| noted.token(py)))
    }

    /// Undoes `note_previous`.
    #[staticmethod]
    fn leave_previous(py: Python<'_>, token: Py<PyAny>) -> PyResult<()> {
        Noted::of(token).leave(py)
    }

    /// Counts a call that is computed.
    pub(super) fn count(&self, py: Python<'_>) -> PyResult<()> {
        let Some(request) = &self.request else { return Ok(()) };
        Observer { me: self.me.get(), request }.miss(py, self.stage.old().expired)
    }

    /// Keeps the result, on disk before any caller gets it. Returns what the caller gets.
    fn keep<'py>(&self, py: Python<'py>, value: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let Some(keeper) = self.keeper() else { return Ok(value) };
        let Some(lease) = self.stage.lease() else {
            return keeper.keep_nested(py, &value).map(|()| value);
        };
        keeper.keep(py, lease, value).map(|(value, _)| value)
    }

    /// The function raised: returns an older result if that may be served, or raises the exception.
    fn fail<'py>(&self, py: Python<'py>, error: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let error = PyErr::from_value(error);
        let _deferred = self.me.get().is_away().then(Deferred::begin);
        let (Some(keeper), Some(lease)) = (self.keeper(), self.stage.lease()) else {
            return Err(error);
        };
        keeper.failed(py, lease, error).map(|(value, _)| value)
    }
}

//! Calls of async functions, from the start or once more, to where they must suspend.

use std::sync::Arc;

use pyo3::prelude::*;

use super::ahead::{self, request_of};
use super::pending_call::PendingCall;
use super::stage::State;
use crate::py::call::answer::Answer;
use crate::py::call::invocation::Invocation;
use crate::py::call::memoised::Memoised;
use crate::py::call::request::Request;
use crate::py::key::arguments::Call;

/// Runs the call of an async function to where it must suspend: returns its result, or a
/// `PendingCall`.
pub fn call<'py>(
    me: &Bound<'py, Memoised>,
    call: &Call<'_, 'py>,
    anew: bool,
) -> PyResult<Answer<'py>> {
    if me.get().is_away() {
        return ahead::call(me, call, anew);
    }
    let Some(request) = request_of(me, call, anew, true)? else {
        return PendingCall::make(me, call, None, State::Over).map(|pending| (pending, None));
    };
    request.bring(me.py(), me.get())?;
    pending_of(me, call, Arc::new(request))
}

/// Returns the next step of a call as Python sees it.
fn pending_of<'py>(
    me: &Bound<'py, Memoised>,
    call: &Call<'_, 'py>,
    request: Arc<Request>,
) -> PyResult<Answer<'py>> {
    let step = Invocation { me: me.get(), call, request: &request }.step(me.py())?;
    PendingCall::after(me, call, request, step)
}

#[pymethods]
impl PendingCall {
    /// Looks up and joins once more: the result, or the next step.
    fn retry<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (me, call) = (self.me.bind(py), self.to_call(py)?);
        if let Some(anew) = self.stage.unready() {
            return ahead::call_ready(me, &call, anew).map(|(value, _)| value);
        }
        let Some(request) = &self.request else { return Ok(py.None().into_bound(py)) };
        let next = if me.get().is_away() { ahead::pending_of } else { pending_of };
        next(me, &call, Arc::clone(request)).map(|(value, _)| value)
    }
}

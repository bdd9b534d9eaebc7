//! Calls of async functions up to where their event loop would have to wait for the store.

use std::sync::Arc;

use pyo3::prelude::*;

use super::pending_call::PendingCall;
use super::stage::State;
use crate::py::cache::deferred::Deferred;
use crate::py::cache::errands::try_turn;
use crate::py::call::answer::Answer;
use crate::py::call::invocation::Invocation;
use crate::py::call::memoised::Memoised;
use crate::py::call::request::Request;
use crate::py::key::arguments::Call;

/// Runs a call of a function whose store may keep a thread waiting.
pub fn call<'py>(
    me: &Bound<'py, Memoised>,
    call: &Call<'_, 'py>,
    anew: bool,
) -> PyResult<Answer<'py>> {
    let core = me.get().core.get();
    if core.is_loaded() && core.cache().follower().is_current() {
        return call_ready(me, call, anew);
    }
    let turn = core.file.get().errands.turn();
    let is_mine = try_turn(&turn);
    if core.is_loaded() && is_mine.is_some() && core.cache().is_free() {
        core.cache().follower().follow(false);
        drop(is_mine);
        return call_ready(me, call, anew);
    }
    PendingCall::make(me, call, None, State::Unready { anew }).map(|pending| (pending, None))
}

/// Runs the call once the store was read, and what others announced was taken in.
pub fn call_ready<'py>(
    me: &Bound<'py, Memoised>,
    call: &Call<'_, 'py>,
    anew: bool,
) -> PyResult<Answer<'py>> {
    let _deferred = Deferred::begin();
    match request_of(me, call, anew, false)? {
        Some(request) => pending_of(me, call, Arc::new(request)),
        None => PendingCall::make(me, call, None, State::Over).map(|pending| (pending, None)),
    }
}

/// Returns what a call asks of the cache; None if it bypasses the cache.
pub(super) fn request_of<'py>(
    me: &Bound<'py, Memoised>,
    call: &Call<'_, 'py>,
    anew: bool,
    follows: bool,
) -> PyResult<Option<Request>> {
    let py = me.py();
    let context = me.get().manner.context(py)?;
    let mut request = Request::begin_as(py, me.get(), call, context, follows)?;
    if let Some(request) = request.as_mut().filter(|_| anew) {
        request.anew = true;
        Invocation { me: me.get(), call, request }.expect_computing(py)?;
    }
    Ok(request)
}

/// Returns the next step of a call as Python sees it. The store is looked into only if that waits for
/// nobody; if not, whoever leads has yet to ask it.
pub fn pending_of<'py>(
    me: &Bound<'py, Memoised>,
    call: &Call<'_, 'py>,
    request: Arc<Request>,
) -> PyResult<Answer<'py>> {
    let _deferred = Deferred::begin();
    let core = me.get().core.get();
    let is_held = core.cache().holds(&request.key);
    let turn = (!is_held).then(|| core.file.get().errands.turn());
    let is_mine = turn.as_ref().and_then(try_turn);
    let looks = is_held || is_mine.is_some() && core.cache().is_free();
    let step = Invocation { me: me.get(), call, request: &request }.step_ahead(me.py(), looks)?;
    drop(is_mine);
    PendingCall::after(me, call, request, step)
}

//! Computing: the steps before the function is called, and what becomes of its outcome.

use pyo3::prelude::*;

use super::answer::Answer;
use super::invocation::{Decision, Invocation};
use super::keeper::Keeper;
use super::memoised::Memoised;
use super::observer::Observer;
use super::previous::Noted;
use super::request::Request;
use crate::py::cache::PyLease;
use crate::py::key::arguments::Call;

/// A call up to its function, which runs between [`begin`] and [`Computation::finish`]. Calls may
/// nest as deep as the stack allows, so this is all that waits for the function, and it is not on
/// the stack.
pub enum Computation {
    /// The outcome is not kept.
    Straight,
    /// An inner call under a key that this thread is computing: computed once, and hidden from
    /// others.
    Nested(Box<Request>),
    /// The outcome is kept, and shared with those who wait if the lease is shared.
    Kept { request: Box<Request>, lease: PyLease, noted: Option<Noted> },
}

/// A call that has looked up and waited.
#[allow(clippy::large_enum_variant, reason = "taken apart at once; on Windows it is not large")]
pub enum Prepared<'py> {
    /// There is an answer.
    Done(Answer<'py>),
    /// The result has to be computed.
    Due(Computation),
}

/// Looks up and waits until there is an answer or the result has to be computed.
pub fn begin<'py>(
    py: Python<'py>,
    me: &Memoised,
    call: &Call<'_, 'py>,
    request: Request,
) -> PyResult<Prepared<'py>> {
    // It passes many hands.
    let request = Box::new(request);
    let lease = match (Invocation { me, call, request: &request }).decide(py)? {
        Decision::Done(answer) => return Ok(Prepared::Done(answer)),
        Decision::Nested => {
            me.counters.miss(false);
            return Ok(Prepared::Due(Computation::Nested(request)));
        }
        Decision::Compute(lease) => lease,
    };
    Observer { me, request: &request }.miss(py, lease.old.expired)?;
    let noted = Noted::begin(py, me, &request, lease.old.expired)?;
    Ok(Prepared::Due(Computation::Kept { request, lease, noted }))
}

impl Computation {
    /// Keeps what the function returned or raised; returns the answer of the call.
    pub fn finish<'py>(
        self,
        py: Python<'py>,
        me: &Memoised,
        outcome: PyResult<Bound<'py, PyAny>>,
    ) -> PyResult<Answer<'py>> {
        match self {
            Self::Straight => outcome.map(|value| (value, None)),
            Self::Nested(request) => {
                let value = outcome?;
                Keeper { me, request: &request }.keep_nested(py, &value)?;
                Ok((value, None))
            }
            Self::Kept { request, lease, noted } => {
                noted.map_or(Ok(()), |noted| noted.leave(py))?;
                let keeper = Keeper { me, request: &request };
                match outcome {
                    Ok(value) => keeper.keep(py, lease, value),
                    Err(error) => keeper.failed(py, lease, error),
                }
            }
        }
    }
}

/// Looks up, waits or computes until there is an answer.
pub fn answer<'py>(
    py: Python<'py>,
    me: &Memoised,
    call: &Call<'_, 'py>,
    request: Request,
) -> PyResult<Answer<'py>> {
    match begin(py, me, call, request)? {
        Prepared::Done(answer) => Ok(answer),
        Prepared::Due(computation) => computation.finish(py, me, me.invoke(py, call)),
    }
}

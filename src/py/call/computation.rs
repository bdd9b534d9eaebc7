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
    /// The outcome is kept, or shown to inner calls.
    Asked(Box<Asked>),
}

/// A call that was looked up, in one piece of memory from its start, as it passes many hands.
pub struct Asked {
    request: Request,
    /// The right to keep the outcome, and to share it with those who wait if the lease is shared. None
    /// for an inner call under a key that this thread is computing: computed once, and hidden from
    /// others.
    lease: Option<PyLease>,
    noted: Option<Noted>,
    /// The version of the function's identity when the call began.
    version: Option<u64>,
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
    let mut asked = Box::new(Asked { request, lease: None, noted: None, version: None });
    match (Invocation { me, call, request: &asked.request }).decide(py)? {
        Decision::Done(answer) => return Ok(Prepared::Done(answer)),
        Decision::Nested => me.counters.miss(false),
        Decision::Compute(lease) => {
            let lease = asked.lease.insert(lease);
            Observer { me, request: &asked.request }.miss(py, lease.old.expired)?;
            asked.noted = Noted::begin(py, me, &asked.request, lease.old.expired)?;
        }
    }
    Ok(Prepared::Due(Computation::Asked(asked)))
}

impl Computation {
    /// Notes the `version` of the function's identity when the call began.
    #[must_use]
    pub fn begun_in(mut self, version: Option<u64>) -> Self {
        if let Self::Asked(asked) = &mut self {
            asked.version = version;
        }
        self
    }

    /// Returns that version, if a result may be kept.
    pub fn version(&self) -> Option<u64> {
        if let Self::Asked(asked) = self { asked.version } else { None }
    }

    /// Keeps what the function returned or raised; returns the answer of the call.
    pub fn finish<'py>(
        self,
        py: Python<'py>,
        me: &Memoised,
        outcome: PyResult<Bound<'py, PyAny>>,
    ) -> PyResult<Answer<'py>> {
        let Self::Asked(mut asked) = self else { return outcome.map(|value| (value, None)) };
        asked.noted.take().map_or(Ok(()), |noted| noted.leave(py))?;
        let keeper = Keeper { me, request: &asked.request };
        match (asked.lease.take(), outcome) {
            (Some(lease), Ok(value)) => keeper.keep(py, lease, value),
            (Some(lease), Err(error)) => keeper.failed(py, lease, error),
            (None, Ok(value)) => {
                keeper.keep_nested(py, &value)?;
                Ok((value, None))
            }
            (None, Err(error)) => Err(error),
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

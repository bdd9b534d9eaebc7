//! `outlive.previous()`: the older result that a call is to replace.

use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::prelude::*;

use super::memoised::Memoised;
use super::request::Request;
use crate::py::value::callbacks;
use crate::py::value::wtf8::from_wtf8;

/// How many calls under way may have an older result: while there are none, nothing is noted.
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

/// Undoes what was noted for one call.
pub struct Noted(Py<PyAny>);

impl Noted {
    /// Notes the result that a call is to replace, if there is one (it has `expired`, or is made
    /// anew). Inside a call that noted something, the absence of one is noted, too.
    #[inline(never)]
    pub fn begin(
        py: Python<'_>,
        me: &Memoised,
        request: &Request,
        expired: bool,
    ) -> PyResult<Option<Self>> {
        let is_there = expired || request.anew;
        if !is_there && UNDER_WAY.load(Ordering::Relaxed) == 0 {
            return Ok(None);
        }
        let key = is_there.then(|| from_wtf8(py, &request.key)).transpose()?;
        let token = callbacks::enter_call(me.core.bind(py), key.as_ref())?;
        UNDER_WAY.fetch_add(1, Ordering::Relaxed);
        Ok(Some(Self(token.unbind())))
    }

    /// Makes it from the token that Python kept meanwhile.
    pub fn of(token: Py<PyAny>) -> Self {
        Self(token)
    }

    /// Returns the token for Python to keep.
    pub fn token(&self, py: Python<'_>) -> Py<PyAny> {
        self.0.clone_ref(py)
    }

    /// Undoes the note.
    #[inline(never)]
    pub fn leave(self, py: Python<'_>) -> PyResult<()> {
        UNDER_WAY.fetch_sub(1, Ordering::Relaxed);
        callbacks::leave_call(self.0.bind(py))
    }
}

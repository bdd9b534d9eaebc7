//! `outlive.previous()`: the older result that a call is to replace.

use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::prelude::*;

use super::invocation::Invocation;
use crate::py::value::callbacks;
use crate::py::value::wtf8::from_wtf8;

/// How many calls under way may have an older result: while there are none, nobody notes anything.
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

/// Takes back what was noted for one call.
pub struct Noted(Py<PyAny>);

impl<'py> Invocation<'_, 'py> {
    /// Notes what this call is to replace, if anything; inside of a call that noted something, also
    /// that there is nothing.
    #[inline(never)]
    pub fn note_previous(&self, py: Python<'py>, expired: bool) -> PyResult<Option<Noted>> {
        let is_there = expired || self.anew;
        if !is_there && UNDER_WAY.load(Ordering::Relaxed) == 0 {
            return Ok(None);
        }
        let key = is_there.then(|| from_wtf8(py, &self.key)).transpose()?;
        let token = callbacks::enter_call(&self.core, key.as_ref())?;
        UNDER_WAY.fetch_add(1, Ordering::Relaxed);
        Ok(Some(Noted(token.unbind())))
    }
}

impl Noted {
    /// From what Python kept meanwhile.
    pub fn of(token: Py<PyAny>) -> Self {
        Self(token)
    }

    /// For Python, which gives it back.
    pub fn token(&self, py: Python<'_>) -> Py<PyAny> {
        self.0.clone_ref(py)
    }

    /// Takes it back.
    #[inline(never)]
    pub fn leave(self, py: Python<'_>) -> PyResult<()> {
        UNDER_WAY.fetch_sub(1, Ordering::Relaxed);
        callbacks::leave_call(self.0.bind(py))
    }
}

//! What a thread is storing for a call of an async function.

use pyo3::prelude::*;

use crate::py::call::keeper::Story;

/// A result that a thread is storing.
pub struct Writing {
    pub(super) value: Py<PyAny>,
    pub(super) story: Story,
    pub(super) kept: Option<bool>,
}

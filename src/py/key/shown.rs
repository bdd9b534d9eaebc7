//! Keys in the messages that Python makes.

use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::key::shown;
use crate::py::value::wtf8::with_wtf8;

/// A key text as messages and logs show it: quoted, and of a long one the ends.
#[pyfunction]
pub fn shown_key(key: &Bound<'_, PyString>) -> PyResult<String> {
    with_wtf8(key, shown)
}

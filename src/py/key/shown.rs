//! Keys in messages that Python writes.

use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::key::shown;
use crate::py::value::wtf8::with_wtf8;

/// Returns a key text for messages and logs: quoted, and only the ends of a long one.
#[pyfunction]
pub fn shown_key(key: &Bound<'_, PyString>) -> PyResult<String> {
    with_wtf8(key, shown)
}

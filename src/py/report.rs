//! Errors that have no caller to go to.

use pyo3::prelude::*;

/// Hands `error` to `sys.unraisablehook`, which prints it, and which test runners report.
#[pyfunction]
pub fn report(error: Bound<'_, PyAny>) {
    let py = error.py();
    PyErr::from_value(error).write_unraisable(py, None);
}

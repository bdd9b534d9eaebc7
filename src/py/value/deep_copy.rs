//! Copies by `copy.deepcopy`, of what nothing else is known of.

use pyo3::exceptions::PyRecursionError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use super::once::get_or_make;
use crate::py::ffi::{call_with, check_stack, stack_left};

/// `copy.deepcopy` of something deep goes on until it reaches Python's limit of recursion.
const ROOM_FOR_DEEP_COPY: usize = 512 << 10;

/// Raises `RecursionError` if too little stack is left to copy what may be `deep`.
pub fn check_room_for_copy(deep: bool) -> PyResult<()> {
    if deep && stack_left() < ROOM_FOR_DEEP_COPY {
        return Err(PyRecursionError::new_err("too little stack is left to copy it"));
    }
    check_stack()
}

/// Returns a copy made by `copy.deepcopy`, with code of the value's own classes.
pub fn deep_copy<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    static COPY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = object.py();
    let copy = get_or_make(&COPY, py, || Ok(py.import("copy")?.getattr("deepcopy")?.unbind()))?;
    call_with(copy.bind(py), (object,))
}

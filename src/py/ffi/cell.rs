//! The cells that a function closes over.

use pyo3::ffi;
use pyo3::prelude::*;

/// Returns what a cell holds at this moment; None if it is empty, or not a cell.
pub fn cell_contents<'py>(cell: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    // SAFETY: the object is alive, the interpreter attached; an object that is not a cell is not
    // looked into, and the reference that `PyCell_Get` returns is ours, or NULL without an error.
    unsafe {
        let is_cell = ffi::Py_TYPE(cell.as_ptr()) == &raw mut ffi::PyCell_Type;
        let contents = is_cell.then(|| ffi::PyCell_Get(cell.as_ptr()))?;
        Bound::from_owned_ptr_or_opt(cell.py(), contents)
    }
}

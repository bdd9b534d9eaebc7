//! What a function closes over.

use pyo3::ffi;
use pyo3::prelude::*;

/// What a cell holds at this moment; None if it is empty, or no cell.
pub fn cell_contents<'py>(cell: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    // SAFETY: the object is alive, the interpreter attached; what is no cell is not looked into, and
    // the reference that `PyCell_Get` gives is ours, or NULL without an error.
    unsafe {
        let is_cell = ffi::Py_TYPE(cell.as_ptr()) == &raw mut ffi::PyCell_Type;
        let contents = is_cell.then(|| ffi::PyCell_Get(cell.as_ptr()))?;
        Bound::from_owned_ptr_or_opt(cell.py(), contents)
    }
}

//! Calling functions with arguments as they come, without a tuple or a dict.

use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::vectorcall;

/// Calls a function with the positional arguments first in `values`, then one for each of `names`.
///
/// # Panics
/// If there are more names than values.
pub fn call<'py>(
    function: &Bound<'py, PyAny>,
    values: &[Bound<'py, PyAny>],
    names: Option<&Bound<'py, PyTuple>>,
) -> PyResult<Bound<'py, PyAny>> {
    let keywords = names.map_or(0, PyTupleMethods::len);
    let positional = values.len().checked_sub(keywords).expect("each name has a value");
    // A `Bound` is a pointer and nothing else (`repr(transparent)`); an empty array is not read.
    let values = values.as_ptr().cast::<*mut ffi::PyObject>();
    let names = names.filter(|_| keywords > 0).map_or(ptr::null_mut(), Bound::as_ptr);
    // SAFETY: the interpreter is attached. The array holds the positional arguments and then as
    // many as there are names (counted above); the caller keeps them and the tuple of names (NULL
    // or not empty) alive. The result is ours, or NULL with an error set.
    unsafe {
        let result = vectorcall(function.as_ptr(), values, positional, names);
        Bound::from_owned_ptr_or_err(function.py(), result)
    }
}

/// Calls the user's code, or our own Python code, with positional `args`.
pub fn call_with<'py, A>(function: &Bound<'py, PyAny>, args: A) -> PyResult<Bound<'py, PyAny>>
where
    A: IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>, Error: Into<PyErr>>,
{
    let args = args.into_pyobject(function.py()).map_err(Into::into)?;
    call(function, &args.iter().collect::<Vec<_>>(), None)
}

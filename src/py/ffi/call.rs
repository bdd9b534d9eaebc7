//! Calling functions that may take long.

use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// Calls a function that may take long, so that the interpreter may end meanwhile: with the
/// positional arguments first in `values`, then one for each of `names`.
///
/// Up to Python 3.13 a daemon thread that wants to go on then is unwound by `pthread_exit`, which
/// ends the process when it meets Rust code. It sleeps here instead, as it does from 3.14 on.
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
    let unwound = SleepsForEver;
    // SAFETY: the two function types differ in this alone: that the caller is ready to be unwound.
    let vectorcall: UnwindingCall =
        unsafe { std::mem::transmute(ffi::PyObject_Vectorcall as *const ()) };
    // The optimiser must not see through the pointer: it takes what PyO3 declares for a promise that
    // nothing unwinds, and drops `unwound`'s clean-up.
    let vectorcall = std::hint::black_box(vectorcall);
    // SAFETY: the interpreter is attached. The array holds the positional arguments and then as
    // many as there are names (counted above); the caller keeps them and the tuple of names (NULL
    // or not empty) alive. The result is ours, or NULL with an error set.
    let result = unsafe {
        let result = vectorcall(function.as_ptr(), values, positional, names);
        Bound::from_owned_ptr_or_err(function.py(), result)
    };
    std::mem::forget(unwound);
    result
}

/// Calls code of the user's, or of ours that is Python, with positional `args`.
pub fn call_with<'py, A>(function: &Bound<'py, PyAny>, args: A) -> PyResult<Bound<'py, PyAny>>
where
    A: IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>, Error: Into<PyErr>>,
{
    let args = args.into_pyobject(function.py()).map_err(Into::into)?;
    call(function, &args.iter().collect::<Vec<_>>(), None)
}

/// `PyObject_Vectorcall` as it is: PyO3 declares it as never unwinding.
type UnwindingCall = unsafe extern "C-unwind" fn(
    *mut ffi::PyObject,
    *const *mut ffi::PyObject,
    usize,
    *mut ffi::PyObject,
) -> *mut ffi::PyObject;

/// Stops the thread that drops it.
struct SleepsForEver;

impl Drop for SleepsForEver {
    fn drop(&mut self) {
        loop {
            std::thread::park();
        }
    }
}

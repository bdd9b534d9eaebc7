//! Calling functions that may take long.

use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;

use crate::py::key::arguments::Call;

/// Calls a function that may take long, so that the interpreter may end meanwhile.
///
/// Up to Python 3.13 a daemon thread that wants to go on then is unwound by `pthread_exit`, which
/// ends the process when it meets Rust code. It sleeps here instead, as it does from 3.14 on.
pub fn call<'py>(function: &Bound<'py, PyAny>, call: &Call<'py>) -> PyResult<Bound<'py, PyAny>> {
    // A `Bound` is a pointer and nothing else (`repr(transparent)`); an empty array is not read.
    let values = call.values().as_ptr().cast::<*mut ffi::PyObject>();
    let names = call.names().map_or(ptr::null_mut(), Bound::as_ptr);
    let unwound = SleepsForEver;
    // SAFETY: the two function types differ in this alone: that the caller is ready to be unwound.
    let vectorcall: UnwindingCall =
        unsafe { std::mem::transmute(ffi::PyObject_Vectorcall as *const ()) };
    // The optimiser must not see through the pointer: it takes what PyO3 declares for a promise that
    // nothing unwinds, and drops `unwound`'s clean-up.
    let vectorcall = std::hint::black_box(vectorcall);
    // SAFETY: the interpreter is attached. The array holds the positional arguments and then as
    // many as there are names; `call` keeps them and the tuple of names (NULL or not empty) alive.
    // The result is ours, or NULL with an error set.
    let result = unsafe {
        let result = vectorcall(function.as_ptr(), values, call.positional().len(), names);
        Bound::from_owned_ptr_or_err(function.py(), result)
    };
    std::mem::forget(unwound);
    result
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

//! The C functions that CPython calls for a call of a `Memoised`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;

use super::raw_call::{RawCall, parts};
use crate::py::hits::table::Served;
use crate::py::memoised::Memoised;
use crate::py::value::template::{Live, Template};

/// The commonest hits, in a function that calls nothing and so needs no stack: whatever else there
/// is to do, another function does in its place.
pub unsafe extern "C" fn quick(
    callable: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    nargsf: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: these are a vectorcall's own, here and where they are handed on.
    unsafe {
        let (me, call) = parts(callable, arguments, nargsf, names);
        match me.get().quick_hit(&call) {
            Some(object) => object.into_ptr(),
            None => any(callable, arguments, nargsf, names),
        }
    }
}

/// The same where results grow old, or come and go.
pub unsafe extern "C" fn quick_on_terms(
    callable: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    nargsf: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: these are a vectorcall's own, here and where they are handed on.
    unsafe {
        let (me, call) = parts(callable, arguments, nargsf, names);
        match me.get().quick_hit_on_terms(&call) {
            Some(object) => object.into_ptr(),
            None => any(callable, arguments, nargsf, names),
        }
    }
}

/// All hits.
#[inline(never)]
pub unsafe extern "C" fn any(
    callable: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    nargsf: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: these are a vectorcall's own, here and where they are handed on.
    unsafe {
        let (me, call) = parts(callable, arguments, nargsf, names);
        match me.get().hit(&call) {
            Some(served) => served_to(&call, served),
            None => slow(callable, arguments, nargsf, names),
        }
    }
}

#[inline]
fn served_to(call: &RawCall<'_, '_>, served: Served) -> *mut ffi::PyObject {
    match served {
        Served::Same(object) => object.into_ptr(),
        // Bound, as outside of the guard `PyO3` would put off giving up any other reference.
        Served::Copy(template) => copied(&template.into_bound(call.py())),
        Served::Live(live, shared) => live_to(call.py(), &live, shared),
    }
}

/// A fresh copy. Copying does not unwind, so only its failure needs the guard.
#[inline(never)]
fn copied(template: &Bound<'_, Template>) -> *mut ffi::PyObject {
    let py = template.py();
    template.get().serve(py).map_or_else(|error| guarded(py, || Err(error)), Bound::into_ptr)
}

/// The same of a result that the cache may let go meanwhile; if we are the last to hold it, `PyO3`
/// puts off giving up what is in it until it may run code.
#[inline(never)]
fn live_to(py: Python<'_>, live: &Live, shared: bool) -> *mut ffi::PyObject {
    let served = if shared { live.serve_shared(py) } else { live.serve(py) };
    served.map_or_else(|error| guarded(py, || Err(error)), Bound::into_ptr)
}

#[cold]
#[inline(never)]
unsafe extern "C" fn slow(
    callable: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    nargsf: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: these are a vectorcall's own.
    let (me, call) = unsafe { parts(callable, arguments, nargsf, names) };
    guarded(call.py(), || Memoised::call_slow(&me, &call))
}

/// Runs safe code at the edge to C: an error is set, a panic becomes an exception.
fn guarded<'py>(
    py: Python<'py>,
    run: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
) -> *mut ffi::PyObject {
    let mut run = Some(run);
    let mut once = || run.take().map_or(Err(a_bug()), caught);
    // PyO3 must know that the interpreter is attached, or it puts off every decref. It refuses
    // while the interpreter ends: then the call comes from a destructor, and is answered too.
    let result = Python::try_attach(|_| once()).unwrap_or_else(once);
    result.map_or_else(
        |error| {
            error.restore(py);
            ptr::null_mut()
        },
        Bound::into_ptr,
    )
}

fn caught<'py>(run: impl FnOnce() -> PyResult<Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err(a_bug()))
}

fn a_bug() -> PyErr {
    PyRuntimeError::new_err("a bug in outlive")
}

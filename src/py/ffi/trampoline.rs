//! The C functions that CPython calls for a call of a [`Vectorcall`] class.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use pyo3::PyClass;
use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::pyclass::boolean_struct::True;

use super::raw_call::{RawCall, parts};
use super::reserve::memory_error;
use super::slot::Slot;
use crate::memory::OutOfMemory;

/// A class whose instances are called without a tuple, a dict or a conversion.
pub trait Vectorcall: PyClass<Frozen = True> + Sync {
    /// Where CPython finds the function to call: a field of the instance.
    fn slot(&self) -> &Slot;

    /// The commonest hits, for which nothing is called; `CHECKED` if they may grow old, or go;
    /// `SHARED` if other processes may announce that they are outdated.
    fn quick<const CHECKED: bool, const SHARED: bool>(
        &self,
        call: &RawCall<'_, '_>,
    ) -> Option<Py<PyAny>>;

    /// All hits. Must not unwind.
    fn hit<'py, const SHARED: bool>(
        &self,
        call: &RawCall<'_, 'py>,
    ) -> Option<PyResult<Bound<'py, PyAny>>>;

    /// Whether other processes may announce that hits are outdated; always the same.
    fn is_shared(&self) -> bool;

    /// Whether hits may be looked for: what the tables know holds at this moment.
    fn is_current(&self, py: Python<'_>) -> bool;

    /// Everything else.
    fn call<'py>(me: &Bound<'py, Self>, call: &RawCall<'_, 'py>) -> PyResult<Bound<'py, PyAny>>;
}

/// The commonest hits, in a function that calls nothing and so needs no stack: whatever else there
/// is to do, another function does in its place.
pub unsafe extern "C" fn quick<T: Vectorcall, const CHECKED: bool, const SHARED: bool>(
    callable: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    nargsf: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: these are a vectorcall's own, here and where they are handed on.
    unsafe {
        let (me, call) = parts::<T>(callable, arguments, nargsf, names);
        match me.get().quick::<CHECKED, SHARED>(&call) {
            Some(object) => object.into_ptr(),
            None => any::<T, SHARED>(callable, arguments, nargsf, names),
        }
    }
}

/// All hits.
#[inline(never)]
pub unsafe extern "C" fn any<T: Vectorcall, const SHARED: bool>(
    callable: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    nargsf: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: these are a vectorcall's own, here and where they are handed on.
    unsafe {
        let (me, call) = parts::<T>(callable, arguments, nargsf, names);
        match me.get().hit::<SHARED>(&call) {
            Some(Ok(object)) => object.into_ptr(),
            Some(Err(error)) => guarded(call.py(), || Err(error)),
            None => slow::<T>(callable, arguments, nargsf, names),
        }
    }
}

/// All hits of an instance whose tables hold for a while only.
pub unsafe extern "C" fn watching<T: Vectorcall, const SHARED: bool>(
    callable: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    nargsf: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: these are a vectorcall's own, here and where they are handed on.
    unsafe {
        let (me, call) = parts::<T>(callable, arguments, nargsf, names);
        if me.get().is_current(call.py()) {
            any::<T, SHARED>(callable, arguments, nargsf, names)
        } else {
            slow::<T>(callable, arguments, nargsf, names)
        }
    }
}

#[cold]
#[inline(never)]
unsafe extern "C" fn slow<T: Vectorcall>(
    callable: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    nargsf: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: these are a vectorcall's own.
    let (me, call) = unsafe { parts::<T>(callable, arguments, nargsf, names) };
    guarded(call.py(), || T::call(&me, &call))
}

/// Runs safe code at the edge to C: an error is set, a panic becomes an exception.
#[inline(never)]
fn guarded<'py>(
    py: Python<'py>,
    run: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
) -> *mut ffi::PyObject {
    let mut run = Some(run);
    let mut once = || run.take().map_or_else(|| Err(a_bug()), caught);
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
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|payload| Err(why_unwound(&*payload)))
}

/// The exception for what was unwound with: out of memory, or a bug.
fn why_unwound(payload: &(dyn Any + Send)) -> PyErr {
    // `PyO3` panics with these words where the interpreter gives no new object.
    let is_refused = payload.downcast_ref() == Some(&"PyObject pointer is null");
    if is_refused || payload.is::<OutOfMemory>() {
        return memory_error();
    }
    a_bug()
}

fn a_bug() -> PyErr {
    PyRuntimeError::new_err("a bug in outlive")
}

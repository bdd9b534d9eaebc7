//! The C functions that CPython calls for a call of a [`Vectorcall`] class.

use std::any::Any;
use std::mem::MaybeUninit;
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
use super::vectorcall;
use crate::memory::OutOfMemory;

/// A class whose instances are called without a tuple, a dict or a conversion.
pub trait Vectorcall: PyClass<Frozen = True> + Sync {
    /// The field of the instance that holds the function to call.
    fn slot(&self) -> &Slot;

    /// Answers the commonest hits without calling anything; `CHECKED` if they may expire or be
    /// evicted; `SHARED` if other processes may announce that they are outdated.
    fn quick<const CHECKED: bool, const SHARED: bool>(
        &self,
        call: &RawCall<'_, '_>,
    ) -> Option<Py<PyAny>>;

    /// Answers all hits. Must not unwind.
    fn hit<'py, const SHARED: bool>(&self, call: &RawCall<'_, 'py>) -> Option<Served<'py>>;

    /// Returns whether other processes may announce that hits are outdated; always the same.
    fn is_shared(&self) -> bool;

    /// Returns whether hits may be looked for: what the tables hold is valid at this moment.
    fn is_current(&self, py: Python<'_>) -> bool;

    /// Returns what answers calls in the place of this instance, if anything does.
    fn stand_in<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>>;

    /// The state of a call while its function runs.
    type Pending<'py>;

    /// The function, which is called with the arguments as they came.
    fn function(&self) -> &Py<PyAny>;

    /// Does everything else, up to where the function must be called.
    fn begin<'py>(
        me: &Bound<'py, Self>,
        call: &RawCall<'_, 'py>,
    ) -> PyResult<Entered<'py, Self::Pending<'py>>>;

    /// Returns what the call returns once the function has ended.
    fn finish<'py>(
        me: &Bound<'py, Self>,
        call: &RawCall<'_, 'py>,
        pending: Self::Pending<'py>,
        outcome: PyResult<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>>;
}

/// The result of a hit; None with an error set. Errors by value would make each level of calls
/// larger.
pub type Served<'py> = Option<Bound<'py, PyAny>>;

/// A call that has begun.
pub enum Entered<'py, Pending> {
    /// It returns this.
    Done(Bound<'py, PyAny>),
    /// The function must be called.
    Pending(Pending),
}

/// Answers the commonest hits in a function that calls nothing and so needs no stack: everything
/// else is done by another function in its place.
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

/// Answers all hits.
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
            Some(served) => served.map_or(ptr::null_mut(), Bound::into_ptr),
            None => slow::<T>(callable, arguments, nargsf, names),
        }
    }
}

/// Answers all hits of an instance whose tables are valid only for a while.
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

/// Answers all calls of an instance that has a stand-in.
pub unsafe extern "C" fn redirected<T: Vectorcall>(
    callable: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    nargsf: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: these are a vectorcall's own, here and where they are handed on; the stand-in is
    // alive as long as it is bound.
    unsafe {
        let (me, call) = parts::<T>(callable, arguments, nargsf, names);
        match me.get().stand_in(call.py()) {
            Some(other) => vectorcall(other.as_ptr(), arguments, nargsf, names),
            None => slow::<T>(callable, arguments, nargsf, names),
        }
    }
}

/// Answers a call that no table knows.
///
/// IMPORTANT: calls may nest as deep as the stack allows, and while the function runs only this
/// frame of ours is on it. So everything else is a function of its own, kept out of line.
#[cold]
#[inline(never)]
unsafe extern "C" fn slow<T: Vectorcall>(
    callable: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    nargsf: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: these are a vectorcall's own, here and where they are handed on; the function lives
    // as long as its owner, and its result goes to `finish`, which takes it over. What is pending is
    // there if nothing is done.
    unsafe {
        let mut pending = MaybeUninit::uninit();
        let done = begin::<T>(callable, arguments, nargsf, names, &mut pending);
        if let Some(done) = done {
            return done;
        }
        let (me, _) = parts::<T>(callable, arguments, nargsf, names);
        let function = me.get().function().as_ptr();
        let result = vectorcall(function, arguments, nargsf, names);
        finish::<T>([callable, names, result], arguments, nargsf, pending.assume_init())
    }
}

/// Returns what the call returns, unless the function must be called: then `pending` is set. An
/// `Option` of that would be larger than it is, on each level of the stack.
#[inline(never)]
unsafe fn begin<T: Vectorcall>(
    callable: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    nargsf: usize,
    names: *mut ffi::PyObject,
    pending: &mut MaybeUninit<T::Pending<'_>>,
) -> Option<*mut ffi::PyObject> {
    // SAFETY: these are a vectorcall's own.
    let (me, call) = unsafe { parts::<T>(callable, arguments, nargsf, names) };
    let begun = guarded(call.py(), || T::begin(&me, &call));
    match begun {
        Some(Entered::Done(value)) => Some(value.into_ptr()),
        Some(Entered::Pending(begun)) => {
            pending.write(begun);
            None
        }
        None => Some(ptr::null_mut()),
    }
}

/// Returns what the call returns once the function has returned, or NULL with an error set.
#[inline(never)]
unsafe fn finish<T: Vectorcall>(
    [callable, names, result]: [*mut ffi::PyObject; 3],
    arguments: *const *mut ffi::PyObject,
    nargsf: usize,
    pending: T::Pending<'_>,
) -> *mut ffi::PyObject {
    // SAFETY: these are a vectorcall's own, and the result is ours.
    let (me, call, outcome) = unsafe {
        let (me, call) = parts::<T>(callable, arguments, nargsf, names);
        let outcome = Bound::from_owned_ptr_or_err(call.py(), result);
        (me, call, outcome)
    };
    guarded(call.py(), || T::finish(&me, &call, pending, outcome))
        .map_or(ptr::null_mut(), Bound::into_ptr)
}

/// Sets an error.
#[cold]
#[inline(never)]
pub fn raised(py: Python<'_>, error: PyErr) -> Served<'_> {
    guarded(py, || Err(error))
}

/// Runs safe code at the border to C: nothing is left of an error, or of a panic, which becomes
/// one, but that it is set.
#[inline(never)]
fn guarded<T>(py: Python<'_>, run: impl FnOnce() -> PyResult<T>) -> Option<T> {
    let mut run = Some(run);
    let mut once = || run.take().map_or_else(|| Err(a_bug()), caught);
    // PyO3 must know that the interpreter is attached, or it defers every decref. It refuses while
    // the interpreter ends: then the call comes from a destructor, and is answered, too.
    let result = Python::try_attach(|_| once()).unwrap_or_else(once);
    result.map_err(|error| error.restore(py)).ok()
}

fn caught<T>(run: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|payload| Err(why_unwound(&*payload)))
}

/// Returns the exception for the payload of an unwinding: out of memory, or a bug.
fn why_unwound(payload: &(dyn Any + Send)) -> PyErr {
    // `PyO3` panics with these words where the interpreter returns no new object.
    let is_refused = payload.downcast_ref() == Some(&"PyObject pointer is null");
    if is_refused || payload.is::<OutOfMemory>() {
        return memory_error();
    }
    a_bug()
}

fn a_bug() -> PyErr {
    PyRuntimeError::new_err("a bug in outlive")
}

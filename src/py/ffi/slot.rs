//! The slot of the type of `Memoised` in which CPython finds the function to call.

use std::ptr;
use std::sync::Once;
use std::sync::atomic::{AtomicPtr, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

use super::trampoline::{any, quick, quick_on_terms};
use crate::py::hits::table::Sort;
use crate::py::memoised::Memoised;

/// Where CPython finds the C function that calls a `Memoised`.
#[derive(Debug)]
pub struct Entry(AtomicPtr<()>);

impl Entry {
    /// The entry of a function whose hits are all of the commonest sort so far.
    pub fn new() -> Self {
        Self(AtomicPtr::new(quick as ffi::vectorcallfunc as *mut ()))
    }

    /// From now on there are hits of this sort, too: none is to be looked for twice.
    pub fn widen(&self, sort: Sort) {
        let [first, on_terms, all]: [ffi::vectorcallfunc; 3] = [quick, quick_on_terms, any];
        match sort {
            Sort::Quick => {}
            Sort::QuickOnTerms => {
                let (first, next) = (first as *mut (), on_terms as *mut ());
                // Any other function answers these hits as well.
                let _ = self.0.compare_exchange(first, next, Ordering::Relaxed, Ordering::Relaxed);
            }
            Sort::Any => self.0.store(all as *mut (), Ordering::Relaxed),
        }
    }
}

/// Gives the type of `Memoised` its vectorcall slot; `first` is an instance no one has seen yet.
pub fn install(first: &Bound<'_, Memoised>) {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let entry = ptr::from_ref(first.get().entry()).cast::<u8>();
        let offset = entry as isize - first.as_ptr() as isize;
        patch(&first.get_type(), offset);
    });
}

/// Lets many threads call a function without counting, all in one place, who does.
///
/// It is then freed by the garbage collector alone, which is nothing new: its `cache_info` refers to
/// it, and so does the function itself if it stands in its own globals.
#[cfg(Py_GIL_DISABLED)]
pub fn defer_counting(function: &Bound<'_, Memoised>) {
    unsafe extern "C" {
        fn PyUnstable_Object_EnableDeferredRefcount(object: *mut ffi::PyObject) -> std::ffi::c_int;
    }
    // SAFETY: the object is alive; CPython exports this function since 3.14, the first version that
    // PyO3 supports without a GIL. It leaves an object alone that the collector does not track.
    unsafe { PyUnstable_Object_EnableDeferredRefcount(function.as_ptr()) };
}

/// With a GIL counting is cheap.
#[cfg(not(Py_GIL_DISABLED))]
pub fn defer_counting(_: &Bound<'_, Memoised>) {}

fn patch(class: &Bound<'_, PyType>, offset: isize) {
    let class = class.as_type_ptr();
    // SAFETY: the type is a heap type of this module that nobody has called yet. All instances
    // have their entry at the same offset, and `PyVectorcall_Call` is made for such types. A
    // method descriptor's `__get__` must give an ordinary bound method: it does.
    unsafe {
        (*class).tp_vectorcall_offset = offset as ffi::Py_ssize_t;
        (*class).tp_call = Some(ffi::PyVectorcall_Call);
        set_flags(class, ffi::Py_TPFLAGS_HAVE_VECTORCALL | ffi::Py_TPFLAGS_METHOD_DESCRIPTOR);
        ffi::PyType_Modified(class);
    }
}

#[cfg(not(Py_GIL_DISABLED))]
unsafe fn set_flags(class: *mut ffi::PyTypeObject, flags: std::ffi::c_ulong) {
    // SAFETY: as in `patch`.
    unsafe { (*class).tp_flags |= flags }
}

#[cfg(Py_GIL_DISABLED)]
unsafe fn set_flags(class: *mut ffi::PyTypeObject, flags: std::ffi::c_ulong) {
    // SAFETY: as in `patch`.
    unsafe { (*class).tp_flags.fetch_or(flags, std::sync::atomic::Ordering::SeqCst) };
}

//! Giving a class its vectorcall slot, for which `PyO3` has no way.

use std::ptr;
use std::sync::{Mutex, PoisonError};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

use super::slot::{HitTier, Slot};
use super::trampoline::{Vectorcall, any, quick, redirected, watching};

/// Returns the slot of a new instance, whose hits are all of the commonest tier so far; `shared` is
/// what [`Vectorcall::is_shared`] will return.
pub fn slot_of<T: Vectorcall>(shared: bool) -> Slot {
    Slot::new(if shared { quick::<T, false, true> } else { quick::<T, false, false> })
}

/// Returns the slot of a new instance that must ask `is_current` before each hit; it is never
/// widened.
pub fn watching_slot_of<T: Vectorcall>(shared: bool) -> Slot {
    Slot::new(if shared { watching::<T, true> } else { watching::<T, false> })
}

/// Sends all calls of `instance` to its stand-in, or no longer; `watches` says that it must ask
/// `is_current` before each hit.
pub fn redirect<T: Vectorcall>(instance: &T, redirects: bool, watches: bool) {
    instance.slot().set(match (redirects, watches, instance.is_shared()) {
        (true, _, _) => redirected::<T>,
        (false, true, true) => watching::<T, true>,
        (false, true, false) => watching::<T, false>,
        (false, false, true) => any::<T, true>,
        (false, false, false) => any::<T, false>,
    });
}

/// Notes that there are hits of this tier from now on: none is looked for twice. A slot that
/// watches or redirects stays as it is.
pub fn widen<T: Vectorcall>(instance: &T, tier: HitTier) {
    if instance.is_shared() {
        widen_as::<T, true>(instance, tier);
    } else {
        widen_as::<T, false>(instance, tier);
    }
}

fn widen_as<T: Vectorcall, const SHARED: bool>(instance: &T, tier: HitTier) {
    match tier {
        HitTier::Plain => {}
        HitTier::Checked => {
            instance.slot().replace(quick::<T, false, SHARED>, quick::<T, true, SHARED>);
        }
        HitTier::Any => {
            instance.slot().replace(quick::<T, false, SHARED>, any::<T, SHARED>);
            instance.slot().replace(quick::<T, true, SHARED>, any::<T, SHARED>);
        }
    }
}

/// Gives the class of `instance` its vectorcall slot, before the first instance is called.
///
/// # Panics
/// If the instance's slot is not part of it.
pub fn install<T: Vectorcall>(instance: &Bound<'_, T>) {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _one_thread = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let slot = ptr::from_ref(instance.get().slot()).addr();
    let offset = slot.wrapping_sub(instance.as_ptr().addr());
    assert!((1..size_limit(&instance.as_any().get_type())).contains(&offset));
    patch(&instance.as_any().get_type(), offset);
}

/// Returns the size of an instance in bytes.
fn size_limit(class: &Bound<'_, PyType>) -> usize {
    // SAFETY: the type is alive, and the field is only written while the type is made.
    unsafe { (*class.as_type_ptr()).tp_basicsize.cast_unsigned() }
}

fn patch(class: &Bound<'_, PyType>, offset: usize) {
    let class = class.as_type_ptr();
    // SAFETY: the type is a heap type of this module of which no instance was called yet, or it was
    // patched before and nothing changes. All instances have their slot at the same offset, inside
    // of them, and `PyVectorcall_Call` is made for such types. A method descriptor's `__get__` must
    // return an ordinary bound method: it does.
    unsafe {
        if (*class).tp_vectorcall_offset == offset.cast_signed() {
            return;
        }
        (*class).tp_vectorcall_offset = offset.cast_signed();
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

/// Defers counting references to a function that many threads call: they would all count in one
/// place.
///
/// It is then freed by the garbage collector alone, which changes nothing: its `cache_info` refers
/// to it, and so does the function itself if it is in its own globals.
#[cfg(Py_GIL_DISABLED)]
pub fn defer_counting<T>(function: &Bound<'_, T>) {
    unsafe extern "C" {
        fn PyUnstable_Object_EnableDeferredRefcount(object: *mut ffi::PyObject) -> std::ffi::c_int;
    }
    // SAFETY: the object is alive; CPython exports this function since 3.14, the first version that
    // PyO3 supports without a GIL. It leaves an object alone that the collector does not track.
    unsafe { PyUnstable_Object_EnableDeferredRefcount(function.as_ptr()) };
}

/// With a GIL, counting is cheap.
#[cfg(not(Py_GIL_DISABLED))]
pub fn defer_counting<T>(_: &Bound<'_, T>) {}

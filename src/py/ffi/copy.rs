//! The operations that copy a result: the interpreter's own functions, each of which returns None
//! with an error set if it fails. PyO3's would look for the error each time, and return results
//! through memory.

use pyo3::ffi;
use pyo3::prelude::*;

/// A new dict with the same members.
#[inline]
pub fn copy_dict<'py>(dict: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    // SAFETY: it is alive, and the interpreter is attached; an object that is not a dict is
    // refused; the copy is ours.
    unsafe { Bound::from_owned_ptr_or_opt(dict.py(), ffi::PyDict_Copy(dict.as_ptr())) }
}

/// A new list with the same items.
#[inline]
pub fn copy_list<'py>(list: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    // SAFETY: as above, of a list.
    unsafe {
        let copy = ffi::PyList_GetSlice(list.as_ptr(), 0, ffi::PY_SSIZE_T_MAX);
        Bound::from_owned_ptr_or_opt(list.py(), copy)
    }
}

/// A new set with the same members.
pub fn copy_set<'py>(set: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    // SAFETY: it is alive, and the interpreter is attached; the new set is ours.
    unsafe { Bound::from_owned_ptr_or_opt(set.py(), ffi::PySet_New(set.as_ptr())) }
}

/// Returns whether an object can be hashed: one of a class of the user's runs code for it.
pub fn is_hashable(object: &Bound<'_, PyAny>) -> bool {
    // SAFETY: it is alive, and the interpreter is attached.
    let hash = unsafe { super::hash(object.as_ptr()) };
    hash != -1 || PyErr::take(object.py()).is_none()
}

/// Puts a value into a dict under a key that may run code of the user's when it is hashed or
/// compared.
pub fn set_hashed(
    dict: &Bound<'_, PyAny>,
    key: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
) -> Option<()> {
    // SAFETY: all three are alive, and the interpreter is attached; an object that is not a dict is
    // refused.
    let failed = unsafe { super::set_item(dict.as_ptr(), key.as_ptr(), value.as_ptr()) };
    (failed == 0).then_some(())
}

/// Puts a value into a dict under a key that runs no code when it is hashed or compared.
#[inline]
pub fn set(dict: &Bound<'_, PyAny>, key: &Py<PyAny>, value: &Bound<'_, PyAny>) -> Option<()> {
    // SAFETY: all three are alive, and the interpreter is attached; an object that is not a dict is
    // refused.
    let failed = unsafe { ffi::PyDict_SetItem(dict.as_ptr(), key.as_ptr(), value.as_ptr()) };
    (failed == 0).then_some(())
}

/// Replaces an item of a list.
#[inline]
pub fn set_nth(list: &Bound<'_, PyAny>, n: usize, item: Bound<'_, PyAny>) -> Option<()> {
    let (list, n) = (list.as_ptr(), n.cast_signed());
    // SAFETY: both are alive, and the interpreter is attached; the list takes the item over, and
    // refuses a place that it does not have; an object that is not a list is refused.
    let failed = unsafe { ffi::PyList_SetItem(list, n, item.into_ptr()) };
    (failed == 0).then_some(())
}

/// Hides a private object from the garbage collector: it is part of no cycle.
///
/// Copies of it are seen again as soon as they hold anything that can be.
#[cfg(not(any(Py_3_14, Py_GIL_DISABLED)))]
pub fn hide(object: &Bound<'_, PyAny>) {
    // SAFETY: the object is alive, and of a container type like everything that is passed in here;
    // an object that is not tracked is left alone.
    unsafe { ffi::PyObject_GC_UnTrack(object.as_ptr().cast()) }
}

/// From 3.14 on, copies of hidden dicts would stay hidden for ever.
#[cfg(any(Py_3_14, Py_GIL_DISABLED))]
pub fn hide(_: &Bound<'_, PyAny>) {}

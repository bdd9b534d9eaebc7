//! Making instances without running code of their class, and accessing their state through
//! descriptors made by the interpreter: nothing that a class defines can be in the way.

use std::num::NonZeroU32;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyType};

/// Returns a new instance without attributes, as `object.__new__` makes it.
#[inline]
pub fn blank<'py>(class: &Bound<'py, PyType>) -> Option<Bound<'py, PyAny>> {
    let (py, none) = (class.py(), PyTuple::empty(class.py()));
    // SAFETY: the class is alive, and the interpreter is attached; `Shape` has seen
    // `object.__new__` make an instance of it, which refuses classes that need another one. The
    // result is ours, or NULL with an error set.
    unsafe {
        let new = ffi::PyBaseObject_Type.tp_new?;
        let made = new(class.as_type_ptr(), none.as_ptr(), ptr::null_mut());
        Bound::from_owned_ptr_or_opt(py, made)
    }
}

/// Returns a new instance of a class whose fields may all be unset, but which has a `__new__` of
/// its own.
#[inline]
pub fn allocate<'py>(class: &Bound<'py, PyType>) -> Option<Bound<'py, PyAny>> {
    let kind = class.as_type_ptr();
    // SAFETY: the class is alive, and the interpreter is attached. `Shape` takes such classes from
    // msgspec alone: its structs are pointers and nothing else, and NULL is an unset field.
    unsafe {
        let made = ((*kind).tp_alloc?)(kind, 0);
        Bound::from_owned_ptr_or_opt(class.py(), made)
    }
}

/// Returns the number of the present state of `class`: another one once an attribute of it, or of a
/// base, is set. `None` if the interpreter has given it none.
#[inline]
pub fn class_version(class: &Bound<'_, PyType>) -> Option<NonZeroU32> {
    // SAFETY: the class is alive, and its number an aligned word, to which other threads of a build
    // without a GIL write at most whole.
    let number = unsafe { AtomicU32::from_ptr(&raw mut (*class.as_type_ptr()).tp_version_tag) };
    NonZeroU32::new(number.load(Ordering::Relaxed))
}

/// Returns whether the interpreter made this descriptor, for a slot or for `__dict__`.
pub fn is_native_descriptor(object: &Bound<'_, PyAny>) -> bool {
    let kind = object.get_type_ptr();
    ptr::eq(kind, &raw const ffi::PyMemberDescr_Type)
        || ptr::eq(kind, &raw const ffi::PyGetSetDescr_Type)
}

/// Sets the attribute of `descriptor`.
#[inline]
pub fn set_through(
    descriptor: &Bound<'_, PyAny>,
    object: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
) -> Option<()> {
    // SAFETY: all three are alive, and the interpreter is attached; a native descriptor itself
    // refuses objects of other classes, and an object that is no descriptor has no such function.
    let failed = unsafe {
        let set = (*descriptor.get_type_ptr()).tp_descr_set?;
        set(descriptor.as_ptr(), object.as_ptr(), value.as_ptr())
    };
    (failed == 0).then_some(())
}

/// Returns a named tuple: an instance of `class`, a subclass of tuple, with these items.
pub fn tuple_of<'py>(
    class: &Bound<'py, PyType>,
    items: &Bound<'py, PyTuple>,
) -> Option<Bound<'py, PyAny>> {
    let args = PyTuple::new(class.py(), [items]).ok()?;
    // SAFETY: as in `blank`: `tuple.__new__` makes an instance of any subclass of tuple, which
    // `Shape` has seen it do for this class.
    unsafe {
        let new = ffi::PyTuple_Type.tp_new?;
        let made = new(class.as_type_ptr(), args.as_ptr(), ptr::null_mut());
        Bound::from_owned_ptr_or_opt(class.py(), made)
    }
}

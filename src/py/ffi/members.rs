//! The members of a dict. PyO3's iterator compares lengths and positions at each step; this one
//! only asks the interpreter, and writes plain members without even counting references.

#[cfg(not(Py_GIL_DISABLED))]
use std::mem::MaybeUninit;

#[cfg(not(Py_GIL_DISABLED))]
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;

#[cfg(all(not(Py_GIL_DISABLED), not(Py_3_14)))]
use super::str::ascii_of;
use crate::value::write::Writer;

/// A member of a dict.
type Member<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

/// Returns the members of `dict`; if it changes meanwhile, some may come twice or not at all.
#[cfg(not(Py_GIL_DISABLED))]
#[inline]
pub fn members<'a, 'py>(dict: &'a Bound<'py, PyDict>) -> Members<'a, 'py> {
    Members { dict, place: 0 }
}

/// The iterator of [`members`].
#[cfg(not(Py_GIL_DISABLED))]
pub struct Members<'a, 'py> {
    dict: &'a Bound<'py, PyDict>,
    place: ffi::Py_ssize_t,
}

#[cfg(not(Py_GIL_DISABLED))]
impl<'py> Members<'_, 'py> {
    /// Returns the key and the value of the next member.
    ///
    /// SAFETY: both are borrowed from the dict, which must not change while they are in use.
    #[inline]
    unsafe fn step(&mut self) -> Option<[*mut ffi::PyObject; 2]> {
        let (mut key, mut value) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        // SAFETY: it is a dict, alive, and the interpreter is attached. A position stays valid in a
        // dict that has changed. Both references exist while there is another member.
        unsafe {
            let (dict, place) = (self.dict.as_ptr(), &raw mut self.place);
            let found = ffi::PyDict_Next(dict, place, key.as_mut_ptr(), value.as_mut_ptr()) != 0;
            found.then(|| [key.assume_init(), value.assume_init()])
        }
    }

    /// Writes the members that come next and are plain: a key of ASCII, and a value of ASCII, a
    /// number, a truth value or None. Returns the first other one; `first` says, before and after,
    /// whether it is the first of the dict. Out of line: who writes a dict calls itself.
    #[cfg(not(Py_3_14))]
    #[inline(never)]
    pub fn next_but_plain(&mut self, w: &mut Writer, first: &mut bool) -> Option<Member<'py>> {
        // SAFETY: nothing that could change the dict runs before both references are counted, or no
        // longer used: a writer knows no Python.
        unsafe {
            loop {
                let [key, value] = self.step()?;
                if !write_plain(key, value, w, *first) {
                    return self.owned([key, value]);
                }
                *first = false;
            }
        }
    }

    #[cfg(Py_3_14)]
    pub fn next_but_plain(&mut self, _: &mut Writer, _: &mut bool) -> Option<Member<'py>> {
        self.next()
    }

    /// SAFETY: both must still be alive.
    #[inline]
    unsafe fn owned(&self, member: [*mut ffi::PyObject; 2]) -> Option<Member<'py>> {
        // SAFETY: the caller promises it.
        let [key, value] =
            member.map(|it| unsafe { Bound::from_borrowed_ptr_or_opt(self.dict.py(), it) });
        Some((key?, value?))
    }
}

#[cfg(not(Py_GIL_DISABLED))]
impl<'py> Iterator for Members<'_, 'py> {
    type Item = Member<'py>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        // SAFETY: both references are counted before anything else can run.
        unsafe { self.step().and_then(|member| self.owned(member)) }
    }
}

/// Writes a member if it is plain; returns whether it did.
///
/// SAFETY: both are alive, and the interpreter is attached.
#[cfg(all(not(Py_GIL_DISABLED), not(Py_3_14)))]
#[inline]
unsafe fn write_plain(
    key: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
    w: &mut Writer,
    first: bool,
) -> bool {
    // SAFETY: the caller's. Nothing here runs code or raises: only exact types are looked into.
    unsafe {
        let Some(key) = text_of(key) else { return false };
        if let Some(text) = text_of(value) {
            w.member(first, key, text);
            return true;
        }
        let class = ffi::Py_TYPE(value);
        if class == &raw mut ffi::PyLong_Type {
            let mut overflow = 0;
            let number = ffi::PyLong_AsLongLongAndOverflow(value, &raw mut overflow);
            if overflow != 0 {
                return false;
            }
            w.key(first, key);
            w.int64(number);
        } else if class == &raw mut ffi::PyBool_Type {
            w.key(first, key);
            w.bool(value == ffi::Py_True());
        } else if value == ffi::Py_None() {
            w.key(first, key);
            w.null();
        } else {
            return false;
        }
        true
    }
}

/// Returns the text of a str that is all ASCII.
///
/// SAFETY: `object` is alive as long as the text is used.
#[cfg(all(not(Py_GIL_DISABLED), not(Py_3_14)))]
#[inline]
unsafe fn text_of<'a>(object: *mut ffi::PyObject) -> Option<&'a str> {
    // SAFETY: the caller's; it is an exact str, and ASCII is UTF-8.
    unsafe {
        let is_str = ffi::Py_TYPE(object) == &raw mut ffi::PyUnicode_Type;
        let ascii = if is_str { ascii_of(object)? } else { return None };
        Some(str::from_utf8_unchecked(ascii))
    }
}

/// Returns the members of `dict`. Other threads may change it at any moment: PyO3 locks it.
#[cfg(Py_GIL_DISABLED)]
pub fn members<'py>(dict: &Bound<'py, PyDict>) -> Members<'py> {
    Members(dict.iter())
}

/// The iterator of [`members`].
#[cfg(Py_GIL_DISABLED)]
pub struct Members<'py>(pyo3::types::iter::BoundDictIterator<'py>);

#[cfg(Py_GIL_DISABLED)]
impl<'py> Members<'py> {
    pub fn next_but_plain(&mut self, _: &mut Writer, _: &mut bool) -> Option<Member<'py>> {
        self.0.next()
    }
}

#[cfg(Py_GIL_DISABLED)]
impl<'py> Iterator for Members<'py> {
    type Item = Member<'py>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

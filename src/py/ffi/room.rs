//! Plain members of a dict, written where there is room for them: one check of the room a member,
//! and no other until its last byte is written.

use std::marker::PhantomData;
use std::slice;

use pyo3::ffi;

use super::str::ascii_of;
use crate::value::find::{copy_plain, copy_short};

/// Room for members of dicts.
///
/// A member is plain if its key is a str of ASCII, and its value one, too, or a number, a truth
/// value or None; and if nothing in them needs an escape.
pub struct Room<'r> {
    start: *mut u8,
    /// The next free byte.
    at: *mut u8,
    free: usize,
    owner: PhantomData<&'r mut [u8]>,
}

/// The bytes around a key and a value, and the longest number (a float has 24 characters at most).
const MORE: usize = 48;

impl<'r> Room<'r> {
    /// All of `room`, unused.
    pub fn of(room: &'r mut [u8]) -> Self {
        let start = room.as_mut_ptr();
        Self { start, at: start, free: room.len(), owner: PhantomData }
    }

    /// Returns how many bytes are used.
    pub fn used(self) -> usize {
        self.at.addr() - self.start.addr()
    }

    /// Writes a member if it is plain, and there is room for it; returns whether it did.
    ///
    /// SAFETY: both are alive, and the interpreter is attached. Nothing in here runs code or raises:
    /// only exact types are looked into.
    #[inline]
    pub unsafe fn member<const WIDE: bool>(
        &mut self,
        key: *mut ffi::PyObject,
        value: *mut ffi::PyObject,
        first: bool,
    ) -> bool {
        // SAFETY: the caller's; `begin` makes sure of the room for everything that follows it.
        unsafe {
            let Some(key) = text_of(key) else { return false };
            let class = ffi::Py_TYPE(value);
            let end = if class == &raw mut ffi::PyUnicode_Type {
                let Some(text) = ascii_of(value) else { return false };
                let at = self.begin::<WIDE>(key, text.len(), first);
                at.and_then(|at| put_text::<WIDE>(text, at))
            } else if class == &raw mut ffi::PyLong_Type {
                self.begin::<WIDE>(key, 0, first).and_then(|at| put_int(value, at))
            } else if class == &raw mut ffi::PyFloat_Type {
                let number = ffi::PyFloat_AS_DOUBLE(value);
                self.begin::<WIDE>(key, 0, first).and_then(|at| put_float(number, at))
            } else {
                let Some((word, length)) = word_of(value) else { return false };
                self.begin::<WIDE>(key, 0, first).map(|at| {
                    at.cast::<[u8; 8]>().write_unaligned(word);
                    at.add(length)
                })
            };
            let Some(end) = end else { return false };
            self.free -= end.addr() - self.at.addr();
            self.at = end;
            true
        }
    }

    /// Writes what precedes a value, if there is room for it, for `length` bytes and for [`MORE`].
    /// Returns the place of the value. A quote is there: a str begins with one.
    ///
    /// SAFETY: nothing but the bytes whose room is checked here may be written.
    #[inline]
    unsafe fn begin<const WIDE: bool>(
        &self,
        key: &[u8],
        length: usize,
        first: bool,
    ) -> Option<*mut u8> {
        let wanted = key.len().checked_add(length)?.checked_add(MORE)?;
        if wanted > self.free {
            return None;
        }
        // SAFETY: there is room for the key and for ten bytes more.
        unsafe {
            let name = if first {
                self.at.write(b'"');
                self.at.add(1)
            } else {
                self.at.cast::<[u8; 4]>().write_unaligned(*b", \" ");
                self.at.add(3)
            };
            if !copy_plain::<WIDE>(key, slice::from_raw_parts_mut(name, key.len())) {
                return None;
            }
            let behind = name.add(key.len());
            behind.cast::<[u8; 4]>().write_unaligned(*b"\": \"");
            Some(behind.add(3))
        }
    }
}

/// Writes the rest of a str, whose quote is there; returns the place behind it.
///
/// SAFETY: there is room for it and two quotes at `at`.
#[inline]
unsafe fn put_text<const WIDE: bool>(text: &[u8], at: *mut u8) -> Option<*mut u8> {
    // SAFETY: the caller's.
    unsafe {
        let place = at.add(1);
        if !copy_plain::<WIDE>(text, slice::from_raw_parts_mut(place, text.len())) {
            return None;
        }
        let behind = place.add(text.len());
        behind.write(b'"');
        Some(behind.add(1))
    }
}

/// Writes an int of up to 64 bits; returns the place behind it.
///
/// SAFETY: it is an int, alive, and there is room for 20 bytes at `at`.
#[inline]
unsafe fn put_int(value: *mut ffi::PyObject, at: *mut u8) -> Option<*mut u8> {
    // SAFETY: the caller's.
    unsafe {
        let mut overflow = 0;
        let number = ffi::PyLong_AsLongLongAndOverflow(value, &raw mut overflow);
        if overflow != 0 {
            return None;
        }
        if let Ok(digit @ 0..10) = u8::try_from(number) {
            at.write(b'0' + digit);
            return Some(at.add(1));
        }
        Some(put_number(itoa::Buffer::new().format(number), at))
    }
}

/// Writes a finite float; returns the place behind it.
///
/// SAFETY: there is room for 24 bytes at `at`.
#[inline]
unsafe fn put_float(number: f64, at: *mut u8) -> Option<*mut u8> {
    // SAFETY: the caller's; no float has more characters.
    number.is_finite().then(|| unsafe { put_number(zmij::Buffer::new().format_finite(number), at) })
}

/// SAFETY: there is room for it at `at`.
#[inline]
unsafe fn put_number(digits: &str, at: *mut u8) -> *mut u8 {
    // SAFETY: the caller's.
    unsafe {
        copy_short(digits.as_bytes(), slice::from_raw_parts_mut(at, digits.len()));
        at.add(digits.len())
    }
}

/// Returns the text of a truth value or of None, with spaces behind it, and its length.
#[inline]
fn word_of(value: *mut ffi::PyObject) -> Option<([u8; 8], usize)> {
    // SAFETY: these three objects exist once, and always.
    let [yes, no, none] = unsafe { [ffi::Py_True(), ffi::Py_False(), ffi::Py_None()] };
    match value {
        _ if value == yes => Some((*b"true    ", 4)),
        _ if value == no => Some((*b"false   ", 5)),
        _ if value == none => Some((*b"null    ", 4)),
        _ => None,
    }
}

/// Returns the text of a str that is all ASCII.
///
/// SAFETY: `object` is alive as long as the text is used.
#[inline]
unsafe fn text_of<'a>(object: *mut ffi::PyObject) -> Option<&'a [u8]> {
    // SAFETY: the caller's; it is an exact str.
    unsafe {
        let is_str = ffi::Py_TYPE(object) == &raw mut ffi::PyUnicode_Type;
        if is_str { ascii_of(object) } else { None }
    }
}

//! The characters of a str, in and out.

#[cfg(not(Py_3_14))]
use std::ptr;
#[cfg(not(Py_3_14))]
use std::slice;

#[cfg(not(Py_3_14))]
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// Returns the text of a str, if it is UTF-8; ASCII is read in place.
#[inline]
pub fn utf8<'a>(text: &'a Bound<'_, PyString>) -> Option<&'a str> {
    #[cfg(not(Py_3_14))]
    // SAFETY: it is a str, which lives as long as its text is used; ASCII is UTF-8.
    if let Some(ascii) = unsafe { ascii_of(text.as_ptr()) } {
        return Some(unsafe { str::from_utf8_unchecked(ascii) });
    }
    wide(text)
}

/// Returns the text of a str that is not all ASCII. Out of line: handling the error takes room on
/// the stack, which recursive callers would pay at each level.
#[inline(never)]
fn wide<'a>(text: &'a Bound<'_, PyString>) -> Option<&'a str> {
    text.to_str().ok()
}

/// Returns the characters of a str that is all ASCII, in place.
#[cfg(not(Py_3_14))]
#[inline]
pub unsafe fn ascii_of<'a>(text: *mut ffi::PyObject) -> Option<&'a [u8]> {
    // SAFETY: the caller has a str and keeps it alive. A compact ASCII str holds as many bytes as
    // it has characters, all below 0x80, after its head, and never changes while it lives.
    unsafe {
        (ffi::PyUnicode_IS_COMPACT_ASCII(text) != 0).then(|| {
            let length = ffi::PyUnicode_GET_LENGTH(text).cast_unsigned();
            slice::from_raw_parts(ffi::PyUnicode_1BYTE_DATA(text), length)
        })
    }
}

/// Returns a new str of ASCII; None if `text` is not, or so short that Python shares one for all.
#[inline]
pub fn ascii<'py>(py: Python<'py>, text: &[u8]) -> Option<PyResult<Bound<'py, PyString>>> {
    #[cfg(not(Py_3_14))]
    if text.len() > 1 && text.is_ascii() {
        // SAFETY: the new str has room for as many bytes as it has characters, and nobody sees it
        // before they are written.
        return Some(unsafe {
            let object = ffi::PyUnicode_New(text.len().cast_signed(), 0x7f);
            Bound::from_owned_ptr_or_err(py, object).map(|object| {
                let place = ffi::PyUnicode_1BYTE_DATA(object.as_ptr());
                ptr::copy_nonoverlapping(text.as_ptr(), place, text.len());
                object.cast_into_unchecked()
            })
        });
    }
    #[cfg(Py_3_14)]
    let _ = (py, text);
    None
}

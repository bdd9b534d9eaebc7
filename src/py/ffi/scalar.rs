//! Hashes and comparisons of str, int, float, bool, bytes and None that run no Python code.

use std::sync::atomic::{AtomicIsize, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyInt;

#[cfg(not(Py_3_14))]
use super::str::ascii_of;

/// Returns the hash of a str that has cached it: nothing is called. None for any other argument.
#[inline]
pub fn noted_hash(argument: Borrowed<'_, '_, PyAny>) -> Option<u64> {
    let object = argument.as_ptr();
    // SAFETY: `argument` is alive, and an exact str where it is looked into.
    unsafe {
        let is_str = ffi::Py_TYPE(object) == &raw mut ffi::PyUnicode_Type;
        is_str.then(|| str_note(object)).flatten()
    }
}

/// Returns the hash of such a str, or of a small int.
#[inline]
pub fn near_hash(argument: Borrowed<'_, '_, PyAny>) -> Option<u64> {
    let object = argument.as_ptr();
    noted_hash(argument).or_else(|| {
        // SAFETY: `argument` is alive, and an exact int where it is looked into.
        unsafe {
            let is_int = ffi::Py_TYPE(object) == &raw mut ffi::PyLong_Type;
            is_int.then(|| small_int(object)).flatten()
        }
    })
}

/// Returns a number that stands for an exact int of one digit, and for no other; None for larger
/// ones, and on 32-bit systems, where digits may be shorter.
#[cfg(target_pointer_width = "64")]
#[inline]
unsafe fn small_int(int: *mut ffi::PyObject) -> Option<u64> {
    // SAFETY: the caller has an exact int, which never changes: a head, a word that holds the
    // number of digits and the sign, and the digits.
    unsafe {
        let word = *int.cast::<ffi::PyObject>().add(1).cast::<usize>();
        let digit = *int.cast::<ffi::PyObject>().add(1).cast::<usize>().add(1).cast::<u32>();
        // Up to 3.11 the number of digits, negative if the int is; then eight times that, and the
        // sign in the lowest two bits: 0 positive, 1 zero, 2 negative.
        #[cfg(not(Py_3_12))]
        let (small, sign) = (word.wrapping_add(1) <= 2, word);
        #[cfg(Py_3_12)]
        let (small, sign) = (word < 16, word & 3);
        small.then(|| spread_hash(u64::from(digit) << 32 | (sign as u64 & 3)))
    }
}

#[cfg(not(target_pointer_width = "64"))]
#[inline]
unsafe fn small_int(_: *mut ffi::PyObject) -> Option<u64> {
    None
}

/// Returns the hash of a str, int, float, bool, bytes or None, well spread; None for any other
/// type. No Python code runs.
#[inline]
pub fn leaf_hash(argument: Borrowed<'_, '_, PyAny>) -> Option<u64> {
    let object = argument.as_ptr();
    // SAFETY: `argument` is alive, the interpreter attached.
    unsafe {
        if ffi::Py_TYPE(object) == &raw mut ffi::PyUnicode_Type {
            // Python's hashes of strings are well spread as they are.
            return Some(str_hash(object));
        }
    }
    other_hash(argument)
}

#[inline(never)]
fn other_hash(argument: Borrowed<'_, '_, PyAny>) -> Option<u64> {
    let object = argument.as_ptr();
    // SAFETY: `argument` is alive, the interpreter attached; the hash of these exact types is C
    // code that cannot fail.
    unsafe {
        let class = ffi::Py_TYPE(object);
        if class == &raw mut ffi::PyLong_Type
            && let Some(hash) = small_int(object)
        {
            return Some(hash);
        }
        is_leaf(class).then(|| spread_hash(ffi::PyObject_Hash(object).cast_unsigned() as u64))
    }
}

/// Makes every bit depend on every bit: an int's hash has the int's own.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
pub fn spread_hash(hash: u64) -> u64 {
    let wide = u128::from(hash ^ 0x9e37_79b9_7f4a_7c15) * 0xd1b5_4a32_d192_ed03;
    (wide as u64) ^ (wide >> 64) as u64
}

/// Returns the hash of an exact str.
#[inline]
unsafe fn str_hash(text: *mut ffi::PyObject) -> u64 {
    // SAFETY: the caller has an exact str; its hash is C code that cannot fail.
    unsafe { str_note(text).unwrap_or_else(|| ffi::PyObject_Hash(text).cast_unsigned() as u64) }
}

/// Returns the hash of an exact str if it was asked for before: then it is cached.
#[inline]
unsafe fn str_note(text: *mut ffi::PyObject) -> Option<u64> {
    // SAFETY: the caller has an exact str, which begins with this head. Without a GIL another
    // thread may be about to store the hash, in one piece as it is read here.
    let noted = unsafe {
        AtomicIsize::from_ptr(&raw mut (*text.cast::<ffi::PyASCIIObject>()).hash)
            .load(Ordering::Relaxed)
    };
    (noted != -1).then(|| noted.cast_unsigned() as u64)
}

#[inline]
fn is_leaf(class: *mut ffi::PyTypeObject) -> bool {
    // SAFETY: only the addresses of CPython's own static types are taken.
    let (int, float, bool, bytes) = (
        &raw mut ffi::PyLong_Type,
        &raw mut ffi::PyFloat_Type,
        &raw mut ffi::PyBool_Type,
        &raw mut ffi::PyBytes_Type,
    );
    // SAFETY: None is immortal or kept alive by the interpreter.
    let none = unsafe { ffi::Py_TYPE(ffi::Py_None()) };
    class == int || class == float || class == bool || class == bytes || class == none
}

/// Returns whether two arguments, the first of which is a str, int, float, bool, bytes or None, are
/// of one type and equal. No Python code runs.
pub fn leaves_equal(own: Borrowed<'_, '_, PyAny>, argument: Borrowed<'_, '_, PyAny>) -> bool {
    let (own, other) = (own.as_ptr(), argument.as_ptr());
    // SAFETY: both are alive, the interpreter is attached. The types are equal and simple, so the
    // comparison is C code that runs no Python; an error (none can occur) counts as "different".
    unsafe {
        let class = ffi::Py_TYPE(own);
        if class != ffi::Py_TYPE(other) {
            return false;
        }
        #[cfg(not(Py_3_14))]
        if class == &raw mut ffi::PyUnicode_Type
            && let (Some(own), Some(other)) = (ascii_of(own), ascii_of(other))
        {
            return own == other;
        }
        if class == &raw mut ffi::PyFloat_Type {
            // Bits, because 0.0 and -0.0 are two keys.
            return ffi::PyFloat_AS_DOUBLE(own).to_bits()
                == ffi::PyFloat_AS_DOUBLE(other).to_bits();
        }
        ffi::PyObject_RichCompareBool(own, other, ffi::Py_EQ) == 1
    }
}

/// Returns the value of an int, unless it is too large. Nothing is raised, and no code runs.
#[inline]
pub fn int_value(number: &Bound<'_, PyInt>) -> Option<i64> {
    let mut overflow = 0;
    // SAFETY: the int is alive, the interpreter attached; an int, or an instance of a subclass, is
    // read as it is, so that no error can be set.
    let value = unsafe { ffi::PyLong_AsLongLongAndOverflow(number.as_ptr(), &raw mut overflow) };
    (overflow == 0).then_some(value)
}

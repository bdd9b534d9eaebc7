//! The entries of a dict whose keys are all str, where CPython has them: `PyDict_Next` takes as long
//! to find a short member as it takes to write it.
//!
//! The layout is that of `Include/internal/pycore_dict.h`, which is the same in CPython 3.11 to 3.13:
//! a head, an index of `2 ** log2_index_bytes` bytes, and the entries in insertion order, of which
//! removed ones have no value. Python 3.10 has another one: there `PyDict_Next` is asked.

use pyo3::ffi;

/// The entries of a dict that is not changed meanwhile.
#[cfg(Py_3_11)]
#[derive(Clone, Copy)]
pub struct StrEntries {
    first: *const Entry,
    count: ffi::Py_ssize_t,
}

/// What precedes the index.
#[cfg(Py_3_11)]
#[repr(C)]
struct Head {
    _references: ffi::Py_ssize_t,
    _log2_size: u8,
    log2_index_bytes: u8,
    kind: u8,
    _version: u32,
    _usable: ffi::Py_ssize_t,
    count: ffi::Py_ssize_t,
}

/// An entry of a dict whose keys are all str: no hash, as each str has its own.
#[cfg(Py_3_11)]
#[repr(C)]
struct Entry {
    key: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
}

/// The kind of a table that no other dict shares, and whose keys are all str.
#[cfg(Py_3_11)]
const ALL_STR: u8 = 1;

#[cfg(Py_3_11)]
impl StrEntries {
    /// Returns the entries of `dict`; None if not all keys are str, or if it shares them with others.
    ///
    /// SAFETY: it is a dict, alive, and the interpreter is attached. It must not be changed as long as
    /// the entries are in use.
    #[inline]
    pub unsafe fn of(dict: *mut ffi::PyObject) -> Option<Self> {
        // SAFETY: the caller's; a dict has a table from its beginning to its end.
        unsafe {
            let dict = dict.cast::<ffi::PyDictObject>();
            let head = (*dict).ma_keys.cast::<Head>();
            if (*head).kind != ALL_STR || !(*dict).ma_values.is_null() {
                return None;
            }
            let first = head.add(1).byte_add(1 << (*head).log2_index_bytes).cast();
            Some(Self { first, count: (*head).count })
        }
    }

    /// Returns the key and the value of the entry at `place` or the next one, as `PyDict_Next` does,
    /// which has the same places.
    ///
    /// SAFETY: as for `of`; the place is 0, or what an earlier call has left there.
    #[inline]
    pub unsafe fn next(self, place: &mut ffi::Py_ssize_t) -> Option<[*mut ffi::PyObject; 2]> {
        while *place < self.count {
            // SAFETY: the table has so many entries.
            let Entry { key, value } = unsafe { self.first.offset(*place).read() };
            *place += 1;
            if !value.is_null() {
                return Some([key, value]);
            }
        }
        None
    }
}

/// There are none in Python 3.10.
#[cfg(not(Py_3_11))]
#[derive(Clone, Copy)]
pub enum StrEntries {}

#[cfg(not(Py_3_11))]
impl StrEntries {
    /// SAFETY: none is needed.
    pub unsafe fn of(_: *mut ffi::PyObject) -> Option<Self> {
        None
    }

    /// SAFETY: it is never called.
    pub unsafe fn next(self, _: &mut ffi::Py_ssize_t) -> Option<[*mut ffi::PyObject; 2]> {
        match self {}
    }
}

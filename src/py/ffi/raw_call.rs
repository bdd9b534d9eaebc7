//! The arguments of a call, where CPython put them.

use std::marker::PhantomData;
use std::slice;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// The arguments of one call, where CPython put them.
pub struct RawCall<'a, 'py> {
    arguments: *const *mut ffi::PyObject,
    positional: usize,
    names: *mut ffi::PyObject,
    py: Python<'py>,
    lives: PhantomData<&'a ()>,
}

impl<'a, 'py> RawCall<'a, 'py> {
    /// The arguments of a call by position alone.
    pub fn of_tuple(arguments: &'a Bound<'py, PyTuple>) -> Self {
        let values = arguments.as_slice();
        Self {
            arguments: values.as_ptr().cast(),
            positional: values.len(),
            names: std::ptr::null_mut(),
            py: arguments.py(),
            lives: PhantomData,
        }
    }

    /// Returns the proof that the interpreter is attached.
    pub fn py(&self) -> Python<'py> {
        self.py
    }

    /// How many arguments there are.
    #[inline]
    pub fn width(&self) -> usize {
        self.positional + self.names().map_or(0, |names| names.len())
    }

    /// How many of them are positional.
    #[inline]
    pub fn positional(&self) -> usize {
        self.positional
    }

    /// All arguments, those given by name last.
    pub fn values(&self) -> &'a [Bound<'py, PyAny>] {
        let width = self.width();
        if width == 0 {
            return &[];
        }
        // SAFETY: the array holds this many objects, and the caller keeps it and them alive; a
        // `Bound` is a pointer and nothing else (`repr(transparent)`).
        unsafe { slice::from_raw_parts(self.arguments.cast(), width) }
    }

    /// Returns the names of the keyword arguments.
    #[inline]
    pub fn names(&self) -> Option<Borrowed<'a, 'py, PyTuple>> {
        if self.names.is_null() {
            return None;
        }
        // SAFETY: kwnames of a vectorcall is NULL or a tuple that the caller keeps alive.
        Some(unsafe { borrowed(self.py, self.names).cast_unchecked() })
    }

    /// Returns the argument `at`, counted from 0; keywords follow the positional ones.
    #[inline]
    pub fn argument(&self, at: usize) -> Borrowed<'a, 'py, PyAny> {
        // Most are positional: then the names need not be looked at.
        assert!(at < self.positional || at < self.width());
        // SAFETY: the array holds `width` objects (checked above) that the caller keeps alive.
        unsafe { borrowed(self.py, *self.arguments.add(at)) }
    }
}

/// Returns an object that lives as long as the call, without `PyO3`'s own check for NULL.
#[inline]
unsafe fn borrowed<'a>(py: Python<'_>, object: *mut ffi::PyObject) -> Borrowed<'a, '_, PyAny> {
    // SAFETY: the caller has an object, and it is not NULL.
    unsafe { Borrowed::from_ptr_or_opt(py, object).unwrap_unchecked() }
}

/// Returns the instance that a vectorcall calls, and the arguments.
#[inline]
pub(super) unsafe fn parts<'a, 'py, T>(
    callable: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    nargsf: usize,
    names: *mut ffi::PyObject,
) -> (Borrowed<'a, 'py, T>, RawCall<'a, 'py>) {
    let positional = nargsf & !ffi::PY_VECTORCALL_ARGUMENTS_OFFSET;
    // SAFETY: CPython calls with the interpreter attached, `callable` an instance of the class
    // `T`, in whose slot the caller stands, and the arguments as `RawCall` says.
    unsafe {
        let py = Python::assume_attached();
        let call = RawCall { arguments, positional, names, py, lives: PhantomData };
        (borrowed(py, callable).cast_unchecked(), call)
    }
}

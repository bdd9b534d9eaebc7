//! The members of a dict. PyO3's iterator compares lengths and positions at each step; this one
//! only asks the interpreter.

#[cfg(not(Py_GIL_DISABLED))]
use std::mem::MaybeUninit;

#[cfg(not(Py_GIL_DISABLED))]
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Returns the members of `dict`; if it changes meanwhile, some may come twice or not at all.
#[cfg(not(Py_GIL_DISABLED))]
#[inline]
pub fn members<'a, 'py>(dict: &'a Bound<'py, PyDict>) -> Members<'a, 'py> {
    Members { dict, place: 0 }
}

/// Other threads may change the dict at any moment: PyO3 locks it.
#[cfg(Py_GIL_DISABLED)]
pub fn members<'py>(
    dict: &Bound<'py, PyDict>,
) -> impl Iterator<Item = (Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    dict.iter()
}

/// The iterator of [`members`].
#[cfg(not(Py_GIL_DISABLED))]
pub struct Members<'a, 'py> {
    dict: &'a Bound<'py, PyDict>,
    place: ffi::Py_ssize_t,
}

#[cfg(not(Py_GIL_DISABLED))]
impl<'py> Iterator for Members<'_, 'py> {
    type Item = (Bound<'py, PyAny>, Bound<'py, PyAny>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (py, dict) = (self.dict.py(), self.dict.as_ptr());
        let (mut key, mut value) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        // SAFETY: it is a dict, alive, and the interpreter is attached. A position stays valid in a
        // dict that has changed. Both references exist while there is another member, and are
        // counted before anything else can run.
        unsafe {
            let place = &raw mut self.place;
            if ffi::PyDict_Next(dict, place, key.as_mut_ptr(), value.as_mut_ptr()) == 0 {
                return None;
            }
            let key = Bound::from_borrowed_ptr_or_opt(py, key.assume_init())?;
            Some((key, Bound::from_borrowed_ptr_or_opt(py, value.assume_init())?))
        }
    }
}

//! The names of members: the same ones come again and again, so each is one str.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::wtf8::from_wtf8;
use crate::py::ffi::utf8;

/// One slot for each value of a hash's lowest byte.
const NAMES: usize = 256;
const LONGEST_NAME: usize = 40;

/// Gives each name as a str; the latest name of each slot is remembered.
#[derive(Debug)]
pub struct KeyInterner(Vec<Option<(u64, Py<PyString>)>>);

impl Default for KeyInterner {
    fn default() -> Self {
        Self((0..NAMES).map(|_| None).collect())
    }
}

impl KeyInterner {
    /// The str of a name.
    pub fn get<'py>(&mut self, py: Python<'py>, name: &[u8]) -> PyResult<Bound<'py, PyString>> {
        if name.len() > LONGEST_NAME {
            return from_wtf8(py, name);
        }
        let hash = FixedState::default().hash_one(name);
        let slot = &mut self.0[usize::from(hash.to_le_bytes()[0])];
        if let Some((known, text)) = slot {
            let text = text.bind(py);
            if *known == hash && utf8(text).is_some_and(|text| text.as_bytes() == name) {
                return Ok(text.clone());
            }
        }
        let text = from_wtf8(py, name)?;
        *slot = Some((hash, text.clone().unbind()));
        Ok(text)
    }
}

/// An interner that no decoding uses at this moment.
#[cfg(not(Py_GIL_DISABLED))]
#[derive(Debug, Default)]
pub struct InternerPool(parking_lot::Mutex<Option<Box<KeyInterner>>>);

/// An interner that no decoding uses at this moment: each thread has its own, so that threads which
/// copy different results do not count references to the same names.
#[cfg(Py_GIL_DISABLED)]
#[derive(Debug, Default)]
pub struct InternerPool(crate::collections::stripes::Stripes<Option<Box<KeyInterner>>>);

impl InternerPool {
    /// Lends the interner to `decode`.
    pub fn with<R>(&self, decode: impl FnOnce(&mut KeyInterner) -> R) -> R {
        // Taken out while Python objects are made: no lock is held, and others do without.
        let mut names = self.spare(Option::take).unwrap_or_default();
        let value = decode(&mut names);
        let spare = self.spare(|spare| spare.replace(names));
        drop(spare);
        value
    }

    #[cfg(not(Py_GIL_DISABLED))]
    fn spare<R>(&self, run: impl FnOnce(&mut Option<Box<KeyInterner>>) -> R) -> R {
        run(&mut self.0.lock())
    }

    #[cfg(Py_GIL_DISABLED)]
    fn spare<R>(&self, run: impl FnOnce(&mut Option<Box<KeyInterner>>) -> R) -> R {
        self.0.with(run)
    }
}

//! The names of members: the same ones recur, so each becomes one str.

use pyo3::prelude::*;
use pyo3::types::PyString;

use super::wtf8::from_wtf8;
use crate::py::ffi::utf8;

/// One slot for each value of a hash's lowest byte.
const NAMES: usize = 256;
const LONGEST_NAME: usize = 40;

/// Returns each name as a str; the latest name of each slot is remembered.
#[derive(Debug)]
pub struct KeyInterner(Vec<Option<Py<PyString>>>);

impl Default for KeyInterner {
    fn default() -> Self {
        Self((0..NAMES).map(|_| None).collect())
    }
}

impl KeyInterner {
    /// Returns the str of a name.
    pub fn get<'py>(&mut self, py: Python<'py>, name: &[u8]) -> PyResult<Bound<'py, PyString>> {
        if name.len() > LONGEST_NAME {
            return from_wtf8(py, name);
        }
        let slot = &mut self.0[usize::from(slot_of(name))];
        if let Some(text) = slot {
            let text = text.bind(py);
            if utf8(text).is_some_and(|text| text.as_bytes() == name) {
                return Ok(text.clone());
            }
        }
        let text = from_wtf8(py, name)?;
        *slot = Some(text.clone().unbind());
        Ok(text)
    }
}

/// Returns the slot of a name, by its ends and its length: names that differ only in the middle
/// share one.
#[inline]
fn slot_of(name: &[u8]) -> u8 {
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let (first, last) = match name.len() {
        8.. => (word(name.first_chunk::<8>()), word(name.last_chunk::<8>())),
        4..8 => (half(name.first_chunk::<4>()), half(name.last_chunk::<4>())),
        _ => (byte(name.first()) << 8 | byte(name.get(1)), byte(name.last())),
    };
    let mixed = first ^ last.rotate_left(29) ^ name.len() as u64;
    (mixed.wrapping_mul(SPREAD) >> 56) as u8
}

fn word(bytes: Option<&[u8; 8]>) -> u64 {
    bytes.copied().map_or(0, u64::from_le_bytes)
}

fn half(bytes: Option<&[u8; 4]>) -> u64 {
    bytes.copied().map_or(0, |bytes| u32::from_le_bytes(bytes).into())
}

fn byte(byte: Option<&u8>) -> u64 {
    byte.copied().unwrap_or_default().into()
}

/// An interner that no decoding is using.
#[cfg(not(Py_GIL_DISABLED))]
#[derive(Debug, Default)]
pub struct InternerPool(parking_lot::Mutex<Option<Box<KeyInterner>>>);

/// An interner that no decoding is using: each thread has its own, so that threads that copy
/// different results do not count references to the same names.
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

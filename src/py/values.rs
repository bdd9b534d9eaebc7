//! The cache's values: texts decoded once, and kept beside what they were decoded from.

use std::sync::Arc;

use bytes::Bytes;
use pyo3::prelude::*;

use super::cache::CoreCache;
use super::clock;
use super::decode::{Failure, Names, decode, template};
use super::encode::to_text;
use super::live::Live;
use crate::cache::Entry;

impl CoreCache {
    /// A copy of the value of `key`; None if there is none.
    pub fn value<'py>(&self, py: Python<'py>, key: &Bytes) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(found) = self.cache.get(key) else { return Ok(None) };
        match self.live(py, key, &found)? {
            Some(live) => live.serve(py).map(Some),
            None => Ok(None),
        }
    }

    /// The decoded form of an entry; None if its text is bad (it is dropped, the file kept aside).
    pub fn live(
        &self,
        py: Python<'_>,
        key: &Bytes,
        entry: &Entry<Arc<Live>>,
    ) -> PyResult<Option<Arc<Live>>> {
        if let Some(live) = &entry.live {
            return Ok(Some(Arc::clone(live)));
        }
        let Some(text) = &entry.text else { return Ok(None) };
        match self.template(py, text) {
            Ok(live) => {
                let live = Arc::new(live);
                self.cache.keep_live(key, text, &live);
                Ok(Some(live))
            }
            Err(Failure::Python(error)) => Err(error),
            Err(Failure::Text(error)) => {
                let shown = String::from_utf8_lossy(key);
                let why = format!("the value of {shown:?}: {error}");
                self.cache.discard(key, text, &why, self.is_writable());
                self.tell(py)?;
                Ok(None)
            }
        }
    }

    /// The value of a text.
    pub fn decode<'py>(&self, py: Python<'py>, text: &[u8]) -> Result<Bound<'py, PyAny>, Failure> {
        self.with_names(|names| decode(py, text, names))
    }

    /// What hits on a text are served from.
    pub fn template(&self, py: Python<'_>, text: &Bytes) -> Result<Live, Failure> {
        self.with_names(|names| template(py, text, names)).map(|live| live.of_text(text))
    }

    fn with_names<R>(&self, decode: impl FnOnce(&mut Names) -> R) -> R {
        // Taken out while Python objects are made: no lock is held, and others do without.
        let mut names = self.names.with(Option::take).unwrap_or_default();
        let value = decode(&mut names);
        let spare = self.names.with(|spare| spare.replace(names));
        drop(spare);
        value
    }

    /// Keeps `value` under `key`, as a program's own doing; in the file too if `durable`.
    pub(super) fn put_value(
        &self,
        key: &Bytes,
        value: &Bound<'_, PyAny>,
        durable: bool,
    ) -> PyResult<()> {
        let py = value.py();
        let mut entry = Entry::new(Some(clock::now()));
        entry.transient = !durable;
        match to_text(value, self.charset()) {
            Ok(text) => entry.text = Some(text),
            Err(refusal) => {
                entry.live = Some(Arc::new(Live::same(value.clone())));
                let shown = String::from_utf8_lossy(key);
                let sentence = unstorable(&format!("the value of {shown:?}"), &refusal.describe());
                self.warn(py, "UnstorableWarning", &(sentence + HERE_ONLY))?;
            }
        }
        let _ = self.cache.put(key, entry);
        self.tell(py)
    }
}

/// What a warning adds to [`unstorable`]: the value is not lost.
pub const HERE_ONLY: &str = "; it is kept in this process only";

/// The sentence for a value that the file cannot hold.
pub fn unstorable(of: &str, where_: &str) -> String {
    format!(
        "{of} cannot be stored in the file: {where_}; use JSON types (or tuples, sets, bytes, \
         dates, decimals, ...) instead"
    )
}

/// Names that no decoding uses at this moment.
#[cfg(not(Py_GIL_DISABLED))]
#[derive(Debug, Default)]
pub struct SpareNames(parking_lot::Mutex<Option<Box<Names>>>);

/// Names that no decoding uses at this moment: each thread has its own, so that threads which copy
/// different results do not count references to the same names.
#[cfg(Py_GIL_DISABLED)]
#[derive(Debug, Default)]
pub struct SpareNames(crate::stripes::Stripes<Option<Box<Names>>>);

impl SpareNames {
    #[cfg(not(Py_GIL_DISABLED))]
    fn with<R>(&self, run: impl FnOnce(&mut Option<Box<Names>>) -> R) -> R {
        run(&mut self.0.lock())
    }

    #[cfg(Py_GIL_DISABLED)]
    fn with<R>(&self, run: impl FnOnce(&mut Option<Box<Names>>) -> R) -> R {
        self.0.with(run)
    }
}

//! What tells a function from others of its name: what it closes over as of the call, or its body.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use crate::py::ffi::{call_with, cell_contents};
use crate::py::value::once::intern;

/// The identity of one function, as a short digest.
///
/// Cells are compared by identity, so a call costs no more than a look at each; the digest is made
/// again when one of them holds another object.
#[derive(Debug)]
pub struct Identity {
    /// The cells of the function that count.
    cells: Vec<Py<PyAny>>,
    /// `outlive._identity.Identity`: gives the digest of now, or an empty str.
    digest: Py<PyAny>,
    known: Mutex<Option<Known>>,
    /// How often the digest was made.
    version: AtomicU64,
}

#[derive(Debug)]
struct Known {
    contents: Vec<Option<Py<PyAny>>>,
    text: Arc<str>,
}

impl Identity {
    /// Whether the identity can change while the program runs.
    pub fn can_change(&self) -> bool {
        !self.cells.is_empty()
    }

    /// Whether all cells hold what they held when the digest was made.
    pub fn is_current(&self, py: Python<'_>) -> bool {
        let known = self.known.lock();
        let Some(Known { contents, .. }) = &*known else { return false };
        let mut pairs = self.cells.iter().zip(contents);
        pairs.all(|(cell, own)| match (cell_contents(cell.bind(py)), own) {
            (Some(found), Some(own)) => found.is(own),
            (None, None) => true,
            _ => false,
        })
    }

    /// Grows each time the digest is made: what was found under another one no longer counts.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// The digest as of now.
    pub fn text(&self, py: Python<'_>) -> PyResult<Arc<str>> {
        if self.is_current(py)
            && let Some(known) = &*self.known.lock()
        {
            return Ok(Arc::clone(&known.text));
        }
        let contents = || self.cells.iter().map(|cell| cell_contents(cell.bind(py)));
        let contents = contents().map(|found| found.map(Bound::unbind)).collect();
        let text: String = call_with(self.digest.bind(py), ())?.extract()?;
        let text: Arc<str> = text.into();
        let old = self.known.lock().replace(Known { contents, text: Arc::clone(&text) });
        self.version.fetch_add(1, Ordering::AcqRel);
        drop(old);
        Ok(text)
    }

    /// Visits what it holds, for the garbage collector.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.digest)?;
        self.cells.iter().try_for_each(|cell| visit.call(cell))?;
        let Some(known) = self.known.try_lock() else { return Ok(()) };
        let contents = known.iter().flat_map(|known| known.contents.iter().flatten());
        contents.into_iter().try_for_each(|object| visit.call(object))
    }
}

impl<'py> FromPyObject<'_, 'py> for Identity {
    type Error = PyErr;

    fn extract(digest: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self {
            cells: digest.getattr(intern!(digest.py(), "cells"))?.extract()?,
            digest: digest.to_owned().unbind(),
            known: Mutex::new(None),
            version: AtomicU64::new(0),
        })
    }
}

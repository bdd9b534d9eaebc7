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
    /// `outlive._identity.Identity`: returns the digest as of now, or an empty str.
    digest: Py<PyAny>,
    text: Memo<Arc<str>>,
    number: Memo<u64>,
    /// How often the digest was made.
    version: AtomicU64,
}

/// What is made of the contents of cells, and made again once one of them holds another object.
#[derive(Debug)]
struct Memo<T>(Mutex<Option<Made<T>>>);

/// The contents of the cells, and what was made of them.
#[derive(Debug)]
struct Made<T> {
    contents: Vec<Option<Py<PyAny>>>,
    of_it: T,
}

impl<T> Made<T> {
    /// Returns whether all cells hold what they held then.
    fn is_current(&self, cells: &[Py<PyAny>], py: Python<'_>) -> bool {
        let mut pairs = cells.iter().zip(&self.contents);
        pairs.all(|(cell, own)| match (cell_contents(cell.bind(py)), own) {
            (Some(found), Some(own)) => found.is(own),
            (None, None) => true,
            _ => false,
        })
    }
}

impl<T: Clone> Memo<T> {
    /// Returns whether what was made is still current; None if nothing was made yet.
    fn is_current(&self, cells: &[Py<PyAny>], py: Python<'_>) -> Option<bool> {
        self.0.lock().as_ref().map(|made| made.is_current(cells, py))
    }

    /// Returns what was made, if it is still current.
    fn current(&self, cells: &[Py<PyAny>], py: Python<'_>) -> Option<T> {
        let made = self.0.lock();
        made.as_ref().filter(|made| made.is_current(cells, py)).map(|made| made.of_it.clone())
    }

    /// Keeps what was made; returns what was kept before, to be dropped without a lock.
    #[must_use]
    fn replace(&self, made: Made<T>) -> Option<Made<T>> {
        self.0.lock().replace(made)
    }

    fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        let Some(made) = self.0.try_lock() else { return Ok(()) };
        let mut contents = made.iter().flat_map(|made| made.contents.iter().flatten());
        contents.try_for_each(|object| visit.call(object))
    }
}

impl Identity {
    /// Returns whether the identity can change while the program runs.
    pub fn can_change(&self) -> bool {
        !self.cells.is_empty()
    }

    /// Returns whether all cells hold what they held when the digest, or the number, was made.
    /// Where neither was, nothing depends on the cells yet.
    pub fn is_current(&self, py: Python<'_>) -> bool {
        let made = self.text.is_current(&self.cells, py);
        made.or_else(|| self.number.is_current(&self.cells, py)).unwrap_or(true)
    }

    /// Returns a number that grows each time the digest is made: results found under another one no
    /// longer count.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Returns the digest as of now.
    pub fn text(&self, py: Python<'_>) -> PyResult<Arc<str>> {
        self.made(py, &self.text, |digest| {
            let text: String = call_with(digest, ())?.extract()?;
            Ok(text.into())
        })
    }

    /// Returns a number for the present contents of the cells, the same for equal contents in this
    /// process.
    pub fn number(&self, py: Python<'_>) -> PyResult<u64> {
        self.made(py, &self.number, |digest| {
            digest.call_method0(intern!(digest.py(), "number"))?.extract()
        })
    }

    fn made<T: Clone>(
        &self,
        py: Python<'_>,
        memo: &Memo<T>,
        make: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T>,
    ) -> PyResult<T> {
        if let Some(known) = memo.current(&self.cells, py) {
            return Ok(known);
        }
        let contents = self.contents(py);
        let of_it = make(self.digest.bind(py))?;
        let old = memo.replace(Made { contents, of_it: of_it.clone() });
        self.version.fetch_add(1, Ordering::AcqRel);
        drop(old);
        Ok(of_it)
    }

    fn contents(&self, py: Python<'_>) -> Vec<Option<Py<PyAny>>> {
        let held = self.cells.iter().map(|cell| cell_contents(cell.bind(py)));
        held.map(|found| found.map(Bound::unbind)).collect()
    }

    /// Visits what it holds, for the garbage collector.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.digest)?;
        self.cells.iter().try_for_each(|cell| visit.call(cell))?;
        self.text.traverse(&visit)?;
        self.number.traverse(&visit)
    }
}

impl<'py> FromPyObject<'_, 'py> for Identity {
    type Error = PyErr;

    fn extract(digest: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self {
            cells: digest.getattr(intern!(digest.py(), "cells"))?.extract()?,
            digest: digest.to_owned().unbind(),
            text: Memo(Mutex::new(None)),
            number: Memo(Mutex::new(None)),
            version: AtomicU64::new(0),
        })
    }
}

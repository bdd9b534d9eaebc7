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
    text: Mutex<Option<Made<Arc<str>>>>,
    number: Mutex<Option<Made<u64>>>,
    /// How often the digest was made.
    version: AtomicU64,
}

/// The contents of the cells, and what was made of them.
#[derive(Debug)]
struct Made<T> {
    contents: Vec<Option<Py<PyAny>>>,
    of_it: T,
}

impl<T: Clone> Made<T> {
    /// Returns whether all cells hold what they held then.
    fn is_current(&self, cells: &[Py<PyAny>], py: Python<'_>) -> bool {
        let mut pairs = cells.iter().zip(&self.contents);
        pairs.all(|(cell, own)| match (cell_contents(cell.bind(py)), own) {
            (Some(found), Some(own)) => found.is(own),
            (None, None) => true,
            _ => false,
        })
    }

    /// Returns what was made, if it is still current.
    fn current(&self, cells: &[Py<PyAny>], py: Python<'_>) -> Option<T> {
        self.is_current(cells, py).then(|| self.of_it.clone())
    }
}

impl Identity {
    /// Returns whether the identity can change while the program runs.
    pub fn can_change(&self) -> bool {
        !self.cells.is_empty()
    }

    /// Returns whether all cells hold what they held when the digest was made.
    pub fn is_current(&self, py: Python<'_>) -> bool {
        self.text.lock().as_ref().is_some_and(|made| made.is_current(&self.cells, py))
    }

    /// Returns a number that grows each time the digest is made: results found under another one no
    /// longer count.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Returns the digest as of now.
    pub fn text(&self, py: Python<'_>) -> PyResult<Arc<str>> {
        let known = self.text.lock().as_ref().and_then(|made| made.current(&self.cells, py));
        if let Some(text) = known {
            return Ok(text);
        }
        let contents = self.contents(py);
        let text: String = call_with(self.digest.bind(py), ())?.extract()?;
        let text: Arc<str> = text.into();
        let old = self.text.lock().replace(Made { contents, of_it: Arc::clone(&text) });
        self.version.fetch_add(1, Ordering::AcqRel);
        drop(old);
        Ok(text)
    }

    /// Returns a number for the present contents of the cells, the same for equal contents in this
    /// process.
    pub fn number(&self, py: Python<'_>) -> PyResult<u64> {
        let known = self.number.lock().as_ref().and_then(|made| made.current(&self.cells, py));
        if let Some(number) = known {
            return Ok(number);
        }
        let contents = self.contents(py);
        let number = self.digest.bind(py).call_method0(intern!(py, "number"))?.extract()?;
        let old = self.number.lock().replace(Made { contents, of_it: number });
        drop(old);
        Ok(number)
    }

    fn contents(&self, py: Python<'_>) -> Vec<Option<Py<PyAny>>> {
        let held = self.cells.iter().map(|cell| cell_contents(cell.bind(py)));
        held.map(|found| found.map(Bound::unbind)).collect()
    }

    /// Visits what it holds, for the garbage collector.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.digest)?;
        self.cells.iter().try_for_each(|cell| visit.call(cell))?;
        if let Some(made) = self.text.try_lock() {
            visit_contents(made.as_ref(), &visit)?;
        }
        let Some(made) = self.number.try_lock() else { return Ok(()) };
        visit_contents(made.as_ref(), &visit)
    }
}

fn visit_contents<T>(made: Option<&Made<T>>, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
    let mut contents = made.iter().flat_map(|made| made.contents.iter().flatten());
    contents.try_for_each(|object| visit.call(object))
}

impl<'py> FromPyObject<'_, 'py> for Identity {
    type Error = PyErr;

    fn extract(digest: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self {
            cells: digest.getattr(intern!(digest.py(), "cells"))?.extract()?,
            digest: digest.to_owned().unbind(),
            text: Mutex::new(None),
            number: Mutex::new(None),
            version: AtomicU64::new(0),
        })
    }
}

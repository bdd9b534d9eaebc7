//! Templates for threads that copy one result at the same moment, where no GIL makes them take
//! turns.
//!
//! The interpreter locks a dict or a list while it copies it. Threads that copy one template would
//! wait for each other, all would count references to the same leaves, and a fork could leave the
//! lock taken in the child for ever. So one thread at a time copies a template, and a thread that
//! finds it taken makes another one from the text: as many as threads ever met at this result.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use pyo3::prelude::*;

use super::classes::Classes;
use super::decode::template;
use super::failure::Failure;
use super::key_interner::KeyInterner;
use super::plan::CopyNode;
use crate::sync::{Mutex, rank};

/// The further templates of a result.
#[derive(Debug, Default)]
pub struct TemplatePool {
    /// Whether a thread copies the first template.
    busy: AtomicBool,
    /// The text that further ones are made of.
    text: OnceLock<Bytes>,
    /// Templates that no thread is copying.
    spare: Mutex<Vec<CopyNode>, { rank::LEAF }>,
}

impl TemplatePool {
    /// Records the text that the first template was made of.
    pub fn of_text(&self, text: &Bytes) {
        let _ = self.text.set(text.clone());
    }

    /// Returns a copy of `first`, or of another one like it.
    pub fn copy<'py>(&self, py: Python<'py>, first: &CopyNode) -> PyResult<Bound<'py, PyAny>> {
        if !self.busy.swap(true, Ordering::Acquire) {
            let copy = first.copy(py);
            self.busy.store(false, Ordering::Release);
            return copy;
        }
        let Some(text) = self.text.get() else { return first.copy(py) };
        // Taken out, so that no lock is held while Python objects are made.
        let taken = self.spare.lock().pop();
        let part = match taken {
            Some(part) => part,
            None => another(py, text)?,
        };
        let copy = part.copy(py);
        self.spare.lock().push(part);
        copy
    }
}

/// Makes a template of a text of which one was made before.
#[cold]
fn another(py: Python<'_>, text: &[u8]) -> PyResult<CopyNode> {
    match template(py, text, &mut KeyInterner::default(), Classes::default()) {
        Ok((part, _)) => Ok(part),
        Err(Failure::Python(error) | Failure::Class(error)) => Err(error),
        Err(Failure::Text(error)) => {
            Err(pyo3::exceptions::PyValueError::new_err(error.to_string()))
        }
    }
}

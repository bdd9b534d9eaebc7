//! Templates for threads that copy one result at the same moment, where no GIL makes them take
//! turns.
//!
//! The interpreter locks a dict or a list while it copies it. Threads that copy one template would
//! wait for each other, all would count references to the same leaves, and a fork could leave the
//! lock taken in the child for ever. So one thread at a time copies a template, and a thread that
//! finds it taken makes another one from the text: as many as threads ever met at this result.
//!
//! Even the mark that says so moves from core to core with every copy. So a table of hits whose
//! template is taken asks the slow path, which makes a template for that row alone: from then on
//! the threads have nothing in common.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use pyo3::prelude::*;

use super::classes::Classes;
use super::decode::template;
use super::failure::Failure;
use super::key_interner::KeyInterner;
use super::plan::CopyNode;
use crate::collections::stripes;
use crate::sync::{Mutex, rank};

/// A flag on cache lines of its own, as those of [`stripes`] are.
#[derive(Debug, Default)]
#[repr(align(128))]
struct ApartFlag(AtomicBool);

/// The further templates of a result.
#[derive(Debug, Default)]
pub struct TemplatePool {
    /// Whether a thread copies the first template.
    busy: AtomicBool,
    /// Whether a table of hits has found it taken.
    met: AtomicBool,
    /// What says it in the place of `busy` of a template that one row has for itself.
    apart: Option<Box<ApartFlag>>,
    /// The stripe of threads that asked first, numbered from 1.
    home: AtomicUsize,
    /// The text that further ones are made of.
    text: OnceLock<Bytes>,
    /// Templates that no thread is copying.
    spare: Mutex<Vec<CopyNode>, { rank::LEAF }>,
}

impl TemplatePool {
    /// Makes it the pool of a template that one row has for itself: threads share a row only if
    /// there are very many.
    pub fn keep_apart(&mut self) {
        self.apart = Some(Box::default());
    }

    /// Returns whether a thread copies the first template at this moment, which a row should not
    /// wait for but have one of its own; notes it for [`TemplatePool::is_met`].
    #[inline]
    pub fn is_taken(&self) -> bool {
        let taken = self.busy.load(Ordering::Relaxed);
        if taken {
            self.met.store(true, Ordering::Relaxed);
        }
        taken
    }

    /// Returns whether threads have met at the first template.
    pub fn is_met(&self) -> bool {
        self.met.load(Ordering::Relaxed)
    }

    /// Returns whether this thread is of the stripe that asked first.
    pub fn is_at_home(&self) -> bool {
        let mine = stripes::mine() + 1;
        let home = self.home.compare_exchange(0, mine, Ordering::Relaxed, Ordering::Relaxed);
        home.map_or_else(|home| home == mine, |_| true)
    }

    /// Records the text that the first template was made of.
    pub fn of_text(&self, text: &Bytes) {
        let _ = self.text.set(text.clone());
    }

    /// Returns a copy of `first`, or of another one like it.
    pub fn copy<'py>(&self, py: Python<'py>, first: &CopyNode) -> PyResult<Bound<'py, PyAny>> {
        let busy = self.apart.as_ref().map_or(&self.busy, |apart| &apart.0);
        if !busy.swap(true, Ordering::Acquire) {
            let copy = first.copy(py);
            busy.store(false, Ordering::Release);
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

//! A result ready to be served: one private object and the plan for copying it.

use std::sync::{Arc, OnceLock};

#[cfg(Py_GIL_DISABLED)]
use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::deep_copy::first_copy;
use super::instance_plan::Part;
use super::plan::CopyNode;
#[cfg(Py_GIL_DISABLED)]
use super::template_pool::TemplatePool;

/// A stored result in its decoded form, kept beside its text.
#[derive(Debug)]
pub struct Template {
    part: CopyNode,
    /// Whether the object is a tree of built-in types that no other code can reach.
    private: bool,
    /// The object that `copy=False` hands out to all callers of this process.
    shared: OnceLock<Py<PyAny>>,
    #[cfg(Py_GIL_DISABLED)]
    spares: TemplatePool,
}

/// What a table of hits copies: a decoded result as a Python object, because counting its
/// references is cheaper than what threads without a GIL need.
#[pyclass(frozen)]
#[derive(Debug)]
pub struct TemplateObject(pub Arc<Template>);

impl TemplateObject {
    /// A fresh copy.
    pub fn serve<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.0.serve(py)
    }
}

impl Template {
    /// Takes an object that no other code may hold unless it is immutable.
    pub fn new(part: CopyNode) -> Self {
        Self::with(part, true)
    }

    fn with(part: CopyNode, private: bool) -> Self {
        Self {
            part,
            private,
            shared: OnceLock::new(),
            #[cfg(Py_GIL_DISABLED)]
            spares: TemplatePool::default(),
        }
    }

    /// Returns whether another thread copies it at this moment, so that a row of hits should have a
    /// template of its own.
    #[cfg(Py_GIL_DISABLED)]
    #[inline]
    pub fn is_taken(&self) -> bool {
        self.spares.is_taken()
    }

    /// Returns whether a row of hits has found it taken.
    #[cfg(Py_GIL_DISABLED)]
    pub fn is_met(&self) -> bool {
        self.spares.is_met()
    }

    /// Returns whether rows of this thread may hand out its object: those of the threads that asked
    /// first may.
    #[cfg(Py_GIL_DISABLED)]
    pub fn is_at_home(&self) -> bool {
        self.spares.is_at_home()
    }

    /// Makes it the template of one row of hits.
    #[cfg(Py_GIL_DISABLED)]
    #[must_use]
    pub fn of_row(mut self) -> Self {
        self.spares.keep_apart();
        self
    }

    /// Records the text that the template was made of: threads that want it at once make another.
    #[cfg(Py_GIL_DISABLED)]
    pub fn of_text(self, text: &Bytes) -> Self {
        self.spares.of_text(text);
        self
    }

    /// A result that is always the very same object.
    pub fn same(object: Bound<'_, PyAny>) -> Self {
        Self::with(CopyNode::shared(object), false)
    }

    /// A result that the file cannot hold: a snapshot to copy, or the object itself if copies are
    /// not wanted or cannot be made; then the error says why. A `deep` one is copied where there is
    /// a large stack.
    pub fn unstorable(object: &Bound<'_, PyAny>, copy: bool, deep: bool) -> (Self, Option<PyErr>) {
        if !copy || object.get_type().is(object.py().get_type::<PyAny>()) {
            return (Self::same(object.clone()), None);
        }
        match first_copy(object, deep) {
            Ok(snapshot) if snapshot.is(object) => (Self::same(snapshot), None),
            Ok(snapshot) => (Self::with(CopyNode::deep(snapshot, deep), false), None),
            Err(error) => (Self::same(object.clone()), Some(error)),
        }
    }

    /// Returns whether every call gets the same object.
    pub fn is_shared(&self) -> bool {
        self.part.is_shared()
    }

    /// Returns the object behind it, never to be handed out unless `is_shared`.
    pub fn object(&self) -> &Py<PyAny> {
        self.part.object()
    }

    /// Returns what a call gets: a fresh copy, or the object itself if it cannot change.
    pub fn serve<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        #[cfg(Py_GIL_DISABLED)]
        if self.private && !self.is_shared() {
            return self.spares.copy(py, &self.part);
        }
        self.part.copy(py)
    }

    /// Returns what a `copy=False` call gets: one object for the whole process.
    pub fn serve_shared<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if let Some(shared) = self.shared.get() {
            return Ok(shared.bind(py).clone());
        }
        let copy = self.serve(py)?.unbind();
        Ok(self.shared.get_or_init(|| copy).bind(py).clone())
    }

    /// Makes `object` the one that `copy=False` hands out.
    pub fn share(&self, object: &Bound<'_, PyAny>) {
        let _ = self.shared.set(object.clone().unbind());
    }

    /// Visits what it holds, for the garbage collector, except the private tree: that is hidden
    /// from it and can be part of no cycle, so a collection costs the same however much is cached.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if !self.private {
            visit.call(self.part.object())?;
        }
        self.shared.get().map_or(Ok(()), |shared| visit.call(shared))
    }
}

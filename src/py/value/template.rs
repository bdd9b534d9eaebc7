//! A result ready to be served: one private object and the plan of how to copy it.
//!
//! Immutable parts are shared by all copies; only containers are made anew, by the interpreter's
//! own copy of a dict or list, whose mutable children are then replaced one by one.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PySet, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

#[cfg(Py_GIL_DISABLED)]
use super::template_pool::Spares;
use crate::py::ffi::{copy_dict, copy_list, copy_set, hide, set, set_nth};

/// How to copy one object.
#[derive(Debug)]
pub enum Plan {
    /// It is immutable through and through: hand out the object itself.
    Share,
    /// A list, and its items that need a plan of their own.
    List(Vec<(usize, Part)>),
    /// A tuple that holds something mutable.
    Tuple(Vec<(usize, Part)>),
    /// A dict, and its values that need a plan of their own.
    Dict(Vec<(Py<PyAny>, Part)>),
    /// A set: its members are immutable.
    Set,
}

/// An object with its plan.
#[derive(Debug)]
pub struct Part {
    object: Py<PyAny>,
    plan: Plan,
}

/// A stored result in its decoded form, kept beside its text.
#[derive(Debug)]
pub struct Live {
    part: Part,
    /// Whether the object is a tree of built-in types that nobody else can reach into.
    private: bool,
    /// What `copy=False` hands out, to everybody in this process.
    shared: OnceLock<Py<PyAny>>,
    #[cfg(Py_GIL_DISABLED)]
    spares: Spares,
}

/// What a table of hits copies: a decoded result as an object, as counting the references of one
/// is cheaper than what threads without a GIL need.
#[pyclass(frozen)]
#[derive(Debug)]
pub struct Template(pub Arc<Live>);

impl Template {
    /// A fresh copy.
    pub fn serve<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.0.serve(py)
    }
}

impl Live {
    /// Takes an object which nobody else may hold unless it is immutable.
    pub fn template(part: Part) -> Self {
        Self::new(part, true)
    }

    fn new(part: Part, private: bool) -> Self {
        Self {
            part,
            private,
            shared: OnceLock::new(),
            #[cfg(Py_GIL_DISABLED)]
            spares: Spares::default(),
        }
    }

    /// Says what text the template was made of: threads that want it at once make another.
    #[cfg_attr(not(Py_GIL_DISABLED), expect(unused_variables, reason = "they take turns"))]
    pub fn of_text(self, text: &Bytes) -> Self {
        #[cfg(Py_GIL_DISABLED)]
        self.spares.of_text(text);
        self
    }

    /// The template alone.
    #[cfg(Py_GIL_DISABLED)]
    pub fn into_part(self) -> Part {
        self.part
    }

    /// Whether a value cannot change, through and through.
    pub fn is_immutable(value: &Bound<'_, PyAny>) -> bool {
        if let Ok(tuple) = value.cast_exact::<PyTuple>() {
            return tuple.iter_borrowed().all(|item| Self::is_immutable(&item));
        }
        !(value.is_exact_instance_of::<PyDict>()
            || value.is_exact_instance_of::<PyList>()
            || value.is_exact_instance_of::<PySet>())
    }

    /// A result that is always handed out as the very same object.
    pub fn same(object: Bound<'_, PyAny>) -> Self {
        Self::new(Part { object: object.unbind(), plan: Plan::Share }, false)
    }

    /// Whether every call gets the same object.
    pub fn is_shared(&self) -> bool {
        self.part.plan.is_share()
    }

    /// The object behind it, never to be handed out unless `is_shared`.
    pub fn object(&self) -> &Py<PyAny> {
        &self.part.object
    }

    /// What a call gets: a fresh copy, or the object itself if it cannot change.
    pub fn serve<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        #[cfg(Py_GIL_DISABLED)]
        if !self.is_shared() {
            return self.spares.copy(py, &self.part);
        }
        self.part.copy(py)
    }

    /// What a `copy=False` call gets: one object for the whole process.
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

    /// Visits what it holds, for the garbage collector: not the private tree, which is hidden from
    /// it and can be part of no circle, so that a collection costs the same however much is cached.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if !self.private {
            visit.call(&self.part.object)?;
        }
        self.shared.get().map_or(Ok(()), |shared| visit.call(shared))
    }
}

impl Plan {
    /// The plan of a private object, made by going through it.
    pub fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        plan(object)
    }

    /// Whether there is nothing to copy.
    pub fn is_share(&self) -> bool {
        matches!(self, Self::Share)
    }
}

impl Part {
    /// A private object with its plan.
    pub fn planned(object: Bound<'_, PyAny>, plan: Plan) -> Self {
        if !plan.is_share() {
            hide(&object);
        }
        Self { object: object.unbind(), plan }
    }

    /// A fresh copy, or the object itself if it cannot change.
    pub fn copy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.try_copy(py).ok_or_else(|| PyErr::fetch(py))
    }

    /// The same; None with an error set, which only a lack of memory can be.
    fn try_copy<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let object = self.object.bind(py);
        match &self.plan {
            Plan::Share => Some(object.clone()),
            Plan::Dict(parts) => {
                let copy = copy_dict(object)?;
                for (key, part) in parts {
                    set(&copy, key, &part.try_copy(py)?)?;
                }
                Some(copy)
            }
            Plan::List(parts) => {
                let copy = copy_list(object)?;
                for (n, part) in parts {
                    set_nth(&copy, *n, part.try_copy(py)?)?;
                }
                Some(copy)
            }
            Plan::Tuple(parts) => copy_tuple(object.cast().ok()?, parts),
            Plan::Set => copy_set(object),
        }
    }
}

fn copy_tuple<'py>(
    tuple: &Bound<'py, PyTuple>,
    parts: &[(usize, Part)],
) -> Option<Bound<'py, PyAny>> {
    let mut items: Vec<Bound<'py, PyAny>> = tuple.iter().collect();
    for (n, part) in parts {
        items[*n] = part.try_copy(tuple.py())?;
    }
    match PyTuple::new(tuple.py(), items) {
        Ok(copy) => Some(copy.into_any()),
        Err(error) => {
            error.restore(tuple.py());
            None
        }
    }
}

fn plan(object: &Bound<'_, PyAny>) -> PyResult<Plan> {
    if let Ok(dict) = object.cast_exact::<PyDict>() {
        return Ok(Plan::Dict(mutable(dict.iter().map(|(key, value)| (key.unbind(), value)))?));
    }
    if let Ok(list) = object.cast_exact::<PyList>() {
        return Ok(Plan::List(mutable(list.iter().enumerate())?));
    }
    if let Ok(tuple) = object.cast_exact::<PyTuple>() {
        let parts = mutable(tuple.iter().enumerate())?;
        return Ok(if parts.is_empty() { Plan::Share } else { Plan::Tuple(parts) });
    }
    if object.cast_exact::<PySet>().is_ok() {
        return Ok(Plan::Set);
    }
    Ok(Plan::Share)
}

/// The members that cannot be shared, each with where it stands.
fn mutable<'py, At>(
    members: impl Iterator<Item = (At, Bound<'py, PyAny>)>,
) -> PyResult<Vec<(At, Part)>> {
    let mut parts = Vec::new();
    for (at, member) in members {
        let plan = plan(&member)?;
        if !plan.is_share() {
            parts.push((at, Part::planned(member, plan)));
        }
    }
    parts.shrink_to_fit();
    Ok(parts)
}

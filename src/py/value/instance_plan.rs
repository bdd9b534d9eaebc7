//! The plan for copying an instance of a class: it is made without running code of its class, and
//! given copies of what it holds.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::py::ffi::check_stack;

use super::immutable::is_immutable_instance;
use super::shape::{Kind, Shape};

/// An object with its plan.
pub trait Part: Sized {
    /// Looks through a private object that is nested in `depth` others.
    fn of(object: Bound<'_, PyAny>, depth: usize) -> PyResult<Self>;

    /// Returns whether the object itself is handed out.
    fn is_shared(&self) -> bool;

    /// Returns a fresh copy, or the object itself if it cannot change; None with an error set.
    fn try_copy<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>>;
}

/// How to copy one instance.
#[derive(Debug)]
pub struct InstancePlan<P> {
    shape: Py<Shape>,
    /// Its `__dict__`, if it has one.
    dict: Option<P>,
    /// The slots that are set.
    slots: Vec<(usize, P)>,
    /// Members that need a plan of their own, by key or position.
    members: Vec<(Py<PyAny>, P)>,
    /// Items of a named tuple.
    items: Vec<(usize, P)>,
}

impl<P: Part> InstancePlan<P> {
    /// Returns the plan of a private instance that is nested in `depth` others; None if it can be
    /// shared.
    pub fn of<'py>(
        object: &Bound<'py, PyAny>,
        shape: &Bound<'py, Shape>,
        depth: usize,
    ) -> PyResult<Option<Self>> {
        let known = shape.get();
        if is_immutable_instance(object, known)? {
            return Ok(None);
        }
        let mut plan = Self {
            shape: shape.clone().unbind(),
            dict: None,
            slots: Vec::new(),
            members: Vec::new(),
            items: Vec::new(),
        };
        match known.kind {
            Kind::Shared | Kind::Whole => {}
            Kind::Object | Kind::Struct => plan.state(object, known, depth)?,
            Kind::Tuple => {
                plan.items = mutable(object.cast::<PyTuple>()?.iter().enumerate(), depth)?;
            }
            Kind::Container => plan.members = members(object, depth)?,
        }
        Ok(Some(plan))
    }

    fn state(&mut self, object: &Bound<'_, PyAny>, shape: &Shape, depth: usize) -> PyResult<()> {
        check_stack()?;
        if let Some(dict) = shape.dict(object)? {
            self.dict = Some(P::of(dict, depth + 1)?);
        }
        for n in 0..shape.slot_count() {
            if let Some(value) = shape.slot(object, n)? {
                self.slots.push((n, P::of(value, depth + 1)?));
            }
        }
        Ok(())
    }

    /// A fresh copy of the instance; None with an error set.
    pub fn copy<'py>(&self, object: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
        let (py, shape) = (object.py(), self.shape.get());
        match shape.kind {
            Kind::Shared => Some(object.clone()),
            Kind::Whole => shape.copied(object),
            Kind::Object | Kind::Struct => self.copy_state(py, shape),
            Kind::Tuple => self.copy_tuple(object, shape),
            Kind::Container => {
                let copy = shape.copied(object)?;
                for (key, part) in &self.members {
                    let set = copy.set_item(key, part.try_copy(py)?);
                    set.map_err(|error| error.restore(py)).ok()?;
                }
                Some(copy)
            }
        }
    }

    fn copy_state<'py>(&self, py: Python<'py>, shape: &Shape) -> Option<Bound<'py, PyAny>> {
        let copy = shape.blank(py)?;
        if let Some(dict) = &self.dict {
            shape.set_dict(&copy, &dict.try_copy(py)?)?;
        }
        for (n, part) in &self.slots {
            shape.set_slot(&copy, *n, &part.try_copy(py)?)?;
        }
        Some(copy)
    }

    fn copy_tuple<'py>(
        &self,
        object: &Bound<'py, PyAny>,
        shape: &Shape,
    ) -> Option<Bound<'py, PyAny>> {
        let py = object.py();
        let mut items: Vec<Bound<'py, PyAny>> = object.cast::<PyTuple>().ok()?.iter().collect();
        for (n, part) in &self.items {
            items[*n] = part.try_copy(py)?;
        }
        let items = PyTuple::new(py, items).map_err(|error| error.restore(py)).ok()?;
        shape.tuple(&items)
    }
}

/// Returns the members of a subclass of dict, or of a deque, that cannot be shared.
fn members<P: Part>(object: &Bound<'_, PyAny>, depth: usize) -> PyResult<Vec<(Py<PyAny>, P)>> {
    if let Ok(dict) = object.cast::<PyDict>() {
        return mutable(dict.iter().map(|(key, value)| (key.unbind(), value)), depth);
    }
    let py = object.py();
    let mut all = Vec::new();
    for (n, item) in object.try_iter()?.enumerate() {
        all.push((n.into_pyobject(py)?.into_any().unbind(), item?));
    }
    mutable(all.into_iter(), depth)
}

/// Returns the members that cannot be shared, each with its position, of an object that is nested
/// in `depth` others.
pub fn mutable<'py, At, P: Part>(
    members: impl Iterator<Item = (At, Bound<'py, PyAny>)>,
    depth: usize,
) -> PyResult<Vec<(At, P)>> {
    check_stack()?;
    let mut parts = Vec::new();
    for (at, member) in members {
        let part = P::of(member, depth + 1)?;
        if !part.is_shared() {
            parts.push((at, part));
        }
    }
    parts.shrink_to_fit();
    Ok(parts)
}

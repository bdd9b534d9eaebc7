//! How a result is copied.
//!
//! Immutable parts are shared by all copies; only containers are made anew, by the interpreter's
//! own copy of a dict or list, whose mutable children are then replaced one by one.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PySet, PyTuple};

use crate::py::ffi::{call_with, copy_dict, copy_list, copy_set, hide, set, set_nth};
use crate::py::value::once::get_or_make;

/// How to copy one object.
#[derive(Debug)]
pub enum CopyPlan {
    /// It is immutable through and through: hand out the object itself.
    Share,
    /// A list, and its items that need a plan of their own.
    List(Vec<(usize, CopyNode)>),
    /// A tuple that holds something mutable.
    Tuple(Vec<(usize, CopyNode)>),
    /// A dict, and its values that need a plan of their own.
    Dict(Vec<(Py<PyAny>, CopyNode)>),
    /// A set: its members are immutable.
    Set,
    /// Something that the file cannot hold: as `copy.deepcopy` does it.
    Deep,
}

/// An object with its plan.
#[derive(Debug)]
pub struct CopyNode {
    object: Py<PyAny>,
    plan: CopyPlan,
}

impl CopyPlan {
    /// The plan of a private object, made by going through it.
    pub fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(dict) = object.cast_exact::<PyDict>() {
            return Ok(Self::Dict(mutable(dict.iter().map(|(key, value)| (key.unbind(), value)))?));
        }
        if let Ok(list) = object.cast_exact::<PyList>() {
            return Ok(Self::List(mutable(list.iter().enumerate())?));
        }
        if let Ok(tuple) = object.cast_exact::<PyTuple>() {
            let parts = mutable(tuple.iter().enumerate())?;
            return Ok(if parts.is_empty() { Self::Share } else { Self::Tuple(parts) });
        }
        if object.cast_exact::<PySet>().is_ok() {
            return Ok(Self::Set);
        }
        Ok(Self::Share)
    }

    /// Whether there is nothing to copy.
    pub fn is_share(&self) -> bool {
        matches!(self, Self::Share)
    }
}

impl CopyNode {
    /// An object that is handed out itself.
    pub fn shared(object: Bound<'_, PyAny>) -> Self {
        Self { object: object.unbind(), plan: CopyPlan::Share }
    }

    /// A snapshot of something that the file cannot hold.
    pub fn deep(object: Bound<'_, PyAny>) -> Self {
        Self { object: object.unbind(), plan: CopyPlan::Deep }
    }

    /// The object, never to be handed out unless it is shared.
    pub fn object(&self) -> &Py<PyAny> {
        &self.object
    }

    /// Whether the object itself is handed out.
    pub fn is_shared(&self) -> bool {
        self.plan.is_share()
    }

    /// A private object with its plan.
    pub fn planned(object: Bound<'_, PyAny>, plan: CopyPlan) -> Self {
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
            CopyPlan::Share => Some(object.clone()),
            CopyPlan::Dict(parts) => {
                let copy = copy_dict(object)?;
                for (key, part) in parts {
                    set(&copy, key, &part.try_copy(py)?)?;
                }
                Some(copy)
            }
            CopyPlan::List(parts) => {
                let copy = copy_list(object)?;
                for (n, part) in parts {
                    set_nth(&copy, *n, part.try_copy(py)?)?;
                }
                Some(copy)
            }
            CopyPlan::Tuple(parts) => copy_tuple(object.cast().ok()?, parts),
            CopyPlan::Set => copy_set(object),
            // What could be copied once and cannot now is better shared than lost.
            CopyPlan::Deep => Some(deep_copy(object).unwrap_or_else(|_| object.clone())),
        }
    }
}

/// A copy as `copy.deepcopy` makes it, with code of the value's own classes.
pub fn deep_copy<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    static COPY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = object.py();
    let copy = get_or_make(&COPY, py, || Ok(py.import("copy")?.getattr("deepcopy")?.unbind()))?;
    call_with(copy.bind(py), (object,))
}

fn copy_tuple<'py>(
    tuple: &Bound<'py, PyTuple>,
    parts: &[(usize, CopyNode)],
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

/// The members that cannot be shared, each with where it stands.
fn mutable<'py, At>(
    members: impl Iterator<Item = (At, Bound<'py, PyAny>)>,
) -> PyResult<Vec<(At, CopyNode)>> {
    let mut parts = Vec::new();
    for (at, member) in members {
        let plan = CopyPlan::of(&member)?;
        if !plan.is_share() {
            parts.push((at, CopyNode::planned(member, plan)));
        }
    }
    parts.shrink_to_fit();
    Ok(parts)
}

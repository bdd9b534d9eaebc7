//! The plan for copying a result.
//!
//! Immutable parts are shared by all copies. Only containers are made anew, by the interpreter's
//! own copy of a dict or list; then their mutable children are replaced one by one.

use std::cell::RefCell;

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFrozenSet, PyList, PySet, PyTuple};

use super::deep_copy::{check_room_for_copy, deep_copy};
use super::immutable::is_leaf;
use super::instance_plan::{InstancePlan, Part, mutable};
use super::shape::Shape;
use crate::py::ffi::{
    call_with, check_stack, copy_dict, copy_list, copy_set, hide, set, set_hashed, set_nth,
};

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
    /// The same of a dict with keys that may run code of the user's when they are hashed.
    Hashed(Vec<(Py<PyAny>, CopyNode)>),
    /// A set: its members are immutable.
    Set,
    /// A set or frozenset with members that are copied.
    Members(Vec<CopyNode>),
    /// A dict with keys that are copied.
    Pairs(Vec<(CopyNode, CopyNode)>),
    /// The result of the function's own `load=`, made anew from a payload.
    Remade(Box<Remade>),
    /// An instance of a class.
    Instance(Box<InstancePlan<CopyNode>>),
    /// An unknown object, copied by `copy.deepcopy`.
    Deep,
    /// The same, nested so deeply that a copy needs a large stack where Python's own calls take one.
    Deepest,
    /// Nested so deeply that the stack must be checked first.
    Checked(Checked),
}

/// A plan behind a check of the stack. Few levels have one, and shallow results none, so that
/// copying these costs nothing more.
#[derive(Debug)]
pub struct Checked(Option<Box<CopyPlan>>);

/// A payload, and the callable that makes a result of a copy of it.
#[derive(Debug)]
pub struct Remade {
    /// The payload.
    pub payload: CopyNode,
    /// The function's own `load=`.
    pub load: Py<PyAny>,
}

/// One of this many levels checks the stack.
const LEVELS: usize = 32;

/// An object with its plan.
#[derive(Debug)]
pub struct CopyNode {
    object: Py<PyAny>,
    plan: CopyPlan,
}

impl CopyPlan {
    /// Returns the plan of a private object that is nested in `depth` others, made by walking it.
    pub fn of(object: &Bound<'_, PyAny>, depth: usize) -> PyResult<Self> {
        if is_leaf(object) {
            return Ok(Self::Share);
        }
        let plan = if let Ok(dict) = object.cast_exact::<PyDict>() {
            Self::of_dict(dict, depth)?
        } else if let Ok(list) = object.cast_exact::<PyList>() {
            Self::List(mutable(list.iter().enumerate(), depth)?)
        } else if let Ok(tuple) = object.cast_exact::<PyTuple>() {
            let parts = mutable(tuple.iter().enumerate(), depth)?;
            if parts.is_empty() { Self::Share } else { Self::Tuple(parts) }
        } else if let Ok(set) = object.cast_exact::<PySet>() {
            Self::of_members(nodes(set.iter(), depth)?, Self::Set)
        } else if let Ok(set) = object.cast_exact::<PyFrozenSet>() {
            Self::of_members(nodes(set.iter(), depth)?, Self::Share)
        } else if let Some(shape) = Shape::of(object)? {
            let plan = InstancePlan::of(object, &shape, depth)?;
            plan.map_or(Self::Share, |plan| Self::Instance(Box::new(plan)))
        } else {
            Self::Deep
        };
        Ok(plan.at(depth))
    }

    /// Returns the plan of a set: `whole` if no member is copied.
    fn of_members(parts: Vec<CopyNode>, whole: Self) -> Self {
        if parts.iter().all(CopyNode::is_shared) { whole } else { Self::Members(parts) }
    }

    fn of_dict(dict: &Bound<'_, PyDict>, depth: usize) -> PyResult<Self> {
        let keys = nodes(dict.keys().iter().filter(|key| !is_leaf(key)), depth)?;
        if keys.iter().all(CopyNode::is_shared) {
            let members = dict.iter().map(|(key, value)| (key.unbind(), value));
            let parts = mutable(members, depth)?;
            return Ok(if keys.is_empty() { Self::Dict(parts) } else { Self::Hashed(parts) });
        }
        let keys = nodes(dict.keys().iter(), depth)?;
        Ok(Self::Pairs(keys.into_iter().zip(nodes(dict.values().iter(), depth)?).collect()))
    }

    /// Returns the plan for an object that is nested in `depth` others.
    #[inline]
    pub fn at(self, depth: usize) -> Self {
        if depth % LEVELS == LEVELS - 1 && !self.is_share() {
            return Self::Checked(Checked(Some(Box::new(self))));
        }
        self
    }

    /// Returns whether it is the plan of a built-in container: other objects may lack the garbage
    /// collector's header, so they cannot be hidden from it.
    fn is_of_container(&self) -> bool {
        match self {
            Self::Share | Self::Deep | Self::Deepest | Self::Instance(_) | Self::Remade(_) => false,
            Self::Checked(Checked(plan)) => {
                plan.as_ref().is_some_and(|plan| plan.is_of_container())
            }
            _ => true,
        }
    }

    /// Returns whether there is nothing to copy.
    pub fn is_share(&self) -> bool {
        matches!(self, Self::Share)
    }
}

impl CopyNode {
    /// Makes the node of an object that is handed out itself.
    pub fn shared(object: Bound<'_, PyAny>) -> Self {
        Self { object: object.unbind(), plan: CopyPlan::Share }
    }

    /// Makes the node of a snapshot of something that the file cannot hold, `too_deep` or not.
    pub fn deep(object: Bound<'_, PyAny>, too_deep: bool) -> Self {
        let takes_stack = too_deep && cfg!(not(Py_3_11)); // as calls of Python do before 3.11
        let plan = if takes_stack { CopyPlan::Deepest } else { CopyPlan::Deep };
        Self { object: object.unbind(), plan }
    }

    /// Returns the object, never to be handed out unless it is shared.
    pub fn object(&self) -> &Py<PyAny> {
        &self.object
    }

    /// Makes the node of a private object with its plan.
    pub fn planned(object: Bound<'_, PyAny>, plan: CopyPlan) -> Self {
        if plan.is_of_container() {
            hide(&object);
        }
        Self { object: object.unbind(), plan }
    }

    /// A fresh copy, or the object itself if it cannot change.
    pub fn copy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.try_copy(py).ok_or_else(|| PyErr::fetch(py))
    }
}

impl Part for CopyNode {
    fn of(object: Bound<'_, PyAny>, depth: usize) -> PyResult<Self> {
        let plan = CopyPlan::of(&object, depth)?;
        Ok(Self::planned(object, plan))
    }

    fn is_shared(&self) -> bool {
        self.plan.is_share()
    }

    /// Returns a copy; the error is a lack of memory or of stack, or what a copier raised.
    fn try_copy<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.plan.try_copy(self.object.bind(py))
    }
}

impl CopyPlan {
    /// Returns a copy of `object`, whose plan this is; None with an error set.
    fn try_copy<'py>(&self, object: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
        let py = object.py();
        match self {
            Self::Share => Some(object.clone()),
            Self::Dict(parts) => {
                let copy = copy_dict(object)?;
                for (key, part) in parts {
                    set(&copy, key, &part.try_copy(py)?)?;
                }
                Some(copy)
            }
            Self::Hashed(parts) => copy_hashed(object, parts),
            Self::List(parts) => {
                let copy = copy_list(object)?;
                for (n, part) in parts {
                    set_nth(&copy, *n, part.try_copy(py)?)?;
                }
                Some(copy)
            }
            Self::Tuple(parts) => copy_tuple(object.cast().ok()?, parts),
            Self::Set => copy_set(object),
            Self::Members(parts) => copy_members(object, parts),
            Self::Pairs(pairs) => {
                let copy = PyDict::new(py).into_any();
                for (key, value) in pairs {
                    set_hashed(&copy, &key.try_copy(py)?, &value.try_copy(py)?)?;
                }
                Some(copy)
            }
            Self::Instance(plan) => plan.copy(object),
            Self::Remade(remade) => match remade.make(py) {
                // A hit raises nothing on account of the cache.
                Err(error) if error.is_instance_of::<PyException>(py) => {
                    Some(deep_copy(object).unwrap_or_else(|_| object.clone()))
                }
                made => made.map_err(|error| error.restore(py)).ok(),
            },
            // An object that could be copied once and cannot be now is better shared than lost.
            Self::Deep => Some(deep_copy(object).unwrap_or_else(|_| object.clone())),
            Self::Deepest => {
                check_room_for_copy(true).map_err(|error| error.restore(py)).ok()?;
                Self::Deep.try_copy(object)
            }
            Self::Checked(checked) => checked.try_copy(object),
        }
    }
}

impl Remade {
    /// Returns a result made of a copy of the payload.
    pub fn make<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        call_with(self.load.bind(py), (self.payload.copy(py)?,))
    }
}

impl Checked {
    #[inline(never)]
    fn try_copy<'py>(&self, object: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
        if let Err(error) = check_stack() {
            error.restore(object.py());
            return None;
        }
        self.0.as_ref()?.try_copy(object)
    }
}

thread_local! {
    /// The plans that this thread still has to drop, while it drops one.
    static DROPPED: RefCell<Option<Vec<CopyPlan>>> = const { RefCell::new(None) };
}

/// Deep plans are dropped one piece after the other, so that no deep stack is needed.
impl Drop for Checked {
    fn drop(&mut self) {
        let Some(plan) = self.0.take() else { return };
        // At the end of the thread, the plan is dropped with what surrounds it.
        let Ok(Some(plan)) = DROPPED.try_with(|dropped| put_off(dropped, *plan)) else { return };
        drop(plan);
        while let Ok(Some(plan)) = DROPPED.try_with(|dropped| next(&mut dropped.borrow_mut())) {
            drop(plan);
        }
    }
}

/// Leaves `plan` to the drop under way; returns it if there is none.
fn put_off(dropped: &RefCell<Option<Vec<CopyPlan>>>, plan: CopyPlan) -> Option<CopyPlan> {
    match &mut *dropped.borrow_mut() {
        Some(others) => {
            others.push(plan);
            None
        }
        none => {
            *none = Some(Vec::new());
            Some(plan)
        }
    }
}

/// Returns the next plan to drop; after the last one no drop is under way.
fn next(dropped: &mut Option<Vec<CopyPlan>>) -> Option<CopyPlan> {
    let plan = dropped.as_mut()?.pop();
    if plan.is_none() {
        *dropped = None;
    }
    plan
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

fn copy_hashed<'py>(
    dict: &Bound<'py, PyAny>,
    parts: &[(Py<PyAny>, CopyNode)],
) -> Option<Bound<'py, PyAny>> {
    let (py, copy) = (dict.py(), copy_dict(dict)?);
    for (key, part) in parts {
        set_hashed(&copy, key.bind(py), &part.try_copy(py)?)?;
    }
    Some(copy)
}

/// Returns a set of copies, of the same kind as `set`.
fn copy_members<'py>(set: &Bound<'py, PyAny>, parts: &[CopyNode]) -> Option<Bound<'py, PyAny>> {
    let py = set.py();
    let items: Option<Vec<_>> = parts.iter().map(|part| part.try_copy(py)).collect();
    let items = items?;
    let copy = if set.is_exact_instance_of::<PySet>() {
        PySet::new(py, items).map(Bound::into_any)
    } else {
        PyFrozenSet::new(py, items).map(Bound::into_any)
    };
    copy.map_err(|error| error.restore(py)).ok()
}

/// Returns all objects with their plans.
fn nodes<'py>(
    objects: impl Iterator<Item = Bound<'py, PyAny>>,
    depth: usize,
) -> PyResult<Vec<CopyNode>> {
    check_stack()?;
    objects.map(|object| CopyNode::of(object, depth + 1)).collect()
}

//! Copies by `copy.deepcopy`, of what nothing else is known of.

use std::collections::HashSet;

use pyo3::exceptions::PyRecursionError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyCFunction, PyFunction, PyModule, PyTuple, PyType};

use super::once::get_or_make;
use crate::py::ffi::{call_with, check_stack, recursion_limit, stack_left};

/// `copy.deepcopy` of something deep goes on until it reaches Python's limit of recursion.
const ROOM_FOR_DEEP_COPY: usize = 512 << 10;
/// The stack that one of the levels which Python counts may take.
const LEVEL: usize = 512;
/// How many of these levels `copy.deepcopy` needs for an object in an object.
const LEVELS_OF_EACH: usize = 4;

/// Raises `RecursionError` if too little stack is left to copy what may be `deep`.
pub fn check_room_for_copy(deep: bool) -> PyResult<()> {
    if deep && stack_left() < ROOM_FOR_DEEP_COPY { Err(too_little()) } else { check_stack() }
}

fn too_little() -> PyErr {
    PyRecursionError::new_err("too little stack is left to copy it")
}

/// Returns a first copy of `object`, which may be `deep`.
pub fn first_copy<'py>(object: &Bound<'py, PyAny>, deep: bool) -> PyResult<Bound<'py, PyAny>> {
    check_room_for_copy(deep)?;
    // A program may have raised the limit so far that the stack ends first.
    let room = stack_left();
    let ends_first =
        recursion_limit(object.py()).is_some_and(|limit| limit.saturating_mul(LEVEL) > room);
    if ends_first && (deep || may_be_deeper(object, room / LEVEL / LEVELS_OF_EACH)?) {
        return Err(too_little());
    }
    deep_copy(object)
}

/// Returns a copy made by `copy.deepcopy`, with code of the value's own classes.
pub fn deep_copy<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    static COPY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = object.py();
    let copy = get_or_make(&COPY, py, || Ok(py.import("copy")?.getattr("deepcopy")?.unbind()))?;
    call_with(copy.bind(py), (object,))
}

/// Returns whether `object` leads to more than `most` objects, which may be nested in each other.
fn may_be_deeper(object: &Bound<'_, PyAny>, most: usize) -> PyResult<bool> {
    let py = object.py();
    let gc = py.import("gc")?;
    let (referents, is_tracked) = (gc.getattr("get_referents")?, gc.getattr("is_tracked")?);
    // Those found are kept alive, so that no other object gets the address of one.
    let (mut seen, mut found) = (HashSet::from([object.as_ptr()]), vec![object.clone()]);
    let mut layer = 0..1;
    while !layer.is_empty() && found.len() <= most {
        let arguments = PyTuple::new(py, &found[layer.clone()])?;
        for inner in call_with(&referents, arguments)?.try_iter()? {
            let inner = inner?;
            if !is_copied_whole(&inner)
                && call_with(&is_tracked, (&inner,))?.is_truthy()?
                && seen.insert(inner.as_ptr())
            {
                found.push(inner);
            }
        }
        layer = layer.end..found.len();
    }
    Ok(found.len() > most)
}

/// Returns whether `copy.deepcopy` looks at nothing inside of `object`.
fn is_copied_whole(object: &Bound<'_, PyAny>) -> bool {
    object.is_instance_of::<PyType>()
        || object.is_instance_of::<PyModule>()
        || object.is_instance_of::<PyFunction>()
        || object.is_instance_of::<PyCFunction>()
}

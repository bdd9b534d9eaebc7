//! Whether a value cannot change, so that all callers may share one object.

use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyBytes, PyComplex, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString,
    PyTuple,
};

use super::shape::{Kind, Shape};
use crate::py::ffi::stack_left;

/// Returns whether a value is immutable through and through.
pub fn is_immutable(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    if let Ok(tuple) = value.cast_exact::<PyTuple>() {
        return all_immutable(tuple.iter());
    }
    if value.is_exact_instance_of::<PyDict>()
        || value.is_exact_instance_of::<PyList>()
        || value.is_exact_instance_of::<PySet>()
    {
        return Ok(false);
    }
    if is_leaf(value) {
        return Ok(true);
    }
    if let Ok(set) = value.cast_exact::<PyFrozenSet>() {
        return all_immutable(set.iter());
    }
    Shape::of(value)?.map_or(Ok(false), |shape| is_immutable_instance(value, shape.get()))
}

/// Returns whether an instance is immutable through and through; false if there is no stack left to
/// look.
pub fn is_immutable_instance(object: &Bound<'_, PyAny>, shape: &Shape) -> PyResult<bool> {
    if stack_left() == 0 {
        return Ok(false);
    }
    match shape.kind {
        Kind::Shared => Ok(true),
        Kind::Tuple if shape.frozen => all_immutable(object.cast::<PyTuple>()?.iter()),
        Kind::Container | Kind::Whole | Kind::Tuple => Ok(false),
        Kind::Object | Kind::Struct if !shape.frozen => Ok(false),
        Kind::Object | Kind::Struct => {
            if let Some(dict) = shape.dict(object)?
                && !all_immutable(dict.cast::<PyDict>()?.values().iter())?
            {
                return Ok(false);
            }
            for n in 0..shape.slot_count() {
                if let Some(value) = shape.slot(object, n)?
                    && !is_immutable(&value)?
                {
                    return Ok(false);
                }
            }
            Ok(true)
        }
    }
}

/// Returns whether an object is of one of the immutable built-in types that make up most results.
#[inline]
pub fn is_leaf(object: &Bound<'_, PyAny>) -> bool {
    object.is_exact_instance_of::<PyString>()
        || object.is_none()
        || object.is_exact_instance_of::<PyInt>()
        || object.is_exact_instance_of::<PyFloat>()
        || object.is_exact_instance_of::<PyBool>()
        || object.is_exact_instance_of::<PyBytes>()
        || object.is_exact_instance_of::<PyComplex>()
}

/// Returns whether all parts of a container are immutable through and through; false if they are
/// nested so deeply that there is no stack left.
pub fn all_immutable<'py>(mut parts: impl Iterator<Item = Bound<'py, PyAny>>) -> PyResult<bool> {
    if stack_left() == 0 {
        return Ok(false);
    }
    parts.try_fold(true, |all, part| Ok(all && is_immutable(&part)?))
}

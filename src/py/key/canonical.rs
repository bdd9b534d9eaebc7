//! Key texts of Python values: one text per value, the same in every process.

use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyBytes, PyComplex, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString,
    PyTuple, PyType,
};

use crate::key::KeyText;
use crate::py::ffi::int_value;
use crate::py::value::callbacks::{module_name, pack};
use crate::py::value::refusal::type_name;
use crate::py::value::wtf8::with_wtf8;

/// Arguments nested deeper than this are circles or mistakes.
const MAX_DEPTH: usize = 200;

/// Appends the text of `value`.
///
/// Raises `TypeError` (naming the type) if the value does not say how it is told from others.
pub fn canon(value: &Bound<'_, PyAny>, key: &mut KeyText) -> PyResult<()> {
    put(value, key, 0)
}

/// Appends one value.
///
/// IMPORTANT: it calls itself for each level, also in threads whose stacks are small. So whatever
/// needs room on the stack is a function of its own, kept out of line.
fn put(value: &Bound<'_, PyAny>, key: &mut KeyText, depth: usize) -> PyResult<()> {
    if depth > MAX_DEPTH {
        return Err(too_deep());
    }
    if let Ok(text) = value.cast_exact::<PyString>() {
        with_wtf8(text, |wtf8| key.quoted(wtf8))
    } else if value.is_none() {
        key.raw("null");
        Ok(())
    } else if let Ok(flag) = value.cast_exact::<PyBool>() {
        key.raw(if flag.is_true() { "true" } else { "false" });
        Ok(())
    } else if let Ok(number) = value.cast_exact::<PyInt>() {
        put_int(number, key)
    } else if let Ok(number) = value.cast_exact::<PyFloat>() {
        put_float(number.value(), key);
        Ok(())
    } else if let Ok(bytes) = value.cast_exact::<PyBytes>() {
        key.bytes(bytes.as_bytes());
        Ok(())
    } else {
        put_container(value, key, depth)
    }
}

#[cold]
#[inline(never)]
fn too_deep() -> PyErr {
    PyTypeError::new_err(format!("a value nested deeper than {MAX_DEPTH} levels, or in a circle"))
}

#[inline(never)]
fn put_float(value: f64, key: &mut KeyText) {
    key.float(value);
}

#[inline(never)]
fn put_int(number: &Bound<'_, PyInt>, key: &mut KeyText) -> PyResult<()> {
    if let Some(small) = int_value(number) {
        key.raw(itoa::Buffer::new().format(small));
        return Ok(());
    }
    // Hexadecimal: Python limits how many decimal digits it writes, and this is faster.
    let hex = number.call_method1(intern!(number.py(), "__format__"), ("#x",))?;
    key.raw(hex.cast::<PyString>()?.to_str()?);
    Ok(())
}

/// Dicts and sets are copied first: other threads may change them while a member's own code runs.
#[inline(never)]
fn put_container(value: &Bound<'_, PyAny>, key: &mut KeyText, depth: usize) -> PyResult<()> {
    if let Ok(list) = value.cast_exact::<PyList>() {
        key.raw("[");
        put_items(list.iter(), key, depth)?;
        key.raw("]");
    } else if let Ok(tuple) = value.cast_exact::<PyTuple>() {
        key.raw("(");
        put_items(tuple.iter(), key, depth)?;
        key.raw(if tuple.len() == 1 { ",)" } else { ")" });
    } else if let Ok(dict) = value.cast_exact::<PyDict>() {
        put_dict(dict, key, depth)?;
    } else if let Ok(set) = value.cast_exact::<PySet>() {
        key.raw("set(");
        let copy = set.call_method0(intern!(set.py(), "copy"))?.cast_into::<PySet>()?;
        key.sorted(members(copy.iter(), depth)?);
        key.raw(")");
    } else if let Ok(set) = value.cast_exact::<PyFrozenSet>() {
        key.raw("frozenset(");
        key.sorted(members(set.iter(), depth)?);
        key.raw(")");
    } else {
        return put_other(value, key, depth);
    }
    Ok(())
}

#[inline(never)]
fn put_items<'py>(
    items: impl Iterator<Item = Bound<'py, PyAny>>,
    key: &mut KeyText,
    depth: usize,
) -> PyResult<()> {
    for (n, item) in items.enumerate() {
        if n > 0 {
            key.raw(", ");
        }
        put(&item, key, depth + 1)?;
    }
    Ok(())
}

#[inline(never)]
fn put_dict(dict: &Bound<'_, PyDict>, key: &mut KeyText, depth: usize) -> PyResult<()> {
    let mut texts = Vec::with_capacity(dict.len());
    for (name, value) in &dict.copy()? {
        let mut text = KeyText::new();
        put(&name, &mut text, depth + 1)?;
        text.raw(": ");
        put(&value, &mut text, depth + 1)?;
        texts.push(text.into_bytes());
    }
    key.raw("{");
    key.sorted(texts);
    key.raw("}");
    Ok(())
}

fn piece(write: impl FnOnce(&mut KeyText) -> PyResult<()>) -> PyResult<Vec<u8>> {
    let mut text = KeyText::new();
    write(&mut text)?;
    Ok(text.into_bytes())
}

#[inline(never)]
fn members<'py>(
    members: impl Iterator<Item = Bound<'py, PyAny>>,
    depth: usize,
) -> PyResult<Vec<Vec<u8>>> {
    members.map(|member| piece(|text| put(&member, text, depth + 1))).collect()
}

#[inline(never)]
fn put_other(value: &Bound<'_, PyAny>, key: &mut KeyText, depth: usize) -> PyResult<()> {
    let py = value.py();
    if let Ok(number) = value.cast_exact::<PyComplex>() {
        key.raw("complex(");
        key.float(number.real());
        key.raw(", ");
        key.float(number.imag());
        key.raw(")");
        return Ok(());
    }
    if let Ok(class) = value.cast::<PyType>() {
        key.raw(&format!("class({})", qualified(class)?));
        return Ok(());
    }
    if let Some(own) = value.getattr_opt(intern!(py, "__memo_key__"))? {
        return put_named(&qualified(&value.get_type())?, &own.call0()?, key, depth);
    }
    if let Some((tag, payload)) = pack(value)? {
        return put_named(&tag, &payload, key, depth);
    }
    if let Some(member) = enum_name(value)? {
        return put_named(&qualified(&value.get_type())?, &member, key, depth);
    }
    Err(PyTypeError::new_err(type_name(value)))
}

/// `module.Class`, always with the module, so that no class is taken for a word of this grammar.
fn qualified(class: &Bound<'_, PyType>) -> PyResult<String> {
    Ok(format!("{}.{}", module_of(class)?, class.qualname()?))
}

/// The module under which `class` is imported, also in the program that defines it and in what
/// multiprocessing spawns: there Python says `__main__` and `__mp_main__`.
fn module_of<'py>(class: &Bound<'py, PyType>) -> PyResult<Bound<'py, PyAny>> {
    let module = class.module()?;
    if !matches!(module.to_str(), Ok("__main__" | "__mp_main__")) {
        return Ok(module.into_any());
    }
    module_name(class)
}

#[inline(never)]
fn put_named(
    name: &str,
    payload: &Bound<'_, PyAny>,
    key: &mut KeyText,
    depth: usize,
) -> PyResult<()> {
    key.raw(name);
    key.raw("(");
    put(payload, key, depth + 1)?;
    key.raw(")");
    Ok(())
}

/// The name of an enum's member (or the value of a combined flag, which has no name).
fn enum_name<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let base = value.py().import(intern!(value.py(), "enum"))?.getattr("Enum")?;
    if !value.is_instance(&base)? {
        return Ok(None);
    }
    let name = value.getattr(intern!(value.py(), "name"))?;
    Ok(Some(if name.is_none() { value.getattr(intern!(value.py(), "value"))? } else { name }))
}

/// The key text of one value.
#[pyfunction]
pub fn canonical<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
    let text = piece(|text| canon(value, text))?;
    crate::py::value::wtf8::from_wtf8(value.py(), &text)
}

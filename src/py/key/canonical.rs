//! Key texts of Python values: one text for each value, the same in every process.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyComplex, PyDict, PyFloat, PyFrozenSet, PyFunction, PyInt,
    PyList, PySet, PyString, PyTuple, PyType,
};

use super::classes::{
    KnownClass, class_of_instances, is_frozen_dataclass, known, qualified, remember,
};
use crate::key::{KeyText, PREFIX};
use crate::py::ffi::{call_with, check_stack, class_version, int_value};
use crate::py::value::callbacks::{class_mark, describe, digest, pack};
use crate::py::value::once::intern;
use crate::py::value::refusal::type_name;
use crate::py::value::wtf8::{from_wtf8, with_wtf8};
use crate::value::text::has_split_pair;

/// Arguments nested deeper than this are circular, or mistakes.
const MAX_DEPTH: usize = 200;
/// The attribute of the error that holds the part of an argument that has no key.
pub const OFFENDING: &str = "_outlive_offending";
/// Longer bytes are represented by a digest.
const LONGEST_BYTES: usize = 1024;

/// Appends the text of `value`.
///
/// Raises `TypeError` (naming the type) if the value's class does not say what distinguishes it.
pub fn canon(value: &Bound<'_, PyAny>, key: &mut KeyText) -> PyResult<()> {
    put(value, key, 0)
}

/// Appends one value.
///
/// IMPORTANT: it calls itself for each level, also in threads whose stacks are small. So everything
/// that needs room on the stack is a function of its own, kept out of line.
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
        put_bytes(bytes, key)
    } else {
        put_container(value, key, depth)
    }
}

#[cold]
#[inline(never)]
fn too_deep() -> PyErr {
    PyTypeError::new_err(format!("a value nested deeper than {MAX_DEPTH} levels, or in a circle"))
}

/// Long bytes, such as an image, are written as their length and a digest; in the drop-in's file,
/// which others may read, in full.
#[inline(never)]
fn put_bytes(bytes: &Bound<'_, PyBytes>, key: &mut KeyText) -> PyResult<()> {
    let long = bytes.as_bytes().len();
    if long <= LONGEST_BYTES || key.is_flat() {
        key.bytes(bytes.as_bytes());
        return Ok(());
    }
    key.raw(&format!("bytes({long}, {})", digest(bytes)?));
    Ok(())
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
    // Hexadecimal, because Python limits how many decimal digits it writes, and it is faster.
    let hex = number.call_method1(intern!(number.py(), "__format__"), ("#x",))?;
    key.raw(hex.cast::<PyString>()?.to_str()?);
    Ok(())
}

/// Dicts and sets are copied first: other threads may change them while a member's own code runs.
#[inline(never)]
fn put_container(value: &Bound<'_, PyAny>, key: &mut KeyText, depth: usize) -> PyResult<()> {
    if depth % 16 == 15 {
        check_stack()?;
    }
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
        key.sorted(members(copy.iter(), key.is_flat(), depth)?);
        key.raw(")");
    } else if let Ok(set) = value.cast_exact::<PyFrozenSet>() {
        key.raw("frozenset(");
        key.sorted(members(set.iter(), key.is_flat(), depth)?);
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
        let mut text = KeyText::for_file(key.is_flat());
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

fn piece(flat: bool, write: impl FnOnce(&mut KeyText) -> PyResult<()>) -> PyResult<Vec<u8>> {
    let mut text = KeyText::for_file(flat);
    write(&mut text)?;
    Ok(text.into_bytes())
}

#[inline(never)]
fn members<'py>(
    members: impl Iterator<Item = Bound<'py, PyAny>>,
    flat: bool,
    depth: usize,
) -> PyResult<Vec<Vec<u8>>> {
    members.map(|member| piece(flat, |text| put(&member, text, depth + 1))).collect()
}

#[inline(never)]
fn put_other(value: &Bound<'_, PyAny>, key: &mut KeyText, depth: usize) -> PyResult<()> {
    if let Ok(number) = value.cast_exact::<PyComplex>() {
        key.raw("complex(");
        key.float(number.real());
        key.raw(", ");
        key.float(number.imag());
        key.raw(")");
        return Ok(());
    }
    if let Ok(class) = value.cast::<PyType>() {
        let mark = class_mark(class)?;
        let (name, tilde) = (qualified(class)?, if mark.is_empty() { "" } else { "~" });
        key.raw(&format!("class({name}{tilde}{mark})"));
        return Ok(());
    }
    let class = value.get_type();
    let known = known(&class, true);
    if let Some(known) = known.as_ref().filter(|known| known.is_plain(&class)) {
        return put_fields(known, value, key, depth);
    }
    // NOTE: before its attribute is looked up, which another thread may set meanwhile.
    let version = class_version(&class);
    if let Some(own) = own_key(value)? {
        return put_named(&class_of_instances(&class)?.name, &own, key, depth);
    }
    if let Some(known) = known {
        known.note_plain(version);
        return put_fields(&known, value, key, depth);
    }
    if let Some((tag, payload)) = pack(value)? {
        return put_named(&tag, &payload, key, depth);
    }
    if let Some(member) = enum_name(value)? {
        return put_named(&class_of_instances(&class)?.name, &member, key, depth);
    }
    if let Some((name, payload)) = describe(value)? {
        if let Ok(fields) = payload.cast::<PyDict>()
            && is_frozen_dataclass(&class)?
        {
            remember(&class, name.clone(), Some(fields))?;
        }
        return put_named(&name, &payload, key, depth);
    }
    let error = PyTypeError::new_err(type_name(value));
    error.value(value.py()).setattr(OFFENDING, value)?;
    Err(error)
}

/// A frozen dataclass, as [`put_named`] writes the dict of its fields.
#[inline(never)]
fn put_fields(
    known: &KnownClass,
    value: &Bound<'_, PyAny>,
    key: &mut KeyText,
    depth: usize,
) -> PyResult<()> {
    key.raw(&known.name);
    key.raw("({");
    for (n, (name, beginning)) in known.fields.iter().flatten().enumerate() {
        if n > 0 {
            key.raw(", ");
        }
        key.piece(beginning);
        put(&value.getattr(name.bind(value.py()))?, key, depth + 2)?;
    }
    key.raw("})");
    Ok(())
}

/// Returns what the class of an instance says distinguishes it. It is looked up on the class, as
/// Python does for special names: a `__getattr__` of the instance may make a request.
fn own_key<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = value.py();
    let Some(method) = value.get_type().getattr_opt(intern!(py, "__memo_key__"))? else {
        return Ok(None);
    };
    // A class method is bound already.
    let is_function = method.is_exact_instance_of::<PyFunction>();
    let is_bound = !is_function && method.hasattr(intern!(py, "__self__"))?;
    if is_bound { method.call0() } else { call_with(&method, (value,)) }.map(Some)
}

/// Returns whether a value may have another text when it is looked at again.
pub fn may_change(value: &Bound<'_, PyAny>) -> bool {
    if let Ok(tuple) = value.cast::<PyTuple>() {
        return tuple.iter().any(|item| may_change(&item));
    }
    let class = value.get_type();
    value.is_instance_of::<PyList>()
        || value.is_instance_of::<PyDict>()
        || value.is_instance_of::<PySet>()
        || value.is_instance_of::<PyByteArray>()
        || class.hasattr(intern!(value.py(), "__memo_key__")).unwrap_or(true)
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

/// Returns the name of an enum's member, or the value of a combined flag, which has no name.
fn enum_name<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let base = value.py().import(intern!(value.py(), "enum"))?.getattr("Enum")?;
    if !value.is_instance(&base)? {
        return Ok(None);
    }
    let name = value.getattr(intern!(value.py(), "name"))?;
    Ok(Some(if name.is_none() { value.getattr(intern!(value.py(), "value"))? } else { name }))
}

/// Returns the key text that a call with the first argument `value` has in the drop-in; a str that
/// is its own key text is returned as it is.
#[pyfunction]
pub fn first_key<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
    if let Ok(text) = value.cast::<PyString>()
        && !with_wtf8(text, has_split_pair)?
    {
        return Ok(text.clone());
    }
    let text = piece(true, |text| canon(value, text))?;
    let key = [PREFIX.as_bytes(), b"(", &text, b")"].concat();
    from_wtf8(value.py(), &key)
}

/// Returns the key text of one value; `flat` as it is written in the drop-in's file.
#[pyfunction]
#[pyo3(signature = (value, *, flat=false))]
pub fn canonical<'py>(value: &Bound<'py, PyAny>, flat: bool) -> PyResult<Bound<'py, PyString>> {
    let text = piece(flat, |text| canon(value, text))?;
    from_wtf8(value.py(), &text)
}

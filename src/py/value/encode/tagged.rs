//! Values for which JSON has no type: sets, bytes, complex numbers, the standard library's types,
//! classes.

use data_encoding::BASE64;
use pyo3::exceptions::{PyException, PyImportError, PyOSError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyComplex, PyDict, PyFrozenSet, PySet};

use super::members::put_fields;
use super::{Encoded, Walk, has_room, put};
use crate::py::value::callbacks::pack;
use crate::py::value::classes::Dumped;
use crate::py::value::once::intern;
use crate::py::value::refusal::{Refusal, type_name};
use crate::value::tag::Tag;
use crate::value::write::Writer;

#[inline(never)]
pub(super) fn put_tagged(value: &Bound<'_, PyAny>, w: &mut Writer, walk: Walk<'_>) -> Encoded {
    if let Ok(bytes) = value.cast_exact::<PyBytes>() {
        w.begin_tag(Tag::Bytes);
        w.str(&BASE64.encode(bytes.as_bytes()));
    } else if let Ok(set) = value.cast_exact::<PySet>() {
        walk.may_run_code()?;
        w.begin_tag(Tag::Set);
        put_members(own_copy(set)?.iter(), "set", w, walk.deeper(1))?;
    } else if let Ok(set) = value.cast_exact::<PyFrozenSet>() {
        walk.may_run_code()?;
        w.begin_tag(Tag::Frozenset);
        put_members(set.iter(), "frozenset", w, walk.deeper(1))?;
    } else if let Ok(number) = value.cast_exact::<PyComplex>() {
        w.begin_tag(Tag::Complex);
        w.begin_list();
        w.float(number.real());
        w.comma();
        w.float(number.imag());
        w.end_list();
    } else {
        return put_packed(value, w, walk);
    }
    w.end_dict();
    Ok(())
}

/// Returns a copy of `set` that no other thread can change while a member's own code runs.
fn own_copy<'py>(set: &Bound<'py, PySet>) -> Result<Bound<'py, PySet>, Box<Refusal>> {
    let copy = set.call_method0(intern!(set.py(), "copy"));
    copy.ok().and_then(|copy| copy.cast_into().ok()).ok_or_else(|| Refusal::of_type(set))
}

/// Writes members in the order of their texts, so that equal sets have the same line in every run.
#[inline(never)]
fn put_members<'py>(
    members: impl Iterator<Item = Bound<'py, PyAny>>,
    kind: &str,
    w: &mut Writer,
    walk: Walk<'_>,
) -> Encoded {
    has_room()?;
    let mut texts = Vec::new();
    for member in members {
        let mut text = Writer::new(w.charset());
        put(&member, &mut text, walk.deeper(1)).map_err(|refusal| refusal.in_set(kind))?;
        texts.push(text.take_exact());
    }
    texts.sort_unstable();
    w.begin_list();
    for (n, text) in texts.iter().enumerate() {
        if n > 0 {
            w.comma();
        }
        w.raw(text);
    }
    w.end_list();
    Ok(())
}

/// Tells whether `error` is the value's fault: a value at fault fails again; a signal handler's
/// exception has nothing to do with it.
#[cold]
fn why_not_packed(value: &Bound<'_, PyAny>, error: PyErr) -> Box<Refusal> {
    let is_the_values = error.is_instance_of::<PyException>(value.py()) && pack(value).is_err();
    if is_the_values { not_packed(value, &error) } else { Refusal::interrupted(error) }
}

/// Says what else there is in the way of a value: a module of ours that cannot be imported now.
#[cold]
fn not_packed(value: &Bound<'_, PyAny>, error: &PyErr) -> Box<Refusal> {
    let py = value.py();
    if !error.is_instance_of::<PyOSError>(py) && !error.is_instance_of::<PyImportError>(py) {
        return Refusal::of_type(value);
    }
    let what = format!("{} (what writes it cannot be imported: {error})", type_name(value));
    Refusal::advised(what, Some("let the program import it: it may need a descriptor".to_owned()))
}

/// Writes a value of the standard library's own types, which Python takes apart.
#[inline(never)]
pub(super) fn put_packed(value: &Bound<'_, PyAny>, w: &mut Writer, walk: Walk<'_>) -> Encoded {
    walk.may_run_code()?;
    has_room()?;
    let packed = pack(value).map_err(|error| why_not_packed(value, error))?;
    let Some((name, payload)) = packed else { return put_instance(value, w, walk) };
    let tag =
        Tag::from_key(format!("${name}").as_bytes()).ok_or_else(|| Refusal::of_type(value))?;
    w.begin_tag(tag);
    put(&payload, w, walk.deeper(1))?;
    w.end_dict();
    Ok(())
}

/// Writes an instance of a class: `{"$shop:Repo": {"name": "tea"}}`.
#[inline(never)]
fn put_instance(value: &Bound<'_, PyAny>, w: &mut Writer, walk: Walk<'_>) -> Encoded {
    put_dumped(walk.classes.dump(value).map_err(Refusal::interrupted)?, w, walk)
}

#[inline(never)]
pub(super) fn put_dumped(dumped: Dumped<'_>, w: &mut Writer, walk: Walk<'_>) -> Encoded {
    let (name, payload) = match dumped {
        Dumped::Tagged(name, payload) => (name, payload),
        Dumped::Refused(what, advice) => return Err(Refusal::advised(what, advice)),
    };
    w.begin_dict();
    w.key(true, &name);
    let start = w.as_bytes().len();
    let is_written = match payload.cast_exact::<PyDict>() {
        Ok(fields) => put_fields(fields, w, walk.deeper(1))?,
        Err(_) => false,
    };
    if !is_written {
        w.rewind(start);
        put(&payload, w, walk.deeper(1))?;
    }
    w.end_dict();
    Ok(())
}

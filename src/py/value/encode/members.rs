//! The members of a dict, and the fields of an instance.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::{Encoded, LIMIT, Walk, put, settle};
use crate::py::ffi::{members, utf8};
use crate::py::value::refusal::{Refusal, shown};
use crate::py::value::wtf8::with_wtf8;
use crate::value::tag::{Tag, escape};
use crate::value::text::has_split_pair;
use crate::value::write::Writer;

#[inline(never)]
pub(super) fn put_dict(dict: &Bound<'_, PyDict>, w: &mut Writer, walk: Walk<'_>) -> Encoded {
    let copy = if walk.guarded { Some(own_members(dict)?) } else { None };
    let dict = copy.as_ref().unwrap_or(dict);
    let start = w.as_bytes().len();
    let single = dict.len() == 1;
    w.begin_dict();
    let (mut first, mut members) = (true, members(dict));
    // Plain members need no function of their own, as all others do, unless they are too deep.
    let by_one = single || walk.depth + 1 >= LIMIT;
    while let Some((key, value)) =
        if by_one { members.next() } else { members.next_but_plain(w, &mut first) }
    {
        match clean(&key).filter(|_| !single) {
            Some(clean) => w.key(first, clean),
            None if put_odd_key(&key, w, Place { first, single }, walk)? => {}
            None => {
                w.rewind(start);
                return put_pairs(dict, w, walk);
            }
        }
        first = false;
        // Most values are strings: checking for one saves a call each.
        if let Some(text) = clean(&value) {
            w.str(text);
        } else {
            put(&value, w, walk.deeper(1)).map_err(|refusal| refusal.in_member(&key))?;
        }
    }
    w.end_dict();
    Ok(())
}

/// Returns a copy of `dict` that no other thread can change while a member's own code runs.
#[inline(never)]
fn own_members<'py>(dict: &Bound<'py, PyDict>) -> Result<Bound<'py, PyDict>, Box<Refusal>> {
    dict.copy().map_err(|_| Refusal::of_type(dict))
}

/// The place of a key in its dict.
#[derive(Clone, Copy)]
struct Place {
    first: bool,
    /// Whether it is the only one: only then can it be taken for a tag.
    single: bool,
}

/// Returns the text of a str without lone surrogates.
#[inline]
fn clean<'a>(value: &'a Bound<'_, PyAny>) -> Option<&'a str> {
    utf8(value.cast_exact::<PyString>().ok()?)
}

/// Writes a key with surrogates, or one that might be taken for a tag, and the colon; returns
/// `false` if JSON cannot have it as a key: JSON has only strings, and reads two surrogates back as
/// one character.
#[inline(never)]
fn put_odd_key(
    key: &Bound<'_, PyAny>,
    w: &mut Writer,
    place: Place,
    walk: Walk<'_>,
) -> Result<bool, Box<Refusal>> {
    let Ok(key) = key.cast_exact::<PyString>() else { return Ok(false) };
    if utf8(key).is_none() {
        walk.may_run_code()?;
    }
    if !place.first {
        w.comma();
    }
    let written = with_wtf8(key, |wtf8| match escape(wtf8) {
        _ if has_split_pair(wtf8) => None,
        Some(escaped) if place.single => Some(w.wtf8(&escaped)),
        _ => Some(w.wtf8(wtf8)),
    });
    let Some(written) = written.transpose() else { return Ok(false) };
    settle(written)?;
    w.colon();
    Ok(true)
}

/// Writes a dict with keys that are not all plain strings, as a list of pairs.
#[inline(never)]
fn put_pairs(dict: &Bound<'_, PyDict>, w: &mut Writer, walk: Walk<'_>) -> Encoded {
    w.begin_tag(Tag::Dict);
    w.begin_list();
    for (n, (key, value)) in dict.iter().enumerate() {
        if n > 0 {
            w.comma();
        }
        w.begin_list();
        put(&key, w, walk.deeper(3))
            .map_err(|refusal| refusal.at(|| format!(" (key {})", shown(&key))))?;
        w.comma();
        put(&value, w, walk.deeper(3)).map_err(|refusal| refusal.in_member(&key))?;
        w.end_list();
    }
    w.end_list();
    w.end_dict();
    Ok(())
}

/// Writes the fields of an instance, which are not a dict's members to a user: `.owner`, not
/// `["owner"]`. Returns false if a name is not a str: those are a dict's members after all.
#[inline(never)]
pub(super) fn put_fields(
    fields: &Bound<'_, PyDict>,
    w: &mut Writer,
    walk: Walk<'_>,
) -> Result<bool, Box<Refusal>> {
    if walk.depth >= LIMIT {
        return Err(Refusal::too_deep());
    }
    w.begin_dict();
    for (n, (name, value)) in fields.iter().enumerate() {
        let place = Place { first: n == 0, single: fields.len() == 1 };
        if !put_odd_key(&name, w, place, walk)? {
            return Ok(false);
        }
        put(&value, w, walk.deeper(1)).map_err(|refusal| refusal.at(|| format!(".{name}")))?;
    }
    w.end_dict();
    Ok(true)
}

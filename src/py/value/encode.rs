//! From a Python value to its JSON text: exact types only, everything else is refused by name.

use data_encoding::BASE64;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyBytes, PyComplex, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString,
    PyTuple,
};

use super::callbacks::pack;
use super::classes::{Classes, Dumped};
use super::refusal::{Refusal, shown};
use super::wtf8::with_wtf8;
use crate::error::Error;
use crate::py::ffi::{check_stack, int_value, members, utf8};
use crate::py::value::once::intern;
use crate::value::MAX_DEPTH;
use crate::value::tag::{Tag, escape};
use crate::value::text::{has_split_pair, split_pair};
use crate::value::write::Writer;

/// Python's json reads integers of up to this many digits on every version.
const MAX_DIGITS: usize = 4300;

type Encoded = Result<(), Box<Refusal>>;

/// Where in a value the writing is, and how careful it must be.
#[derive(Clone, Copy)]
struct Walk<'a> {
    depth: u32,
    /// Whether code of somebody else may run meanwhile and change what is being written.
    guarded: bool,
    /// Those whose instances can be stored.
    classes: &'a Classes<'a>,
}

impl Walk<'_> {
    fn deeper(self, levels: u32) -> Self {
        Self { depth: self.depth + levels, ..self }
    }

    /// Refuses to go on, unless it is known that other code may run from here on.
    fn may_run_code(self) -> Encoded {
        if self.guarded { Ok(()) } else { Err(Refusal::begin_anew()) }
    }
}

/// `MAX_DEPTH`, as small as a walk keeps it: a walk is handed on in two registers.
const LIMIT: u32 = 500;
const _: () = assert!(LIMIT as usize == MAX_DEPTH);

/// Appends the text of `value`, which stands in `depth` others, to `writer`.
///
/// Plain JSON is written without a copy: nothing in it lets go of the GIL or runs any code. At the
/// first thing that may, all is begun anew, and each dict is copied before it is gone through.
pub fn encode(
    value: &Bound<'_, PyAny>,
    writer: &mut Writer,
    depth: usize,
    classes: Classes<'_>,
) -> Encoded {
    let start = writer.as_bytes().len();
    let depth = u32::try_from(depth).unwrap_or(LIMIT);
    let walk = Walk { depth, classes: &classes, guarded: cfg!(Py_GIL_DISABLED) };
    if let Some(dumped) = classes.dump_all(value).map_err(Refusal::interrupted)? {
        return put_dumped(dumped, writer, Walk { guarded: true, ..walk });
    }
    match put(value, writer, walk) {
        Err(refusal) if refusal.again => {
            writer.rewind(start);
            put(value, writer, Walk { guarded: true, ..walk })
        }
        written => written,
    }
}

/// Refuses to go on where the thread comes to the end of its stack.
#[inline(never)]
fn has_room() -> Encoded {
    check_stack().map_err(|_| Refusal::too_deep())
}

/// Writes one value.
///
/// IMPORTANT: it calls itself for each level of nesting, up to `MAX_DEPTH` times and also in threads
/// whose stacks are small. So whatever needs room on the stack is a function of its own, kept out
/// of line: what is inlined here is paid for by every level.
fn put(value: &Bound<'_, PyAny>, w: &mut Writer, walk: Walk<'_>) -> Encoded {
    if walk.depth >= LIMIT {
        return Err(Refusal::too_deep());
    }
    // Some values stand two or three levels deeper than what holds them.
    if walk.depth % 8 >= 6 {
        has_room()?;
    }
    if let Ok(text) = value.cast_exact::<PyString>() {
        match utf8(text) {
            Some(clean) => {
                w.str(clean);
                Ok(())
            }
            None => put_odd_str(text, w, walk),
        }
    } else if value.is_none() {
        w.null();
        Ok(())
    } else if let Ok(number) = value.cast_exact::<PyInt>() {
        put_int(number, w, walk)
    } else if let Ok(flag) = value.cast_exact::<PyBool>() {
        w.bool(flag.is_true());
        Ok(())
    } else if let Ok(dict) = value.cast_exact::<PyDict>() {
        put_dict(dict, w, walk)
    } else if let Ok(list) = value.cast_exact::<PyList>() {
        put_items(list.iter(), w, walk)
    } else if let Ok(number) = value.cast_exact::<PyFloat>() {
        put_float(number.value(), w);
        Ok(())
    } else if let Ok(tuple) = value.cast_exact::<PyTuple>() {
        w.begin_tag(Tag::Tuple);
        put_items(tuple.iter(), w, walk.deeper(1))?;
        w.end_dict();
        Ok(())
    } else {
        put_tagged(value, w, walk)
    }
}

#[inline(never)]
fn put_float(value: f64, w: &mut Writer) {
    w.float(value);
}

/// A string with lone surrogates.
#[inline(never)]
fn put_odd_str(text: &Bound<'_, PyString>, w: &mut Writer, walk: Walk<'_>) -> Encoded {
    walk.may_run_code()?;
    let written =
        with_wtf8(
            text,
            |wtf8| {
                if has_split_pair(wtf8) { put_pieces(wtf8, w) } else { w.wtf8(wtf8) }
            },
        );
    settle(written)
}

/// Two surrogates that are no character would be read back as one: write the string in pieces.
fn put_pieces(wtf8: &[u8], w: &mut Writer) -> Result<(), Error> {
    w.begin_tag(Tag::Str);
    w.begin_list();
    let mut rest = wtf8;
    while let Some(end) = split_pair(rest) {
        w.wtf8(&rest[..end])?;
        w.comma();
        rest = &rest[end..];
    }
    w.wtf8(rest)?;
    w.end_list();
    w.end_dict();
    Ok(())
}

/// Both ways in which a str can be refused are one to the user.
fn settle(written: PyResult<Result<(), Error>>) -> Encoded {
    let refused = || Refusal::new("str that cannot be encoded");
    written.map_err(|_| refused())?.map_err(|_| refused())
}

#[inline(never)]
fn put_int(number: &Bound<'_, PyInt>, w: &mut Writer, walk: Walk<'_>) -> Encoded {
    match int_value(number) {
        Some(small) => {
            w.int64(small);
            Ok(())
        }
        None => put_large_int(number, w, walk),
    }
}

#[cold]
#[inline(never)]
fn put_large_int(number: &Bound<'_, PyInt>, w: &mut Writer, walk: Walk<'_>) -> Encoded {
    walk.may_run_code()?;
    let bits: usize = number
        .call_method0(intern!(number.py(), "bit_length"))
        .and_then(|bits| bits.extract())
        .map_err(|_| Refusal::of_type(number))?;
    // 4300 digits are at least 14,281 bits: below that no integer has too many, unless the program
    // lowered the limit.
    if bits < MAX_DIGITS * 3321 / 1000
        && let Ok(digits) = number.str()
    {
        w.digits(&digits.to_string_lossy());
        return Ok(());
    }
    put_packed(number, w, walk)
}

#[inline(never)]
fn put_items<'py>(
    items: impl Iterator<Item = Bound<'py, PyAny>>,
    w: &mut Writer,
    walk: Walk<'_>,
) -> Encoded {
    w.begin_list();
    for (n, item) in items.enumerate() {
        if n > 0 {
            w.comma();
        }
        put(&item, w, walk.deeper(1)).map_err(|refusal| refusal.in_item(n))?;
    }
    w.end_list();
    Ok(())
}

#[inline(never)]
fn put_dict(dict: &Bound<'_, PyDict>, w: &mut Writer, walk: Walk<'_>) -> Encoded {
    let copy = if walk.guarded { Some(own_members(dict)?) } else { None };
    let dict = copy.as_ref().unwrap_or(dict);
    let start = w.as_bytes().len();
    let single = dict.len() == 1;
    w.begin_dict();
    let mut first = true;
    for (key, value) in members(dict) {
        match clean(&key).filter(|_| !single) {
            Some(clean) => w.key(first, clean),
            None if put_odd_key(&key, w, Place { first, single }, walk)? => {}
            None => {
                w.rewind(start);
                return put_pairs(dict, w, walk);
            }
        }
        first = false;
        // Most values are strings: each saves a call.
        if let Some(text) = clean(&value) {
            w.str(text);
        } else {
            put(&value, w, walk.deeper(1)).map_err(|refusal| refusal.in_member(&key))?;
        }
    }
    w.end_dict();
    Ok(())
}

/// A copy of `dict` that no other thread can change while a member's own code runs.
#[inline(never)]
fn own_members<'py>(dict: &Bound<'py, PyDict>) -> Result<Bound<'py, PyDict>, Box<Refusal>> {
    dict.copy().map_err(|_| Refusal::of_type(dict))
}

/// Where in its dict a key stands.
#[derive(Clone, Copy)]
struct Place {
    first: bool,
    /// Whether it is the only one: only then may it be taken for a tag.
    single: bool,
}

/// The text of a str without lone surrogates.
#[inline]
fn clean<'a>(value: &'a Bound<'_, PyAny>) -> Option<&'a str> {
    utf8(value.cast_exact::<PyString>().ok()?)
}

/// Writes a key with surrogates, or one that might be taken for a tag, and the colon; `false` if it
/// cannot be a key in JSON: that has strings only, and gives two surrogates back as one character.
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

/// A dict with keys that are not all plain strings: a list of pairs.
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

#[inline(never)]
fn put_tagged(value: &Bound<'_, PyAny>, w: &mut Writer, walk: Walk<'_>) -> Encoded {
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

/// A copy of `set` that no other thread can change while a member's own code runs.
fn own_copy<'py>(set: &Bound<'py, PySet>) -> Result<Bound<'py, PySet>, Box<Refusal>> {
    let copy = set.call_method0(intern!(set.py(), "copy"));
    copy.ok().and_then(|copy| copy.cast_into().ok()).ok_or_else(|| Refusal::of_type(set))
}

/// Members in the order of their texts, so that the same set has the same line in every run.
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

/// What `error` says of a value that could not be taken apart: a value that is at fault fails again;
/// a signal handler's exception has nothing to do with it.
#[cold]
fn why_not_packed(value: &Bound<'_, PyAny>, error: PyErr) -> Box<Refusal> {
    let is_the_values = error.is_instance_of::<PyException>(value.py()) && pack(value).is_err();
    if is_the_values { Refusal::of_type(value) } else { Refusal::interrupted(error) }
}

/// The standard library's own types, which Python takes apart.
#[inline(never)]
fn put_packed(value: &Bound<'_, PyAny>, w: &mut Writer, walk: Walk<'_>) -> Encoded {
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

/// A value of a class: `{"$shop:Repo": {"name": "tea"}}`.
#[inline(never)]
fn put_instance(value: &Bound<'_, PyAny>, w: &mut Writer, walk: Walk<'_>) -> Encoded {
    put_dumped(walk.classes.dump(value).map_err(Refusal::interrupted)?, w, walk)
}

#[inline(never)]
fn put_dumped(dumped: Dumped<'_>, w: &mut Writer, walk: Walk<'_>) -> Encoded {
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

/// The fields of an instance, which are no dict's members to a user: `.owner`, not `["owner"]`.
/// False if a name is no str: those are a dict's members after all.
#[inline(never)]
fn put_fields(
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

//! Numbers, and strings with surrogates.

use pyo3::prelude::*;
use pyo3::types::{PyInt, PyString};

use super::tagged::put_packed;
use super::{Encoded, Walk, settle};
use crate::error::Error;
use crate::py::ffi::int_value;
use crate::py::value::once::intern;
use crate::py::value::refusal::Refusal;
use crate::py::value::wtf8::with_wtf8;
use crate::value::tag::Tag;
use crate::value::text::{has_split_pair, split_pair};
use crate::value::write::Writer;

/// Python's json reads integers of up to this many digits on every version.
const MAX_DIGITS: usize = 4300;

#[inline(never)]
pub(super) fn put_float(value: f64, w: &mut Writer) {
    w.float(value);
}

/// Writes a string with lone surrogates.
#[inline(never)]
pub(super) fn put_odd_str(text: &Bound<'_, PyString>, w: &mut Writer, walk: Walk<'_>) -> Encoded {
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

/// Two surrogates that are no character would be read back as one: the string is written in pieces.
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

#[inline(never)]
pub(super) fn put_int(number: &Bound<'_, PyInt>, w: &mut Writer, walk: Walk<'_>) -> Encoded {
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
    // 4300 digits are at least 14,281 bits: no shorter integer has too many, unless the program
    // lowered the limit.
    if bits < MAX_DIGITS * 3321 / 1000
        && let Ok(digits) = number.str()
    {
        w.digits(&digits.to_string_lossy());
        return Ok(());
    }
    put_packed(number, w, walk)
}

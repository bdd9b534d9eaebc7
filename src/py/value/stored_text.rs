//! The texts of what is kept: results and exceptions.

use std::cell::Cell;

use bytes::Bytes;
use pyo3::prelude::*;

use super::encode::encode;
use super::refusal::Refusal;
use crate::value::paper::Paper;
use crate::value::tag::Tag;
use crate::value::write::{Charset, Writer};

/// The text of `value` in memory of exactly its size.
pub fn to_text(value: &Bound<'_, PyAny>, charset: Charset) -> Result<Bytes, Box<Refusal>> {
    // The paper is taken out while it is used: a value's own code may call for another text.
    let mut writer = Writer::reusing(SPARE.take(), charset);
    let text = encode(value, &mut writer, 0).map(|()| writer.take_exact());
    let paper = writer.into_paper();
    if paper.capacity() <= LARGEST_SPARE {
        SPARE.set(paper);
    }
    text
}

/// Paper larger than this is given back after its use.
const LARGEST_SPARE: usize = 1 << 20;

thread_local! {
    /// Where texts are put together: new paper for each costs more than writing on it.
    static SPARE: Cell<Paper> = const { Cell::new(Paper::new()) };
}

/// How our own line of a kept exception begins: the name of its class is the first of a list.
const ERROR: &[u8] = b"{\"$error\": [\"";

/// The text of a kept exception; None if its arguments cannot be stored.
pub fn tagged_error(payload: &Bound<'_, PyAny>, charset: Charset) -> Option<Bytes> {
    let mut writer = Writer::new(charset);
    writer.begin_tag(Tag::Error);
    encode(payload, &mut writer, 1).ok()?;
    writer.end_dict();
    Some(writer.take_exact())
}

/// Whether a text is a kept exception's.
pub fn is_error(text: Option<&Bytes>) -> bool {
    text.is_some_and(|text| text.starts_with(ERROR))
}

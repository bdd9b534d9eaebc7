//! The texts of what is kept: results and exceptions.

use std::cell::Cell;

use bytes::Bytes;
use pyo3::prelude::*;

use super::encode::encode;
use super::refusal::Refusal;
use crate::value::scratch_buffer::ScratchBuffer;
use crate::value::tag::{Tag, tag_of};
use crate::value::write::{Charset, Writer};

/// The text of `value` in memory of exactly its size.
pub fn to_text(value: &Bound<'_, PyAny>, charset: Charset) -> Result<Bytes, Box<Refusal>> {
    // The buffer is taken out while it is used: a value's own code may call for another text.
    let mut writer = Writer::reusing(SPARE.take(), charset);
    let text = encode(value, &mut writer, 0).map(|()| writer.take_exact());
    let buffer = writer.into_buffer();
    if buffer.capacity() <= LARGEST_SPARE {
        SPARE.set(buffer);
    }
    text
}

/// ScratchBuffer larger than this is given back after its use.
const LARGEST_SPARE: usize = 1 << 20;

thread_local! {
    /// Where texts are put together: new buffer for each costs more than writing on it.
    static SPARE: Cell<ScratchBuffer> = const { Cell::new(ScratchBuffer::new()) };
}

/// The text of a kept exception, unless its arguments cannot be stored.
pub fn tagged_error(payload: &Bound<'_, PyAny>, charset: Charset) -> Result<Bytes, Box<Refusal>> {
    let mut writer = Writer::new(charset);
    writer.begin_tag(Tag::Error);
    encode(payload, &mut writer, 1)?;
    writer.end_dict();
    Ok(writer.take_exact())
}

/// Whether a text is a kept exception's, also after an editor or a formatter went over it.
pub fn is_error(text: Option<&Bytes>) -> bool {
    text.is_some_and(|text| tag_of(text) == Some(Tag::Error))
}

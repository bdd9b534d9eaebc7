//! The texts of results and exceptions that are kept.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use pyo3::prelude::*;

use super::classes::Classes;
use super::encode::encode;
use super::refusal::Refusal;
use crate::memory::OutOfMemory;
use crate::value::scratch_buffer::ScratchBuffer;
use crate::value::tag::{Tag, after, split_tag};
use crate::value::write::{Charset, Writer};

/// Returns the text of `value` in memory of exactly its size.
pub fn to_text(
    value: &Bound<'_, PyAny>,
    charset: Charset,
    classes: Classes<'_>,
) -> Result<Bytes, Box<Refusal>> {
    or_refused(|| written(value, charset, classes))
}

/// Returns the result of `write`; a refusal if there is no memory for the text.
fn or_refused(write: impl FnOnce() -> Result<Bytes, Box<Refusal>>) -> Result<Bytes, Box<Refusal>> {
    OutOfMemory::catch(write).unwrap_or_else(|OutOfMemory| Err(Refusal::too_large()))
}

fn written(
    value: &Bound<'_, PyAny>,
    charset: Charset,
    classes: Classes<'_>,
) -> Result<Bytes, Box<Refusal>> {
    // The buffer is taken out while it is used: a value's own code may ask for another text.
    // A thread that is about to end has none any more.
    let spare = SPARE.try_with(Cell::take).unwrap_or_default();
    let mut writer = Writer::reusing(spare, charset);
    let text = encode(value, &mut writer, 0, classes).and_then(|()| whole(&mut writer));
    let buffer = writer.into_buffer();
    if buffer.capacity() <= LARGEST_SPARE {
        let _ = SPARE.try_with(|spare| spare.set(buffer));
    }
    text
}

/// Returns the text that was written, unless it is longer than one result may be: one write of the
/// system takes less than 2 GiB, and half of a longer record could be left in a journal.
fn whole(writer: &mut Writer) -> Result<Bytes, Box<Refusal>> {
    let largest = LARGEST.load(Ordering::Relaxed);
    if writer.as_bytes().len() > largest {
        return Err(Refusal::longer_than(largest));
    }
    Ok(writer.take_exact())
}

/// How many bytes the text of one result may have.
static LARGEST: AtomicUsize = AtomicUsize::new(1 << 30);

/// Sets the largest size in bytes of a stored text, for tests; returns the former limit.
#[pyfunction]
pub fn limit_results(size: usize) -> usize {
    LARGEST.swap(size, Ordering::Relaxed)
}

/// A larger scratch buffer is released after its use.
const LARGEST_SPARE: usize = 1 << 20;

thread_local! {
    /// The buffer in which texts are written: a new one for each costs more than the writing.
    static SPARE: Cell<ScratchBuffer> = const { Cell::new(ScratchBuffer::new()) };
}

/// Returns the text of a kept exception, unless its arguments cannot be stored.
pub fn tagged_error(payload: &Bound<'_, PyAny>, charset: Charset) -> Result<Bytes, Box<Refusal>> {
    or_refused(|| {
        let mut writer = Writer::new(charset);
        writer.begin_tag(Tag::Error);
        encode(payload, &mut writer, 1, Classes::default())?;
        writer.end_dict();
        whole(&mut writer)
    })
}

/// Returns whether a text is a kept exception's, also after an editor or a formatter changed it: a
/// list that begins with the name of its class. A user's dict with such a key is not one.
pub fn is_error(text: Option<&Bytes>) -> bool {
    let Some((Tag::Error, payload)) = text.and_then(|text| split_tag(text)) else { return false };
    after(payload, b'[').is_some_and(|items| after(items, b'"').is_some())
}

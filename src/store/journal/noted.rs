//! The text of a put with notes: the notes, then the value.
//!
//! ```text
//!  0           4          12         20          4+n
//!  +-----------+----------+----------+-----------+-------+
//!  | notes (n) | took     | code     | others    | value |
//!  +-----------+----------+----------+-----------+-------+
//! ```
//! `took` is an IEEE double, NaN if unknown; `code` is eight characters or eight zeros; `others` is
//! one JSON object or empty.

use bytes::Bytes;

use crate::store::{Code, Notes};
use crate::sync::Arc;

const LENGTH: usize = 4;
const TOOK: usize = LENGTH + 8;
const CODE: usize = TOOK + 8;

/// Encodes `notes` for the place before the value: the part of fixed length, and the rest.
pub fn encode(notes: &Notes) -> ([u8; CODE], &[u8]) {
    let others = notes.others.as_ref().map_or(&[][..], |others| others);
    // Notes too long for a record are left out.
    let others = if others.len() < 1 << 16 { others } else { &[] };
    let length = u32::try_from(CODE - LENGTH + others.len()).unwrap_or_default();
    let mut bytes = [0; CODE];
    bytes[..LENGTH].copy_from_slice(&length.to_le_bytes());
    bytes[LENGTH..TOOK].copy_from_slice(&notes.took.unwrap_or(f64::NAN).to_le_bytes());
    if let Some(code) = &notes.code {
        bytes[TOOK..].copy_from_slice(code.as_bytes());
    }
    (bytes, others)
}

/// Decodes the notes and the value of a record's text.
pub fn decode(text: &Bytes) -> Option<(Notes, Bytes)> {
    let length = u32::from_le_bytes(*text.first_chunk()?) as usize;
    let end = LENGTH.checked_add(length).filter(|end| (CODE..=text.len()).contains(end))?;
    let took = f64::from_le_bytes(*text[LENGTH..].first_chunk()?);
    let others = text.slice(CODE..end);
    let notes = Notes {
        took: Some(took).filter(|took| took.is_finite()),
        code: Code::new(&text[TOOK..CODE]),
        others: (!others.is_empty()).then(|| Arc::new(others)),
    };
    Some((notes, text.slice(end..)))
}

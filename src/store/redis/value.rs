//! An entry as one value of a server.
//!
//! ```text
//!  0       1      2      6            14       22
//!  | version | flags | crc | generation | created | took | code | others' length, others | text |
//! ```
//! `took` (8 bytes), `code` (8) and `others` are there if their flag is set. All numbers are
//! little-endian; `generation`, `created` and `took` are floats, NaN if unknown. The checksum is
//! over the key and everything after the generation, which a script fills in.

use bytes::Bytes;

use crate::store::{Code, Item, Notes};
use crate::sync::Arc;

/// The version that is written, and the only one that is read.
pub const VERSION: u8 = 1;

const TIMED: u8 = 1;
const TOOK: u8 = 2;
const CODE: u8 = 4;
const OTHERS: u8 = 8;

/// The offset of the generation.
const GENERATION: usize = 6;
const CREATED: usize = 14;
/// How many bytes of every value say whether it counts and when it was made.
pub const HEAD: usize = 22;

/// A value in two parts, with the generation between them.
#[derive(Clone, Debug)]
pub struct Written {
    /// The part before it.
    pub head: Vec<u8>,
    /// The part after it.
    pub tail: Vec<u8>,
}

impl Written {
    /// Returns the whole value.
    pub fn with_generation(&self, generation: f64) -> Vec<u8> {
        [&self.head[..], &generation.to_le_bytes(), &self.tail].concat()
    }
}

/// The contents of a value's first bytes.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// The generation of its function when the entry was made.
    pub generation: f64,
    /// When it was made.
    pub created: Option<f64>,
    /// Whether tags or later versions added anything.
    pub has_others: bool,
}

/// Encodes an entry.
pub fn write(item: &Item) -> Written {
    let Item { key, text, created, timed, notes, .. } = item;
    let mut tail = Vec::with_capacity(text.len() + 32);
    tail.extend(created.unwrap_or(f64::NAN).to_le_bytes());
    let mut flags = if *timed { TIMED } else { 0 };
    if let Some(took) = notes.took {
        flags |= TOOK;
        tail.extend(took.to_le_bytes());
    }
    if let Some(code) = &notes.code {
        flags |= CODE;
        tail.extend(code.as_bytes());
    }
    if let Some(others) = &notes.others {
        flags |= OTHERS;
        tail.extend(u32::try_from(others.len()).unwrap_or(u32::MAX).to_le_bytes());
        tail.extend_from_slice(others);
    }
    tail.extend_from_slice(text);
    let mut head = vec![VERSION, flags];
    head.extend(crc(key, flags, &tail).to_le_bytes());
    Written { head, tail }
}

/// Decodes the first bytes of `value`; `None` if it is of another version, or no entry.
pub fn head(value: &[u8]) -> Option<Head> {
    if value.len() < HEAD || value[0] != VERSION {
        return None;
    }
    let created = float(value, CREATED)?;
    Some(Head {
        generation: float(value, GENERATION)?,
        created: Some(created).filter(|created| !created.is_nan()),
        has_others: value[1] & OTHERS != 0,
    })
}

/// Decodes the entry of `key` in `value`; `None` if it differs from what was written.
pub fn read(key: &[u8], value: Vec<u8>) -> Option<Item> {
    let Head { created, .. } = head(&value)?;
    let flags = value[1];
    let stored = u32::from_le_bytes(value.get(2..GENERATION)?.try_into().ok()?);
    if crc(key, flags, &value[CREATED..]) != stored {
        return None;
    }
    let value = Bytes::from(value);
    let (mut notes, mut at) = (Notes::default(), HEAD);
    if flags & TOOK != 0 {
        notes.took = Some(float(&value, at)?);
        at += 8;
    }
    if flags & CODE != 0 {
        notes.code = Code::new(value.get(at..at + 8)?);
        at += 8;
    }
    if flags & OTHERS != 0 {
        let length = u32::from_le_bytes(value.get(at..at + 4)?.try_into().ok()?);
        let end = (at + 4).checked_add(usize::try_from(length).ok()?)?;
        value.get(at + 4..end)?;
        notes.others = Some(Arc::new(value.slice(at + 4..end)));
        at = end;
    }
    let (key, text) = (Bytes::copy_from_slice(key), value.slice(at..));
    Some(Item { key, text, sound: true, created, timed: flags & TIMED != 0, notes })
}

fn float(bytes: &[u8], at: usize) -> Option<f64> {
    Some(f64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

fn crc(key: &[u8], flags: u8, tail: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&(key.len() as u64).to_le_bytes());
    hasher.update(key);
    hasher.update(&[flags]);
    hasher.update(tail);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::{Written, head, read, write};
    use crate::store::{Code, Item, Notes};
    use crate::sync::Arc;
    use bytes::Bytes;

    fn item(notes: Notes, created: Option<f64>) -> Item {
        let (key, text) = (Bytes::from("a.f(x=1)"), Bytes::from("{\"a\":[1]}"));
        Item { key, text, sound: true, created, timed: true, notes }
    }

    fn joined(written: &Written) -> Vec<u8> {
        written.with_generation(7.0)
    }

    /// An entry is read back with everything known of it.
    #[test]
    fn values_come_back() {
        let others = Some(Arc::new(Bytes::from("{\"tags\":[]}")));
        let full = Notes { took: Some(0.5), code: Code::new("12345678"), others };
        for item in [item(full, Some(1.5)), item(Notes::default(), None)] {
            let value = joined(&write(&item));
            assert_eq!(head(&value).map(|head| (head.generation, head.created)), {
                Some((7.0, item.created))
            });
            assert_eq!(read(&item.key, value), Some(item));
        }
    }

    /// A changed byte, a missing byte and another key are detected.
    #[test]
    fn damage_is_found() {
        let item = item(Notes { took: Some(0.5), ..Notes::default() }, Some(1.5));
        let value = joined(&write(&item));
        for at in (0..value.len()).filter(|at| !(6..14).contains(at)) {
            let mut bad = value.clone();
            bad[at] ^= 16;
            assert_eq!(read(&item.key, bad), None, "byte {at}");
        }
        for length in 0..value.len() {
            assert_eq!(read(&item.key, value[..length].to_vec()), None, "{length} bytes");
        }
        assert_eq!(read(b"another", value), None);
    }
}

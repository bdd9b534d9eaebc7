//! One record of the journal, to bytes and back. The picture is in the module above.

use std::io;

use bytes::Bytes;

use crate::store::fs::FileFingerprint;
use crate::store::{Change, Item};
use crate::value::write::Charset;

/// How every record starts.
pub const MAGIC: [u8; 4] = [0xFF, b'o', b'l', 1];
/// Length of what stands before the key.
const HEAD: usize = 24;
/// Length of what stands behind the text.
const FOOT: usize = 4;

const PUT: u8 = 1;
const REMOVE: u8 = 2;
const CLEAR: u8 = 3;
const SEAL: u8 = 4;
const FOLDED: u8 = 5;

const CREATED: u8 = 1;
const TIMED: u8 = 2;
const SOUND: u8 = 4;
const ASCII: u8 = 8;

/// What a record says.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// One step of the cache's history.
    Change(Change),
    /// The generation ends here.
    Seal,
    /// If the snapshot is this one, it holds all earlier generations.
    Folded(FileFingerprint),
    /// Something that a later version wrote.
    Unknown,
}

/// Appends the record of `record` to `out`; `charset` is what sound texts of this process hold.
///
/// # Errors
/// `InvalidInput` if a key or a text has 4 GiB or more.
pub fn encode(out: &mut Vec<u8>, record: &Record, charset: Charset) -> io::Result<()> {
    match record {
        Record::Change(Change::Put(item)) => put(out, item, charset),
        Record::Change(Change::Remove(key)) => frame(out, REMOVE, 0, 0.0, key, b""),
        Record::Change(Change::Clear) => frame(out, CLEAR, 0, 0.0, b"", b""),
        Record::Seal => frame(out, SEAL, 0, 0.0, b"", b""),
        Record::Folded(fingerprint) => frame(out, FOLDED, 0, 0.0, b"", &fingerprint.to_bytes()),
        Record::Unknown => Ok(()),
    }
}

fn put(out: &mut Vec<u8>, item: &Item, charset: Charset) -> io::Result<()> {
    let mut flags = if item.sound { SOUND } else { 0 };
    if item.created.is_some() {
        flags |= CREATED;
    }
    if item.timed {
        flags |= TIMED;
    }
    if charset == Charset::Ascii {
        flags |= ASCII;
    }
    frame(out, PUT, flags, item.created.unwrap_or(0.0), &item.key, &item.text)
}

fn frame(
    out: &mut Vec<u8>,
    kind: u8,
    flags: u8,
    created: f64,
    key: &[u8],
    text: &[u8],
) -> io::Result<()> {
    let start = out.len();
    let (key_len, text_len) = (length(key)?, length(text)?);
    out.reserve(HEAD + key.len() + text.len() + FOOT);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[kind, flags, 0, 0]);
    out.extend_from_slice(&created.to_le_bytes());
    out.extend_from_slice(&key_len.to_le_bytes());
    out.extend_from_slice(&text_len.to_le_bytes());
    out.extend_from_slice(key);
    out.extend_from_slice(text);
    let crc = crc32fast::hash(&out[start..]);
    out.extend_from_slice(&crc.to_le_bytes());
    Ok(())
}

fn length(part: &[u8]) -> io::Result<u32> {
    let too_long = |_| io::Error::new(io::ErrorKind::InvalidInput, "too long for one record");
    u32::try_from(part.len()).map_err(too_long)
}

/// The record at byte `at` of `file` and the byte behind it; `None` if there is no whole one.
pub fn decode(file: &Bytes, at: usize, charset: Charset) -> Option<(Record, usize)> {
    let head: &[u8; HEAD] = file.get(at..)?.first_chunk()?;
    if head[..4] != MAGIC {
        return None;
    }
    let key = at + HEAD;
    let text = key.checked_add(number(head, 16))?;
    let crc = text.checked_add(number(head, 20))?;
    let expected = file.get(crc..)?.first_chunk()?;
    if crc32fast::hash(&file[at..crc]) != u32::from_le_bytes(*expected) {
        return None;
    }
    let record = meaning(head, file.slice(key..text), file.slice(text..crc), charset);
    Some((record, crc + FOOT))
}

/// The little-endian 32-bit number at byte `at` of a record's head.
fn number(head: &[u8; HEAD], at: usize) -> usize {
    let four = [head[at], head[at + 1], head[at + 2], head[at + 3]];
    u32::from_le_bytes(four) as usize
}

/// What a record with a right checksum says.
fn meaning(head: &[u8; HEAD], key: Bytes, text: Bytes, charset: Charset) -> Record {
    match head[4] {
        PUT => Record::Change(Change::Put(item(head, key, text, charset))),
        REMOVE => Record::Change(Change::Remove(key)),
        CLEAR => Record::Change(Change::Clear),
        SEAL => Record::Seal,
        FOLDED => FileFingerprint::from_bytes(&text).map_or(Record::Unknown, Record::Folded),
        _ => Record::Unknown,
    }
}

fn item(head: &[u8; HEAD], key: Bytes, text: Bytes, charset: Charset) -> Item {
    let flags = head[5];
    let has = |flag| flags & flag != 0;
    let mut created = [0; 8];
    created.copy_from_slice(&head[8..16]);
    Item {
        key,
        text,
        sound: has(SOUND) && (has(ASCII) || charset == Charset::Utf8),
        created: has(CREATED).then(|| f64::from_le_bytes(created)),
        timed: has(TIMED),
    }
}

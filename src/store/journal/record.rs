//! One record of the journal, and its bytes. The layout is drawn in the module above.

use std::io;

use super::noted;
use crate::store::fs::FileFingerprint;
use crate::store::{Change, Item, KeyStripes, Purge};
use crate::value::write::Charset;

/// The beginning of records of all versions.
pub const FAMILY: [u8; 3] = [0xFF, b'o', b'l'];
/// The version that we write.
pub const VERSION: u8 = 1;
/// The beginning of our records.
const MAGIC: [u8; 4] = [FAMILY[0], FAMILY[1], FAMILY[2], VERSION];
/// The length of what precedes the key.
pub(super) const HEAD: usize = 24;
/// The length of what follows the text.
pub(super) const FOOT: usize = 4;
/// The byte of the head that means nothing.
const FILLER: usize = 6;
/// How much of a text may be binary: after it, and in keys, no byte is `FF`.
pub const BINARY: usize = 64;

pub(super) const PUT: u8 = 1;
pub(super) const REMOVE: u8 = 2;
pub(super) const CLEAR: u8 = 3;
pub(super) const SEAL: u8 = 4;
pub(super) const FOLDED: u8 = 5;
/// Announced a process in version 0.1.
pub(super) const HELLO: u8 = 6;
pub(super) const BASE: u8 = 7;
pub(super) const NOTED: u8 = 8;
pub(super) const PASSING: u8 = 9;
pub(super) const COMPUTED: u8 = 10;
pub(super) const PURGE: u8 = 11;
/// Unknown kinds from this one on may be skipped; lower ones may not.
pub(super) const OPTIONAL: u8 = 64;
pub(super) const PURGED: u8 = 64;

pub(super) const CREATED: u8 = 1;
pub(super) const TIMED: u8 = 2;
pub(super) const SOUND: u8 = 4;
pub(super) const ASCII: u8 = 8;
/// Flag: what looks like an instance of a class in the text is one; without it, it is a dict.
pub(super) const CLASSES: u8 = 32;
/// Flag of a put or a remove: it outdates no computation.
pub(super) const UPKEEP: u8 = 16;

/// Flag of a put, a remove or a clear: it was made at `created`, and no disk took it then.
pub(super) const LATE: u8 = 64;

/// Flag of a purge: its key is a pattern.
pub(super) const PATTERN: u8 = 1;

/// Flag of a seal: nothing in this generation counts.
pub(super) const VOID: u8 = 1;
/// Flag of `folded`: the snapshot holds more than the journals say.
pub(super) const MORE: u8 = 1;
/// Flag of `folded`: the snapshot goes on from one that somebody foreign wrote.
pub(super) const MERGED: u8 = 2;

/// A snapshot that a checkpoint is about to put in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Folded {
    /// The fingerprint of the file to come.
    pub snapshot: FileFingerprint,
    /// Whether it holds more than the snapshot before it and the journals, so that every process
    /// has to read it.
    pub more: bool,
    /// Whether it merges what an editor wrote, so that results of others may be missing.
    pub merged: bool,
}

impl Folded {
    fn flags(&self) -> u8 {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        flag(self.more, MORE) | flag(self.merged, MERGED)
    }
}

/// The relation of a change to computations under way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Terms {
    /// It outdates computations of its keys.
    Purges,
    /// The same; but it was `made`, in seconds since the epoch, long before it was written.
    Late { made: f64 },
    /// It outdates none.
    Upkeep,
    /// It counts unless a purge of its key begins after byte `read` of its generation and before
    /// it.
    Computed { read: u64 },
}

/// What a generation purged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purged {
    /// The number of the generation.
    pub generation: u64,
    /// Where its last purge begins.
    pub last: u64,
    /// The stripes of the keys.
    pub stripes: KeyStripes,
}

/// The contents of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// One step of the cache's history.
    Change(Change, Terms),
    /// Computations under way are outdated.
    Purge(Purge),
    /// What an earlier generation purged.
    Purged(Purged),
    /// The generation ends here; if it is `void`, nothing in it counts (the user deleted the
    /// cache).
    Seal { void: bool },
    /// If the snapshot is this one, it holds all earlier generations.
    Folded(Folded),
    /// This snapshot is in place now; without one, the history begins here.
    Base(Option<FileFingerprint>),
    /// This generation continues the one before it, which was left without a seal.
    Passing,
    /// An unknown record that may be skipped.
    Unknown,
    /// A record of a later version that may not be skipped.
    Later,
}

/// Appends `record` to `out`; `charset` is the character set of this process's sound texts.
///
/// # Errors
/// `InvalidInput` if a key or a text has 4 GiB or more.
pub fn encode(out: &mut Vec<u8>, record: &Record, charset: Charset) -> io::Result<()> {
    match record {
        Record::Change(change, terms) => encode_change(out, change, *terms, charset),
        Record::Purge(Purge::Key(key)) => frame(out, PURGE, 0, 0.0, key, b""),
        Record::Purge(Purge::Fitting(pattern)) => frame(out, PURGE, PATTERN, 0.0, pattern, b""),
        Record::Purge(Purge::Tagged { pattern, tag }) => {
            frame(out, PURGE, PATTERN, 0.0, pattern, tag)
        }
        Record::Purge(Purge::All) => frame(out, PURGE, PATTERN, 0.0, b"*", b""),
        Record::Purged(Purged { generation, last, stripes }) => {
            let (generation, last) = (generation.to_le_bytes(), last.to_le_bytes());
            let parts = [&generation[..], &last, &stripes.to_bytes()];
            frame_parts(out, PURGED, 0, 0.0, b"", &parts)
        }
        Record::Seal { void } => frame(out, SEAL, if *void { VOID } else { 0 }, 0.0, b"", b""),
        Record::Folded(folded) => {
            frame(out, FOLDED, folded.flags(), 0.0, b"", &folded.snapshot.to_bytes())
        }
        Record::Passing => frame(out, PASSING, 0, 0.0, b"", b""),
        Record::Base(None) => frame(out, BASE, 0, 0.0, b"", b""),
        Record::Base(Some(snapshot)) => frame(out, BASE, 0, 0.0, b"", &snapshot.to_bytes()),
        Record::Unknown | Record::Later => Ok(()),
    }
}

/// Appends the record of `change`, as [`encode`] does.
///
/// # Errors
/// As `encode`.
pub fn encode_change(
    out: &mut Vec<u8>,
    change: &Change,
    terms: Terms,
    charset: Charset,
) -> io::Result<()> {
    match change {
        Change::Put(item) => put(out, item, terms, charset),
        Change::Remove(key) => frame(out, REMOVE, flags_of(terms), made(terms), key, b""),
        Change::Clear => frame(out, CLEAR, flags_of(terms) & LATE, made(terms), b"", b""),
    }
}

fn flags_of(terms: Terms) -> u8 {
    match terms {
        Terms::Upkeep => UPKEEP,
        Terms::Late { .. } => LATE,
        Terms::Purges | Terms::Computed { .. } => 0,
    }
}

/// Returns the time that a remove or a clear carries.
fn made(terms: Terms) -> f64 {
    if let Terms::Late { made } = terms { made } else { 0.0 }
}

fn put(out: &mut Vec<u8>, item: &Item, terms: Terms, charset: Charset) -> io::Result<()> {
    // A text that names no class has the flag, too: to look for one takes longer than all the rest.
    let mut flags = flags_of(terms) | CLASSES | if item.sound { SOUND } else { 0 };
    if item.created.is_some() {
        flags |= CREATED;
    }
    if item.timed {
        flags |= TIMED;
    }
    if charset == Charset::Ascii {
        flags |= ASCII;
    }
    let created = item.created.unwrap_or(0.0);
    if let Terms::Computed { read } = terms {
        let (notes, others) = noted::encode(&item.notes);
        let parts = [&read.to_le_bytes()[..], &notes, others, &item.text];
        return frame_parts(out, COMPUTED, flags, created, &item.key, &parts);
    }
    if item.notes.is_empty() {
        return frame(out, PUT, flags, created, &item.key, &item.text);
    }
    let (notes, others) = noted::encode(&item.notes);
    frame_parts(out, NOTED, flags, created, &item.key, &[&notes[..], others, &item.text])
}

fn frame(
    out: &mut Vec<u8>,
    kind: u8,
    flags: u8,
    created: f64,
    key: &[u8],
    text: &[u8],
) -> io::Result<()> {
    frame_parts(out, kind, flags, created, key, &[text])
}

/// Appends a record whose text is given in parts.
fn frame_parts(
    out: &mut Vec<u8>,
    kind: u8,
    flags: u8,
    created: f64,
    key: &[u8],
    text: &[&[u8]],
) -> io::Result<()> {
    let start = out.len();
    let whole = text.iter().map(|part| part.len()).sum();
    let (key_len, text_len) = (length(key.len())?, length(whole)?);
    let room = HEAD + key.len() + whole + FOOT;
    out.try_reserve_exact(room).map_err(|_| io::ErrorKind::OutOfMemory)?;
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[kind, flags, 0, 0]);
    out.extend_from_slice(&created.to_le_bytes());
    out.extend_from_slice(&key_len.to_le_bytes());
    out.extend_from_slice(&text_len.to_le_bytes());
    out.extend_from_slice(key);
    for part in text {
        out.extend_from_slice(part);
    }
    let crc = checksum(&mut out[start..]);
    out.extend_from_slice(&crc);
    Ok(())
}

/// Returns the checksum of `record`, in whose head it changes a byte that means nothing until `FF`
/// is not in it: if a record is torn within its checksum, the magic of the next one must not make
/// it whole.
fn checksum(record: &mut [u8]) -> [u8; FOOT] {
    loop {
        let crc = crc32fast::hash(record).to_le_bytes();
        if !crc.contains(&MAGIC[0]) {
            return crc;
        }
        record[FILLER] = record[FILLER].wrapping_add(1);
    }
}

fn length(part: usize) -> io::Result<u32> {
    let too_long = |_| io::Error::new(io::ErrorKind::InvalidInput, "too long for one record");
    u32::try_from(part).map_err(too_long)
}

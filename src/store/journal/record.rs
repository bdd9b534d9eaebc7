//! One record of the journal, to bytes and back. The layout is drawn in the module above.

use std::io;

use bytes::Bytes;

use super::noted;
use crate::store::fs::FileFingerprint;
use crate::store::{Change, Item, KeyStripes, Notes, Purge};
use crate::value::escape::{escape_classes, may_name_class};
use crate::value::text::is_wtf8;
use crate::value::write::Charset;

/// The beginning of records of all versions.
pub const FAMILY: [u8; 3] = [0xFF, b'o', b'l'];
/// The version that we write.
pub const VERSION: u8 = 1;
/// The beginning of our records.
const MAGIC: [u8; 4] = [FAMILY[0], FAMILY[1], FAMILY[2], VERSION];
/// The length of what precedes the key.
const HEAD: usize = 24;
/// The length of what follows the text.
const FOOT: usize = 4;
/// How much of a text may be binary: after it, and in keys, no byte is `FF`.
pub const BINARY: usize = 64;

const PUT: u8 = 1;
const REMOVE: u8 = 2;
const CLEAR: u8 = 3;
const SEAL: u8 = 4;
const FOLDED: u8 = 5;
/// Announced a process in version 0.1.
const HELLO: u8 = 6;
const BASE: u8 = 7;
const NOTED: u8 = 8;
const PASSING: u8 = 9;
const COMPUTED: u8 = 10;
const PURGE: u8 = 11;
/// Unknown kinds from this one on may be skipped; lower ones may not.
const OPTIONAL: u8 = 64;
const PURGED: u8 = 64;

const CREATED: u8 = 1;
const TIMED: u8 = 2;
const SOUND: u8 = 4;
const ASCII: u8 = 8;
/// Flag: what looks like an instance of a class in the text is one; without it, it is a dict.
const CLASSES: u8 = 32;
/// Flag of a put or a remove: it outdates no computation.
const UPKEEP: u8 = 16;

/// Flag of a put, a remove or a clear: it was made at `created`, and no disk took it then.
const LATE: u8 = 64;

/// Flag of a purge: its key is a pattern.
const PATTERN: u8 = 1;

/// Flag of a seal: nothing in this generation counts.
const VOID: u8 = 1;
/// Flag of `folded`: the snapshot holds more than the journals say.
const MORE: u8 = 1;
/// Flag of `folded`: the snapshot goes on from one that somebody foreign wrote.
const MERGED: u8 = 2;

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
    let crc = crc32fast::hash(&out[start..]);
    out.extend_from_slice(&crc.to_le_bytes());
    Ok(())
}

fn length(part: usize) -> io::Result<u32> {
    let too_long = |_| io::Error::new(io::ErrorKind::InvalidInput, "too long for one record");
    u32::try_from(part).map_err(too_long)
}

/// Returns the record at byte `at` of `file` and the place after it; `None` if there is no whole
/// one.
pub fn decode(file: &Bytes, at: usize, charset: Charset) -> Option<(Record, usize)> {
    let head: &[u8; HEAD] = file.get(at..)?.first_chunk()?;
    if head[..3] != FAMILY || head[3] < VERSION {
        return None;
    }
    let key = at + HEAD;
    let text = key.checked_add(number(head, 16))?;
    let crc = text.checked_add(number(head, 20))?;
    let expected = file.get(crc..)?.first_chunk()?;
    // A torn head reaches over other records. This keeps a file with many such heads from having
    // the same bytes summed up many times.
    let behind = file[..crc].get(text + BINARY..).unwrap_or_default();
    if memchr::memchr(0xFF, &file[key..text]).or(memchr::memchr(0xFF, behind)).is_some() {
        return None;
    }
    if crc32fast::hash(&file[at..crc]) != u32::from_le_bytes(*expected) {
        return None;
    }
    let record = meaning(head, file.slice(key..text), file.slice(text..crc), charset)?;
    Some((record, crc + FOOT))
}

/// Returns the little-endian 32-bit number at byte `at` of a record's head.
fn number(head: &[u8; HEAD], at: usize) -> usize {
    let four = [head[at], head[at + 1], head[at + 2], head[at + 3]];
    u32::from_le_bytes(four) as usize
}

/// Returns the contents of a record with a right checksum; `None` if no writer of ours produces
/// them.
fn meaning(head: &[u8; HEAD], key: Bytes, text: Bytes, charset: Charset) -> Option<Record> {
    if head[3] > VERSION {
        return Some(Record::Later);
    }
    if !is_wtf8(&key) {
        return None;
    }
    Some(match head[4] {
        PUT => {
            let item = item(head, key, text, Notes::default(), charset);
            Record::Change(Change::Put(item), terms(head))
        }
        NOTED => {
            let (notes, text) = noted::decode(&text)?;
            Record::Change(Change::Put(item(head, key, text, notes, charset)), terms(head))
        }
        COMPUTED => {
            let read = u64::from_le_bytes(*text.first_chunk()?);
            let (notes, text) = noted::decode(&text.slice(size_of::<u64>()..))?;
            let item = item(head, key, text, notes, charset);
            Record::Change(Change::Put(item), Terms::Computed { read })
        }
        REMOVE => Record::Change(Change::Remove(key), terms(head)),
        CLEAR if head[5] & LATE == 0 => Record::Change(Change::Clear, Terms::Purges),
        CLEAR => Record::Change(Change::Clear, Terms::Late { made: time(head) }),
        PURGE if head[5] & PATTERN == 0 => Record::Purge(Purge::Key(key)),
        PURGE => Record::Purge(Purge::Fitting(key)),
        SEAL => Record::Seal { void: head[5] & VOID != 0 },
        FOLDED => FileFingerprint::from_bytes(&text).map_or(Record::Unknown, |snapshot| {
            let has = |flag: u8| head[5] & flag != 0;
            Record::Folded(Folded { snapshot, more: has(MORE), merged: has(MERGED) })
        }),
        PASSING => Record::Passing,
        BASE if text.is_empty() => Record::Base(None),
        BASE => FileFingerprint::from_bytes(&text)
            .map_or(Record::Unknown, |snapshot| Record::Base(Some(snapshot))),
        PURGED => purged(&text).unwrap_or(Record::Unknown),
        HELLO | OPTIONAL.. => Record::Unknown,
        _ => Record::Later,
    })
}

fn purged(text: &[u8]) -> Option<Record> {
    let (generation, rest) = text.split_first_chunk()?;
    let (last, stripes) = rest.split_first_chunk()?;
    let stripes = KeyStripes::from_bytes(stripes.first_chunk()?);
    let [generation, last] = [generation, last].map(|bytes| u64::from_le_bytes(*bytes));
    Some(Record::Purged(Purged { generation, last, stripes }))
}

fn terms(head: &[u8; HEAD]) -> Terms {
    let has = |flag| head[5] & flag != 0;
    match (has(UPKEEP), has(LATE)) {
        (true, _) => Terms::Upkeep,
        (false, true) => Terms::Late { made: time(head) },
        (false, false) => Terms::Purges,
    }
}

/// Returns the time in a record's head, in seconds since the epoch.
fn time(head: &[u8; HEAD]) -> f64 {
    let mut time = [0; 8];
    time.copy_from_slice(&head[8..16]);
    f64::from_le_bytes(time)
}

fn item(head: &[u8; HEAD], key: Bytes, text: Bytes, notes: Notes, charset: Charset) -> Item {
    let flags = head[5];
    let has = |flag| flags & flag != 0;
    let created = Some(time(head)).filter(|created| created.is_finite());
    let is_before_classes = !has(CLASSES) && may_name_class(&text);
    let text =
        if is_before_classes { escape_classes(&text).map_or(text, Bytes::from) } else { text };
    Item {
        key,
        text,
        sound: has(SOUND) && (has(ASCII) || charset == Charset::Utf8),
        created: created.filter(|_| has(CREATED)),
        timed: has(TIMED),
        notes,
    }
}

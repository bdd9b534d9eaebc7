//! Reading one record of the journal.

use bytes::Bytes;

use super::noted;
use super::record::{
    ASCII, BASE, BINARY, CLASSES, CLEAR, COMPUTED, CREATED, FAMILY, FOLDED, FOOT, Folded, HEAD,
    HELLO, LATE, MERGED, MORE, NOTED, OPTIONAL, PASSING, PATTERN, PURGE, PURGED, PUT, Purged,
    REMOVE, Record, SEAL, SOUND, TIMED, Terms, UPKEEP, VERSION, VOID,
};
use crate::store::fs::FileFingerprint;
use crate::store::{Change, Item, KeyStripes, Notes, Purge};
use crate::value::escape::{escape_classes, may_name_class};
use crate::value::text::is_wtf8;
use crate::value::write::Charset;

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
        PURGE if text.is_empty() => Record::Purge(Purge::Fitting(key)),
        PURGE => Record::Purge(Purge::Tagged { pattern: key, tag: text }),
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

//! Reads records from bytes that a crash, a full disk or a bad block may have touched.

use bytes::Bytes;
use memchr::memmem;

use super::record::{FAMILY, MAGIC, Record, decode};
use crate::store::Change;
use crate::store::fs::FileFingerprint;
use crate::value::write::Charset;

/// What a piece of a journal says.
#[derive(Debug, Default)]
pub struct Tail {
    /// The changes before the seal, in order.
    pub changes: Vec<Change>,
    /// The snapshot that holds all generations before this one, if a fold got so far.
    pub folded: Option<FileFingerprint>,
    /// Whether the generation ends in this piece.
    pub sealed: bool,
    /// How many bytes were understood or given up; what is behind them is no whole record yet.
    pub consumed: usize,
    /// How many bytes were given up.
    pub dropped: usize,
    /// Whether a later version wrote something that must not be passed over. What stands behind
    /// records of another magic was not looked at.
    pub later: bool,
}

/// Reads `piece` from its start up to a seal or its end. `complete`: nobody is still writing in it,
/// so that an unfinished record at its end is given up too.
pub fn scan(piece: &Bytes, charset: Charset, complete: bool) -> Tail {
    let mut tail = Tail::default();
    while tail.consumed < piece.len() && !tail.sealed {
        let (start, record, end) = match next(piece, tail.consumed, charset) {
            Some(Found::Record(start, record, end)) => (start, record, end),
            Some(Found::Foreign) => {
                tail.later = true;
                return tail;
            }
            None => break,
        };
        tail.dropped += start - tail.consumed;
        tail.consumed = end;
        match record {
            Record::Change(change) => tail.changes.push(change),
            Record::Folded(fingerprint) => tail.folded = Some(fingerprint),
            Record::Seal => tail.sealed = true,
            Record::Later => tail.later = true,
            Record::Unknown => {}
        }
    }
    if complete && !tail.sealed {
        tail.dropped += piece.len() - tail.consumed;
        tail.consumed = piece.len();
    }
    tail
}

/// What was found on the way through a journal.
enum Found {
    /// The start of a whole record, what it says, its end.
    Record(usize, Record, usize),
    /// A record of a later version of the format.
    Foreign,
}

/// The first whole record at or behind byte `from`.
fn next(piece: &Bytes, from: usize, charset: Charset) -> Option<Found> {
    if let Some((record, end)) = decode(piece, from, charset) {
        return Some(Found::Record(from, record, end));
    }
    memmem::find_iter(&piece[from..], &FAMILY).find_map(|offset| {
        let start = from + offset;
        if piece.get(start + FAMILY.len()).is_some_and(|version| *version > MAGIC[3]) {
            return Some(Found::Foreign);
        }
        let (record, end) = decode(piece, start, charset)?;
        Some(Found::Record(start, record, end))
    })
}

//! Reads records from bytes that a crash, a full disk or a bad block may have touched.

use bytes::Bytes;
use memchr::memmem;

use super::record::{MAGIC, Record, decode};
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
}

/// Reads `piece` from its start up to a seal or its end. `complete`: nobody is still writing in it,
/// so that an unfinished record at its end is given up too.
pub fn scan(piece: &Bytes, charset: Charset, complete: bool) -> Tail {
    let mut tail = Tail::default();
    while tail.consumed < piece.len() && !tail.sealed {
        let Some((start, record, end)) = next(piece, tail.consumed, charset) else { break };
        tail.dropped += start - tail.consumed;
        tail.consumed = end;
        match record {
            Record::Change(change) => tail.changes.push(change),
            Record::Folded(fingerprint) => tail.folded = Some(fingerprint),
            Record::Seal => tail.sealed = true,
            Record::Unknown => {}
        }
    }
    if complete && !tail.sealed {
        tail.dropped += piece.len() - tail.consumed;
        tail.consumed = piece.len();
    }
    tail
}

/// The first whole record at or behind byte `from`: its start, what it says, its end.
fn next(piece: &Bytes, from: usize, charset: Charset) -> Option<(usize, Record, usize)> {
    if let Some((record, end)) = decode(piece, from, charset) {
        return Some((from, record, end));
    }
    memmem::find_iter(&piece[from..], &MAGIC).find_map(|offset| {
        let (record, end) = decode(piece, from + offset, charset)?;
        Some((from + offset, record, end))
    })
}

//! Reads records from bytes that a crash, a full disk or a bad block may have damaged.

use bytes::Bytes;
use memchr::memmem;

use super::decode::decode;
use super::purges::Purges;
use super::record::{FAMILY, Folded, Purged, Record, Terms, VERSION};
use crate::store::fs::FileFingerprint;
use crate::store::{Change, ExternalChange, Purge};
use crate::value::write::Charset;

/// What a piece of a journal says.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Debug, Default)]
pub struct Tail {
    /// The changes before the seal, in order.
    pub changes: Vec<Change>,
    /// What they and other records purge, in order.
    pub purges: Vec<Purge>,
    /// What earlier generations purged.
    pub purged: Vec<Purged>,
    /// The places of those among the changes that were made long before they were written, and when,
    /// in seconds since the epoch.
    pub late: Vec<(usize, f64)>,
    /// The snapshots that hold all generations before this one, of all checkpoints that got so far.
    pub folded: Vec<Folded>,
    /// Whether the history begins here: nothing before this piece counts.
    pub begins: bool,
    /// The snapshot that was in place when one was last recorded, if ever.
    pub base: Option<FileFingerprint>,
    /// Whether the generation ends in this piece.
    pub sealed: bool,
    /// Whether it ends because the user deleted the cache: none of it counts.
    pub void: bool,
    /// How many bytes were parsed or given up; the rest is no whole record yet.
    pub consumed: usize,
    /// How many bytes were given up.
    pub dropped: usize,
    /// Whether a later version wrote something that must not be skipped.
    pub later: bool,
}

impl Tail {
    /// Discards everything before it.
    fn begin(&mut self) {
        *self = Self {
            begins: true,
            purges: std::mem::take(&mut self.purges),
            consumed: self.consumed,
            dropped: self.dropped,
            later: self.later,
            ..Self::default()
        };
    }

    /// Adds a change, unless it is the result of an outdated computation. Its record begins at byte
    /// `at`.
    fn take(&mut self, change: Change, terms: Terms, at: u64, purges: &mut Purges) {
        match (&change, terms) {
            (Change::Put(item), Terms::Computed { read }) if purges.concern(&item.key, read) => {
                return;
            }
            (_, Terms::Purges) => self.purge(Purge::of(&change), at, purges),
            (_, Terms::Late { made }) => {
                self.late.push((self.changes.len(), made));
                self.purge(Purge::of(&change), at, purges);
            }
            (_, Terms::Computed { .. } | Terms::Upkeep) => {}
        }
        self.changes.push(change);
    }

    fn purge(&mut self, purge: Purge, at: u64, purges: &mut Purges) {
        purges.note(at, &purge);
        self.purges.push(purge);
    }

    /// Returns what others did, for the cache.
    pub fn into_external(self) -> impl Iterator<Item = ExternalChange> {
        let purges = self.purges.into_iter().map(ExternalChange::Purge);
        purges.chain(self.changes.into_iter().map(ExternalChange::Change))
    }
}

/// Reads `piece`, which begins at byte `from` of its generation, up to a seal or its end, and adds
/// its purges to the `purges` of everything before it. `complete` says that nobody is still writing
/// to it, so that an unfinished record at its end is given up, too.
pub fn scan(
    piece: &Bytes,
    from: u64,
    purges: &mut Purges,
    charset: Charset,
    complete: bool,
) -> Tail {
    let mut tail = Tail::default();
    while tail.consumed < piece.len() && !tail.sealed {
        let Some((start, record, end)) = next(piece, tail.consumed, charset) else { break };
        tail.dropped += start - tail.consumed;
        tail.consumed = end;
        match record {
            Record::Change(change, terms) => tail.take(change, terms, from + start as u64, purges),
            Record::Purge(purge) => tail.purge(purge, from + start as u64, purges),
            Record::Purged(earlier) => tail.purged.push(earlier),
            Record::Folded(folded) => tail.folded.push(folded),
            Record::Base(Some(snapshot)) => tail.base = Some(snapshot),
            Record::Base(None) => tail.begin(),
            Record::Seal { void } => (tail.sealed, tail.void) = (true, void),
            Record::Later => tail.later = true,
            Record::Passing | Record::Unknown => {}
        }
    }
    // A later version may frame its records differently.
    tail.later |= tail.consumed == 0 && is_of_later_version(piece);
    if complete && !tail.sealed && !tail.later {
        tail.dropped += piece.len() - tail.consumed;
        tail.consumed = piece.len();
    }
    tail
}

/// Returns whether `piece` begins like a record of an unknown version.
fn is_of_later_version(piece: &[u8]) -> bool {
    let version = piece.strip_prefix(&FAMILY).and_then(|rest| rest.first());
    // A torn record may be followed by the first byte of another one, which is `FF`.
    version.is_some_and(|version| (VERSION + 1..0x80).contains(version))
}

/// Returns the first whole record at or after byte `from`: its start, its contents, its end.
fn next(piece: &Bytes, from: usize, charset: Charset) -> Option<(usize, Record, usize)> {
    if let Some((record, end)) = decode(piece, from, charset) {
        return Some((from, record, end));
    }
    memmem::find_iter(&piece[from..], &FAMILY).find_map(|offset| {
        let (record, end) = decode(piece, from + offset, charset)?;
        Some((from + offset, record, end))
    })
}

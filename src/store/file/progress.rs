//! How much the journals hold that the snapshot lacks.

use crate::store::fs::FileFingerprint;
use crate::store::journal::Folded;

/// The known snapshot, and what it lacks.
#[derive(Debug, Default)]
pub struct Progress {
    /// The snapshot that was read, or that others wrote from what was read; `None`: there was none.
    pub snapshot: Option<FileFingerprint>,
    /// The snapshot that every process following the journals knows.
    pub common: Option<FileFingerprint>,
    /// Whether the journals say that there was a snapshot, although this process never saw it.
    pub was_placed: bool,
    /// How many changes the current generation holds.
    pub changes: u64,
    /// How many changes the generations before it hold that are in no snapshot.
    pub older_changes: u64,
    /// How many bytes those generations have.
    pub older_bytes: u64,
    /// Whether the snapshot must be written again although nothing changed (it was damaged).
    pub rewrite: bool,
    /// The size of the journals, in bytes, when a save last failed; 0 since one succeeded.
    pub failed_at: u64,
    /// A snapshot that a process is about to put in place. It counts only when it is seen there:
    /// the process may die before.
    announced: Option<Announced>,
    /// Whether a snapshot was announced that holds more than the journals: the next one must be
    /// read.
    must_read: bool,
    /// The last snapshot that was announced as a merge of an editor's file.
    pub merged: Option<FileFingerprint>,
}

#[derive(Clone, Copy, Debug)]
struct Announced {
    snapshot: FileFingerprint,
    /// The changes and bytes of older generations that it holds.
    changes: u64,
    bytes: u64,
}

impl Progress {
    /// Returns whether the journals hold something that the snapshot lacks, or it must be written
    /// anew.
    pub fn needs_save(&self) -> bool {
        self.rewrite || self.changes + self.older_changes > 0
    }

    /// Returns whether a snapshot is expected.
    pub fn is_announced(&self) -> bool {
        self.announced.is_some()
    }

    /// Notes that this process is about to put `snapshot` in place, which holds all older
    /// generations and whatever is in memory: a call that sees it before the checkpoint ends then
    /// knows it.
    pub fn expect(&mut self, snapshot: FileFingerprint) {
        let (changes, bytes) = (self.older_changes, self.older_bytes);
        self.announced = Some(Announced { snapshot, changes, bytes });
    }

    /// Notes that a process is about to put a snapshot in place that holds all older generations.
    pub fn announce(&mut self, folded: Folded) {
        self.expect(folded.snapshot);
        self.must_read |= folded.more;
        self.merged = Some(folded.snapshot).filter(|_| folded.merged).or(self.merged);
    }

    /// Returns whether a snapshot that was in place, as far as this process knows, is gone if there
    /// is none `now`.
    pub fn is_gone(&self, now: Option<FileFingerprint>) -> bool {
        now.is_none() && (self.snapshot.is_some() || self.was_placed)
    }

    /// Notes that `now` is in the snapshot's place. Returns whether it is known; if not, it has to
    /// be read.
    pub fn settle(&mut self, now: Option<FileFingerprint>) -> bool {
        let seen = self.announced.filter(|announced| Some(announced.snapshot) == now);
        if let Some(announced) = seen.filter(|_| !self.must_read) {
            self.announced = None;
            (self.snapshot, self.common) = (now, now);
            self.older_changes -= announced.changes;
            self.older_bytes -= announced.bytes;
        }
        now == self.snapshot
    }

    /// Notes that this process put `snapshot` in place, which holds all older generations.
    pub fn record_checkpoint(&mut self, snapshot: FileFingerprint) {
        *self = Self {
            snapshot: Some(snapshot),
            common: Some(snapshot),
            changes: self.changes,
            ..Self::default()
        };
    }

    /// Counts the current generation, which has `bytes`, among the older ones.
    pub fn finish_generation(&mut self, bytes: u64) {
        self.older_bytes += bytes;
        self.older_changes += std::mem::take(&mut self.changes);
    }
}

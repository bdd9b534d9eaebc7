//! What a process knows about the files.

use crate::store::fs::{FileFingerprint, Fs};
use crate::store::journal::Journal;
use crate::store::{Change, Format, News};

/// A journal smaller than this is not worth a save of its own.
const SMALL: u64 = 1 << 20;

/// Everything that changes while the store is in use.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Debug, Default)]
pub struct State {
    /// The generation that is being written to.
    pub journal: Option<Journal>,
    /// The last sealed generation that was taken in.
    pub finished: Option<u64>,
    /// The snapshot that was taken in, or that others wrote from what was; `None`: there was none.
    pub snapshot: Option<FileFingerprint>,
    /// How the snapshot is laid out, if it is there and says so.
    pub format: Option<Format>,
    /// How many changes the current generation holds.
    pub changes: u64,
    /// How many changes the generations before it hold that are in no snapshot.
    pub older_changes: u64,
    /// How many bytes they have.
    pub older_bytes: u64,
    /// A snapshot that somebody is about to put in place, and how many changes and bytes of older
    /// generations it holds. It counts when it is seen there: he may die before.
    pub announced: Option<(FileFingerprint, u64, u64)>,
    /// How many changes are in memory alone, because they could not be appended.
    pub unsaved: u64,
    /// Whether the snapshot must be written again though nothing changed (it was damaged).
    pub rewrite: bool,
    /// What others did and the cache has not asked for yet.
    pub pending: Vec<News>,
    /// Why there is no file to work with, if so.
    pub broken: Option<&'static str>,
    /// Whether this process holds the fold lock to save.
    pub folding: bool,
    /// Whether this process has asked whether it is alone, and is.
    pub alone: bool,
    /// Whether it is unknown what was taken in: after a close, and in the child of a fork at a bad
    /// moment.
    pub lost: bool,
    /// The damaged snapshot that a copy was kept of.
    pub kept: Option<FileFingerprint>,
    /// The damaged snapshot that a copy is to be kept of before it is written over.
    pub owes_copy: Option<FileFingerprint>,
}

impl State {
    /// Whether there is anything that the snapshot does not hold.
    pub fn needs_save(&self) -> bool {
        self.rewrite || self.changes + self.older_changes + self.unsaved > 0
    }

    /// Whether this process has nothing open, and left nothing that a snapshot must still take in.
    pub fn is_closed(&self) -> bool {
        self.lost && self.journal.is_none() && !self.needs_save()
    }

    /// Whether nobody did anything of late, as far as a glance at the journal tells.
    pub fn is_quiet(&self) -> bool {
        let certain = !self.lost && self.announced.is_none();
        certain && self.journal.as_ref().is_some_and(Journal::is_quiet)
    }

    /// Whether the journal is large enough to be folded.
    pub fn has_outgrown(&self) -> bool {
        let bytes = self.older_bytes + self.journal.as_ref().map_or(0, Journal::bytes);
        bytes > SMALL.max(self.snapshot.map_or(0, |snapshot| snapshot.size))
    }

    /// Counts the current generation among the older ones.
    pub fn finish_generation(&mut self) {
        if let Some(journal) = self.journal.take() {
            self.finished = Some(journal.generation);
            self.older_bytes += journal.bytes();
            self.older_changes += std::mem::take(&mut self.changes);
        }
    }

    /// Notes that somebody is about to put a snapshot in place that holds all older generations.
    pub fn announce(&mut self, fingerprint: FileFingerprint) {
        self.announced = Some((fingerprint, self.older_changes, self.older_bytes));
    }

    /// Notes that `now` is what stands at the snapshot's place.
    pub fn settle(&mut self, now: Option<FileFingerprint>) {
        if let Some((fingerprint, changes, bytes)) = self.announced.filter(|it| Some(it.0) == now) {
            self.announced = None;
            self.snapshot = Some(fingerprint);
            self.older_changes -= changes;
            self.older_bytes -= bytes;
        }
    }

    /// Notes that the snapshot is `fingerprint` now and holds all older generations, and `unsaved`
    /// changes that were in memory alone.
    pub fn is_folded(&mut self, fingerprint: FileFingerprint, unsaved: u64) {
        self.snapshot = Some(fingerprint);
        self.unsaved -= unsaved.min(self.unsaved);
        (self.older_changes, self.older_bytes, self.rewrite) = (0, 0, false);
        self.announced = None;
    }

    /// Notes that an own change stands behind all news so far: what it undoes is no news any more.
    pub fn supersede(&mut self, change: &Change) {
        if self.pending.is_empty() {
            return;
        }
        self.pending.retain(|news| !matches!(news, News::Change(old) if undoes(change, old)));
        if self.pending.iter().any(|news| matches!(news, News::Replaced(_))) {
            self.pending.push(News::Change(change.clone()));
        }
    }

    /// What the child of a fork knows: the same, with a handle of its own.
    pub fn child(&mut self, fs: &dyn Fs) -> Self {
        let journal = self.journal.take();
        let reopened = journal.as_ref().map(|journal| journal.reopen(fs)).transpose();
        Self {
            lost: self.lost || reopened.is_err(),
            journal: reopened.ok().flatten(),
            folding: false,
            alone: false,
            ..std::mem::take(self)
        }
    }
}

/// Whether nothing of `old` is left after `new`.
fn undoes(new: &Change, old: &Change) -> bool {
    match (key(new), key(old)) {
        (None, _) => true,
        (Some(new), Some(old)) => new == old,
        (Some(_), None) => false,
    }
}

/// The one key that a change is about; `None` if it is about all.
fn key(change: &Change) -> Option<&bytes::Bytes> {
    match change {
        Change::Put(item) => Some(&item.key),
        Change::Remove(key) => Some(key),
        Change::Clear => None,
    }
}

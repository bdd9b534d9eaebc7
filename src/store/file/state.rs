//! What a process knows of the files.

use super::Options;
use super::backlog::Backlog;
use super::folder::Folder;
use super::generations::Generations;
use super::head::Head;
use super::news::News;
use super::own::Own;
use super::phase::{PROTECTED, Phase};
use super::progress::Progress;
use super::purged::PurgedKeys;
use super::quarantine::Quarantine;
use super::sighting::Sighting;
use crate::error::{Error, Result};
use crate::store::fs::Closed;
use crate::store::{Change, Format, RESERVED_KEY};
use crate::sync::Arc;

/// A journal of fewer bytes is not worth a save of its own.
const SMALL: u64 = 1 << 20;

/// Everything that changes while the store is in use.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Debug)]
pub struct FileState {
    pub(super) folder: Arc<Folder>,
    /// The journal to append to, and where it stands.
    pub head: Head,
    pub(super) read_only: bool,
    /// Whether nothing may be created in the folder while reading.
    pub only_reads: bool,
    /// Whether the last save failed because somebody wrote the snapshot meanwhile.
    pub was_disturbed: bool,
    /// How far this process is with its files.
    pub phase: Phase,
    /// The format of the snapshot, if there is one that says so.
    pub format: Option<Format>,
    /// What the snapshot lacks.
    pub progress: Progress,
    /// What generations purged, also those that are folded.
    pub purged: PurgedKeys,
    /// Own changes that no disk has taken.
    pub backlog: Backlog,
    /// Changes of others that the cache has not taken yet.
    pub news: News,
    /// Damaged snapshots of which a copy is kept.
    pub quarantine: Quarantine,
    /// Whether the user deleted the cache and its journals still have to be ended.
    pub is_void: bool,
    /// Whether a later version wrote the snapshot or a journal: all files are left alone then.
    pub is_later: bool,
    /// Whether there was no journal to follow when a key was locked, and none could be made.
    pub(super) follows_in_vain: bool,
    /// When the files were last seen in their place. Changes appended since are kept, and appended
    /// again if the user had deleted the cache before.
    pub(super) seen: Sighting,
}

impl FileState {
    /// The state before anything was read.
    pub fn new(generations: Arc<Generations>, options: Options) -> Self {
        Self {
            folder: Arc::clone(generations.folder()),
            head: Head::new(generations, options.durability),
            read_only: options.read_only,
            only_reads: options.read_only,
            was_disturbed: false,
            phase: Phase::Unknown,
            format: None,
            progress: Progress::default(),
            purged: PurgedKeys::default(),
            backlog: Backlog::default(),
            news: News::default(),
            quarantine: Quarantine::default(),
            is_void: false,
            is_later: false,
            follows_in_vain: false,
            seen: Sighting::default(),
        }
    }

    /// Returns whether there is something that the snapshot lacks.
    pub fn needs_save(&self) -> bool {
        self.progress.needs_save() || !self.backlog.is_empty() || self.is_rewritten()
    }

    /// Returns whether a program that does not know our journals rewrote the snapshot, which may
    /// lack entries then. A removed snapshot lacks nothing: the user removed it.
    pub fn is_rewritten(&self) -> bool {
        let known = self.progress.snapshot;
        let is_unread = || self.folder.fingerprint().is_some_and(|now| Some(now) != known);
        // Once the cache has taken it in, the journal says what the snapshot lacks.
        self.head.journal().is_some() && (self.news.hold_foreign_snapshot() || is_unread())
    }

    /// Reports that the snapshot could not be written, and how many results only this process has.
    pub fn tell_unsaved(&self, error: &Error) {
        // The salt is kept like a result, and is none.
        let is_result = |change: &&Change| {
            matches!(change, Change::Put(_)) && change.key().is_some_and(|key| key != RESERVED_KEY)
        };
        let results = self.backlog.changes().filter(is_result);
        self.folder.tell_unsaved(error, results.count());
    }

    /// Returns whether a snapshot may be written here.
    pub fn may_save(&self) -> bool {
        !self.read_only && !self.is_later && self.phase == Phase::Following
    }

    /// Returns whether this process has nothing open, and left nothing that a snapshot must still
    /// take in.
    pub fn is_closed(&self) -> bool {
        let nothing = self.backlog.is_empty() && !self.progress.needs_save();
        self.phase == Phase::Unknown && self.head.journal().is_none() && nothing
    }

    /// Returns whether nothing has happened of late, as far as a glance at the journal tells.
    pub fn is_quiet(&self) -> bool {
        let certain = self.phase == Phase::Following && !self.progress.is_announced();
        certain && !self.is_check_due() && self.head.is_quiet()
    }

    /// Returns whether the files were last seen in their place too long ago.
    pub(super) fn is_check_due(&self) -> bool {
        !self.seen.is_recent()
    }

    /// Notes that the files were seen in their place.
    pub(super) fn confirm(&mut self) {
        self.seen = Sighting::now();
        self.backlog.confirm();
    }

    /// Returns whether the journals are large enough for a save, or for another try after a failed
    /// one.
    pub fn has_outgrown(&self) -> bool {
        let snapshot = self.progress.snapshot.map_or(0, |snapshot| snapshot.size);
        let least = SMALL.max(snapshot).max(2 * self.progress.failed_at);
        self.may_save() && self.journal_bytes() > least
    }

    /// Returns how many bytes of the journals the snapshot does not hold.
    pub fn journal_bytes(&self) -> u64 {
        self.progress.older_bytes + self.head.bytes()
    }

    /// Keeps a change that cannot be appended now because of `error`. Changes that others had
    /// appended before are older, and are read first: read later, they would look newer. Returns
    /// `false` if it is the result of a computation that turns out to be outdated.
    pub fn keep_unwritten(&mut self, own: Own, error: Error) -> Result<bool> {
        let is_read = self.check_usable().is_err() || self.catch_up_or_tell();
        if own.may_be_outdated() && self.news.outdate(own.change) {
            return Ok(false);
        }
        self.news.supersede(own);
        // Who could not read does not know whether what is read later was purged before or after.
        self.backlog.keep_as(own.change.clone(), own.cause, error.is_busy() && is_read);
        Err(error)
    }

    /// Counts the current generation among the older ones.
    pub fn finish_generation(&mut self) {
        if let Some(bytes) = self.head.finish() {
            self.progress.finish_generation(bytes);
        }
    }

    /// Why results cannot be kept at this moment, or none could be read.
    pub fn trouble(&self) -> Option<&'static str> {
        match self.phase {
            Phase::Unusable(PROTECTED) if self.only_reads => None,
            Phase::Unusable(why) => Some(why),
            _ if !self.backlog.is_empty() => Some("no disk has taken all results"),
            Phase::Unknown | Phase::Following => None,
        }
    }

    /// Gives up all handles. What was read stays known, and the backlog is kept.
    pub fn detach(&mut self) {
        self.head.set(None);
        if !matches!(self.phase, Phase::Unusable(_)) {
            self.phase = Phase::Unknown;
        }
    }

    /// Closes the journal until its next use.
    pub fn close_idle(&mut self) -> Closed {
        let Some(journal) = self.head.journal_mut() else { return Closed::Before };
        if !self.backlog.is_confirmed() {
            // If the snapshot changed just now, that could not be told from a change after the
            // close.
            let in_place = self.folder.snapshot().is_ok_and(|now| now == self.progress.snapshot);
            if !in_place || !journal.is_still_named() {
                return Closed::NotYet;
            }
            self.backlog.confirm();
        }
        journal.close_for_now();
        Closed::Now
    }

    /// Returns the state for the child of a fork: the same knowledge with handles of its own.
    pub fn child(&mut self, generations: Arc<Generations>, options: Options) -> Self {
        let (head, is_open) = self.head.child(Arc::clone(&generations));
        let mut child = Self::new(generations, options);
        child.only_reads = self.only_reads;
        child.phase = if is_open { self.phase } else { Phase::Unknown };
        (child.head, child.format) = (head, self.format);
        child.progress = std::mem::take(&mut self.progress);
        child.purged = std::mem::take(&mut self.purged);
        child.backlog = std::mem::take(&mut self.backlog).child();
        child.news = self.news.child();
        child.quarantine = std::mem::take(&mut self.quarantine);
        (child.is_void, child.is_later) = (self.is_void, self.is_later);
        child
    }
}

//! The files as one process sees them.

use std::io;

use super::Options;
use super::contents::Contents;
use super::folder::Folder;
use super::generations::Generations;
use super::head::Head;
use super::phase::Phase;
use super::quarantine::Quarantine;
use super::sighting::Sighting;
use crate::error::Error;
use crate::store::Format;
use crate::store::fs::Closed;
use crate::sync::Arc;

/// What one process has read of the files, which it follows through all generations.
#[derive(Debug)]
pub struct FileView {
    pub(super) folder: Arc<Folder>,
    /// The journal to append to, and where it stands.
    pub head: Head,
    /// What is known of the entries.
    pub contents: Contents,
    /// How far this process is with its files.
    pub phase: Phase,
    /// The format of the snapshot, if there is one that says so.
    pub format: Option<Format>,
    /// Whether nothing may be created in the folder while reading.
    pub only_reads: bool,
    /// Damaged snapshots of which a copy is kept.
    pub quarantine: Quarantine,
    /// Whether the user deleted the cache and its journals still have to be ended.
    pub is_void: bool,
    /// Whether a later version wrote the snapshot or a journal: all files are left alone then.
    pub is_later: bool,
    /// When the files were last seen in their place. Changes appended since are kept, and appended
    /// again if the user had deleted the cache before.
    pub(super) seen: Sighting,
}

impl FileView {
    /// The state before anything was read.
    pub fn new(generations: Arc<Generations>, options: Options) -> Self {
        Self {
            folder: Arc::clone(generations.folder()),
            head: Head::new(generations, options.durability),
            contents: Contents::default(),
            phase: Phase::Unknown,
            format: None,
            only_reads: options.read_only,
            quarantine: Quarantine::default(),
            is_void: false,
            is_later: false,
            seen: Sighting::default(),
        }
    }

    /// Returns whether a program that does not know our journals rewrote the snapshot, which may
    /// lack entries then. A removed snapshot lacks nothing: the user removed it.
    pub fn is_rewritten(&self) -> bool {
        let known = self.contents.progress.snapshot;
        let is_unread = || self.folder.fingerprint().is_some_and(|now| Some(now) != known);
        // Once the cache has taken it in, the journal says what the snapshot lacks.
        self.head.journal().is_some() && (self.contents.news.hold_foreign_snapshot() || is_unread())
    }

    /// Returns whether nothing has happened of late, as far as a glance at the journal tells.
    pub fn is_quiet(&self) -> bool {
        let certain = self.phase == Phase::Following && !self.contents.progress.is_announced();
        certain && !self.is_check_due() && self.head.is_quiet()
    }

    /// Returns whether the files were last seen in their place too long ago.
    pub fn is_check_due(&self) -> bool {
        !self.seen.is_recent()
    }

    /// Notes that the files were seen in their place.
    pub(super) fn confirm(&mut self) {
        self.seen = Sighting::now();
        self.contents.backlog.confirm();
    }

    /// Returns how many bytes of the journals the snapshot does not hold.
    pub fn journal_bytes(&self) -> u64 {
        self.contents.progress.older_bytes + self.head.bytes()
    }

    /// Counts the current generation among the older ones.
    pub fn finish_generation(&mut self) {
        if let Some(bytes) = self.head.finish() {
            self.contents.progress.finish_generation(bytes);
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
        if !self.contents.backlog.is_confirmed() {
            // If the snapshot changed just now, that could not be told from a change after the
            // close.
            let known = self.contents.progress.snapshot;
            let in_place = self.folder.snapshot().is_ok_and(|now| now == known);
            if !in_place || !journal.is_still_named() {
                return Closed::NotYet;
            }
            self.contents.backlog.confirm();
        }
        journal.close_for_now();
        Closed::Now
    }

    /// Returns a function that makes a cache error of an error of an operation on the journals.
    pub(super) fn wrong(&self, doing: &'static str) -> impl Fn(io::Error) -> Error + use<> {
        let folder = Arc::clone(&self.folder);
        move |error| folder.journal_error(doing)(error)
    }

    /// Returns the state for the child of a fork: the same knowledge with handles of its own.
    pub fn child(&mut self, generations: Arc<Generations>, options: Options) -> Self {
        let (head, is_open) = self.head.child(Arc::clone(&generations));
        let mut child = Self::new(generations, options);
        child.only_reads = self.only_reads;
        child.phase = if is_open { self.phase } else { Phase::Unknown };
        (child.head, child.format) = (head, self.format);
        child.contents = self.contents.child();
        child.quarantine = std::mem::take(&mut self.quarantine);
        (child.is_void, child.is_later) = (self.is_void, self.is_later);
        child
    }
}

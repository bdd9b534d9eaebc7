//! What changes while the store is in use.

use super::Options;
use super::generations::Generations;
use super::own::Own;
use super::phase::{PROTECTED, Phase};
use super::view::FileView;
use crate::error::{Error, Result};
use crate::sync::Arc;

/// A journal of fewer bytes is not worth a save of its own.
const SMALL: u64 = 1 << 20;

/// A process that reads the files and writes to them.
#[derive(Debug)]
pub struct FileState {
    /// What it reads.
    pub view: FileView,
    pub(super) read_only: bool,
    /// Whether the last save failed because somebody wrote the snapshot meanwhile.
    pub was_disturbed: bool,
    /// Whether there was no journal to follow when a key was locked, and none could be made.
    pub(super) follows_in_vain: bool,
}

impl FileState {
    /// The state before anything was read.
    pub fn new(generations: Arc<Generations>, options: Options) -> Self {
        Self {
            view: FileView::new(generations, options),
            read_only: options.read_only,
            was_disturbed: false,
            follows_in_vain: false,
        }
    }

    /// Returns whether there is something that the snapshot lacks.
    pub fn needs_save(&self) -> bool {
        self.view.contents.need_save() || self.view.is_rewritten()
    }

    /// Reports that the snapshot could not be written, and how many results only this process has.
    pub fn tell_unsaved(&self, error: &Error) {
        self.view.folder.tell_unsaved(error, self.view.contents.unsaved_results());
    }

    /// Returns whether a snapshot may be written here.
    pub fn may_save(&self) -> bool {
        !self.read_only && !self.view.is_later && self.view.phase == Phase::Following
    }

    /// Returns whether this process has nothing open, and left nothing that a snapshot must still
    /// take in.
    pub fn is_closed(&self) -> bool {
        let FileView { contents, head, phase, .. } = &self.view;
        *phase == Phase::Unknown && head.journal().is_none() && !contents.need_save()
    }

    /// Returns whether the journals are large enough for a save, or for another try after a failed
    /// one.
    pub fn has_outgrown(&self) -> bool {
        let progress = &self.view.contents.progress;
        let snapshot = progress.snapshot.map_or(0, |snapshot| snapshot.size);
        let least = SMALL.max(snapshot).max(2 * progress.failed_at);
        self.may_save() && self.view.journal_bytes() > least
    }

    /// Keeps a change that cannot be appended now because of `error`. Changes that others had
    /// appended before are older, and are read first: read later, they would look newer. Returns
    /// `false` if it is the result of a computation that turns out to be outdated.
    pub fn keep_unwritten(&mut self, own: Own, error: Error) -> Result<bool> {
        let is_read = self.check_usable().is_err() || self.view.catch_up_or_tell();
        let contents = &mut self.view.contents;
        if own.may_be_outdated() && contents.news.outdate(own.change) {
            return Ok(false);
        }
        contents.news.supersede(own);
        // Who could not read does not know whether what is read later was purged before or after.
        contents.backlog.keep_as(own.change.clone(), own.cause, error.is_busy() && is_read);
        Err(error)
    }

    /// Why results cannot be kept at this moment, or none could be read.
    pub fn trouble(&self) -> Option<&'static str> {
        let FileView { contents, phase, only_reads, .. } = &self.view;
        match *phase {
            Phase::Unusable(PROTECTED) if *only_reads => None,
            Phase::Unusable(why) => Some(why),
            _ if !contents.backlog.is_empty() => Some("no disk has taken all results"),
            Phase::Unknown | Phase::Following => None,
        }
    }

    /// Returns the state for the child of a fork: the same knowledge with handles of its own.
    pub fn child(&mut self, generations: Arc<Generations>, options: Options) -> Self {
        let view = self.view.child(Arc::clone(&generations), options);
        Self { view, ..Self::new(generations, options) }
    }
}

//! Reading everything: the snapshot, and the chain of journals behind it.

use std::io::{self, ErrorKind};

use super::chain::{Chain, History};
use super::progress::Progress;
use super::replace;
use super::snapshot_file::{self, Contents, Found};
use super::state::{FileState, Phase};
use super::telling::is_circle;
use crate::store::fs::FileFingerprint;
use crate::store::snapshot::somebody_elses;
use crate::store::{Change, ExternalChange, Items, Loaded};

/// How often everything is read while others save; more often, and it is no save that disturbs.
const LOOKS: u32 = 100;

impl FileState {
    /// Reads everything and starts from there. What no disk has taken is in it, too.
    pub fn load(&mut self) -> Loaded {
        self.pending.clear();
        let loaded = self.try_load().map(|(loaded, _)| loaded);
        // Nothing is being computed yet from what was there before.
        self.pending.clear();
        loaded.unwrap_or_else(|| Loaded {
            items: Items::default().after(self.backlog.changes().cloned().collect()),
            ..Loaded::default()
        })
    }

    /// Reads everything, as what others did. What cannot be read says nothing about what we know.
    ///
    /// What was read of the journals before stays in front of it, and so do the deletions that are
    /// read only now: what others removed there is not to be taken for something that a foreign
    /// writer of the file did not know. So does what was read before that writer came.
    pub(super) fn reload(&mut self) {
        if let Some((loaded, deletions)) = self.try_load() {
            self.pending.retain(|change| match change {
                ExternalChange::Change(_) | ExternalChange::Purge(_) => true,
                ExternalChange::Replaced(old) => loaded.foreign && (old.missed || !old.foreign),
            });
            self.pending.extend(deletions.into_iter().map(ExternalChange::Change));
            self.pending.push(ExternalChange::Replaced(loaded));
        }
    }

    /// Everything, and what the journals in it delete.
    fn try_load(&mut self) -> Option<(Loaded, Vec<Change>)> {
        let (chain, found) = self.read_present()?;
        self.is_later |= chain.is_later();
        let announced = Self::announced(&chain, &found);
        let is_known = chain.accounts_for(announced);
        let is_common = chain.accounts_for(found.fingerprint);
        let last = chain.last();
        let missed = !self.expected().is_some_and(|expected| chain.holds(expected));
        let mut history = chain.without_folded(announced).history();
        self.pending.extend(history.take_purges());
        let Progress { snapshot: known, merged, .. } = std::mem::take(&mut self.progress);
        self.progress.rewrite = found.rewrite || announced != found.fingerprint;
        let mut changes = if history.is_void(found.fingerprint, known) {
            self.give_up_chain(last);
            Vec::new()
        } else {
            self.adopt(history, found.fingerprint, is_common)
        };
        let mut items = found.items;
        if !self.backlog.is_empty() {
            let listed = items.into_vec();
            self.backlog.note_found(&listed, &changes);
            items = Items::Listed(listed);
        }
        self.seen = None;
        if self.is_later {
            self.folder.tell_later();
        }
        let deletes = |change: &&Change| !matches!(change, Change::Put(_));
        let deletions = changes.iter().filter(deletes).cloned().collect();
        changes.extend(self.backlog.changes().cloned());
        let modified = found.fingerprint.map(FileFingerprint::time);
        let items = items.after(changes);
        // Whoever merged an editor's file did not know what only this process did.
        let foreign = !is_known || merged.is_some() && merged == announced;
        Some((Loaded { items, modified, foreign, missed }, deletions))
    }

    /// What was found, and the whole copy beside it that the journals know instead: its writer came
    /// to grief before he had written it over what stands there, or before he could tell. If the copy
    /// is later, it is what counts.
    fn or_whole(&self, chain: &Chain, found: Found) -> Found {
        let unknown = |placed: &FileFingerprint| chain.last().is_some() && !chain.knows(*placed);
        let Some(placed) = found.fingerprint.filter(unknown) else { return found };
        let whole = self.folder.fs.status(&self.folder.paths().whole);
        let whole = whole.map(|status| status.fingerprint).ok();
        let Some(whole) = whole.filter(|&whole| chain.knows(whole)) else { return found };
        if whole.modified < placed.modified {
            let is_copy = replace::is_written_over(&self.folder, placed);
            let whole = Some(whole).filter(|_| is_copy).or(found.whole);
            return Found { whole, ..found };
        }
        match snapshot_file::read_whole(&self.folder) {
            Ok(Some((read_as, read))) if read_as == whole => {
                Found { items: read.items, whole: Some(whole), ..found }
            }
            _ => found,
        }
    }

    /// The snapshot that was found, as a checkpoint announced it.
    fn announced(chain: &Chain, found: &Found) -> Option<FileFingerprint> {
        let placed = found.fingerprint?;
        let whole = found.whole.filter(|&whole| !chain.knows(placed) && chain.knows(whole));
        Some(whole.unwrap_or(placed))
    }

    /// Reads everything; where the snapshot has just gone, not before it is clear that it stays away.
    fn read_present(&mut self) -> Option<(Chain, Found)> {
        let read = self.read_all()?;
        // git, for one, removes a file and makes it anew a moment later.
        let was_there = self.progress.snapshot.is_some() || read.0.knew_snapshot();
        let is_gone = read.1.fingerprint.is_none() && was_there;
        if is_gone && self.folder.brings_snapshot_back() { self.read_all() } else { Some(read) }
    }

    /// Reads the journals, then the snapshot: what a save takes out of the journals meanwhile is in
    /// the snapshot then. If there are others by now, or they do not know the snapshot and somebody
    /// has written in them, they may say something else: once more.
    fn read_all(&mut self) -> Option<(Chain, Found)> {
        let mut left = LOOKS;
        loop {
            (self.phase, self.is_later, self.format) = (Phase::Unknown, false, None);
            let chain = match self.folder.open_chain() {
                Ok(chain) => chain,
                Err(error) => {
                    let wrong = self.folder.journal_error("read the journal of");
                    self.folder.tell_unread(&wrong(error));
                    return None;
                }
            };
            let found = self.read_snapshot()?;
            let found = self.or_whole(&chain, found);
            left -= 1;
            let is_known = chain.accounts_for(found.fingerprint);
            let is_still = || self.folder.generations().is_ok_and(|found| chain.is_still(&found));
            if left == 0 || is_still() && (is_known || chain.is_quiet()) {
                return Some((chain, found));
            }
        }
    }

    /// Reads the snapshot. What is no file, or may not be read, is left alone from now on.
    fn read_snapshot(&mut self) -> Option<Found> {
        let Contents { fingerprint, read, whole } = match snapshot_file::read_steadily(&self.folder)
        {
            Ok(Some(found)) => found,
            Ok(None) => {
                let why = "the cache's path is no regular file";
                return self.leave_alone(Phase::Unusable(why), why, None);
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                (self.phase, self.format) = (Phase::Following, None);
                return Some(Found::default());
            }
            Err(error) => {
                let why = "the file cannot be read";
                let for_good = error.kind() == ErrorKind::PermissionDenied || is_circle(&error);
                let phase = if for_good { Phase::Unusable(why) } else { Phase::Unknown };
                return self.leave_alone(phase, why, Some(error));
            }
        };
        if let Some(what) = somebody_elses(&self.folder.paths().snapshot, &read) {
            let (why, what) =
                ("the file is no cache", format!("it looks like somebody else's: {what}"));
            return self.leave_alone(Phase::Unusable(why), why, Some(io::Error::other(what)));
        }
        let is_protected = self.folder.is_write_protected();
        let protected = Phase::Unusable("the file is write-protected");
        self.phase = if is_protected { protected } else { Phase::Following };
        (self.format, self.is_later) = (read.format, read.later.is_some());
        let only_reads = self.only_reads;
        let mut judge = || self.quarantine.judge(&self.folder, fingerprint, &read, only_reads);
        let rewrite = whole.is_some() || judge();
        Some(Found { items: read.items, fingerprint: Some(fingerprint), rewrite, whole })
    }

    /// Goes on without a file.
    fn leave_alone<T>(
        &mut self,
        phase: Phase,
        why: &'static str,
        error: Option<io::Error>,
    ) -> Option<T> {
        self.phase = phase;
        self.folder.tell_unusable(why, error);
        None
    }

    /// Takes over a history, up to the generation that is current; returns all changes. `is_known`
    /// says whether all who follow it know the `snapshot`.
    pub(super) fn adopt(
        &mut self,
        history: History,
        snapshot: Option<FileFingerprint>,
        is_known: bool,
    ) -> Vec<Change> {
        self.is_void = false;
        let progress = &mut self.progress;
        (progress.snapshot, progress.common) = (snapshot, snapshot.filter(|_| is_known));
        (progress.older_changes, progress.older_bytes) = history.older;
        progress.changes = history.current.as_ref().map_or(0, |current| current.changes);
        if let Some(folded) = history.folded.filter(|folded| Some(folded.snapshot) != snapshot) {
            progress.announce(folded);
        }
        self.finished = history.finished.or(self.finished);
        self.journal = history.current.map(|current| current.journal);
        history.dropped.into_iter().for_each(|dropped| self.folder.tell_dropped(&dropped));
        history.changes
    }

    /// The user deleted the cache: its journals go with it. What this process appended since it last
    /// saw the files in their place may have come after that.
    fn give_up_chain(&mut self, last: Option<u64>) {
        self.backlog.reclaim_void();
        self.is_void = last.is_some();
        self.finished = last.max(self.finished);
        self.journal = None;
    }
}

//! What a process knows of the entries: what the snapshot lacks, what others did, and what no disk
//! has taken.

use super::backlog::{Asked, Backlog};
use super::chain::{Chain, History, Position};
use super::news::News;
use super::own::Own;
use super::progress::Progress;
use super::purged::PurgedKeys;
use crate::store::fs::FileFingerprint;
use crate::store::journal::{Purged, Tail};
use crate::store::{Change, ExternalChange, Items, Purge, RESERVED_KEY};

/// What is known of the entries in the files, whatever file holds them.
#[derive(Debug, Default)]
pub struct Contents {
    /// What the snapshot lacks.
    pub progress: Progress,
    /// What generations purged, also those that are folded.
    pub purged: PurgedKeys,
    /// Own changes that no disk has taken.
    pub backlog: Backlog,
    /// Changes of others that the cache has not taken yet.
    pub news: News,
}

impl Contents {
    /// Returns whether the snapshot lacks anything.
    pub fn need_save(&self) -> bool {
        self.progress.needs_save() || !self.backlog.is_empty()
    }

    /// Returns whether this process must write the snapshot itself: nobody else has all that it
    /// holds, or the snapshot is damaged.
    pub fn owe(&self) -> bool {
        self.progress.rewrite || !self.backlog.is_empty()
    }

    /// Returns how many results only this process has. The salt is kept like a result, and is none.
    pub fn unsaved_results(&self) -> usize {
        let is_result = |change: &&Change| {
            matches!(change, Change::Put(_)) && change.key().is_some_and(|key| key != RESERVED_KEY)
        };
        self.backlog.changes().filter(is_result).count()
    }

    /// Notes that `own` is in the journal, behind everything that was taken in by now. What others
    /// appended behind it is still to be read.
    pub fn stand_behind(&mut self, own: Own) {
        self.news.supersede(own);
        if own.is_news && matches!(own.change, Change::Clear) {
            // What this process did since is appended behind it.
            let later = self.backlog.changes().cloned();
            self.news.add_changes(later);
        }
    }

    /// Returns whether the change that waits in the backlog under `number`, or else `change`, was
    /// outdated by others.
    pub fn is_outdated(&self, change: &Change, number: Option<u64>) -> bool {
        match number {
            Some(number) => !self.backlog.holds(number),
            None => self.news.outdate(change),
        }
    }

    /// Adds what `tail` says to the news; what the generation `purged` in all is known by its
    /// journal.
    pub fn take_in(&mut self, tail: Tail, purged: Option<Purged>) {
        tail.folded.iter().for_each(|&folded| self.progress.announce(folded));
        self.progress.was_placed |= tail.base.is_some();
        if self.progress.snapshot.is_some() && tail.base == self.progress.snapshot {
            self.progress.common = tail.base;
        }
        self.progress.changes += tail.changes.len() as u64;
        self.purged.note(tail.purged.iter().copied());
        if !tail.purges.is_empty() {
            self.purged.note(purged);
        }
        if !self.backlog.is_empty() {
            self.compare_backlog(&tail);
        }
        let own = self.backlog.behind(&tail.changes);
        self.news.add(tail.into_external());
        self.news.add_changes(own);
    }

    /// Drops from the backlog what others have outdated or overtaken in `tail`.
    fn compare_backlog(&mut self, tail: &Tail) {
        let late: Vec<_> = tail.late.iter().map(|&(at, _)| Purge::of(&tail.changes[at])).collect();
        for purge in &tail.purges {
            self.outdate_backlog(std::slice::from_ref(purge), !late.contains(purge));
        }
        for (at, change) in tail.changes.iter().enumerate() {
            let made = tail.late.iter().find(|late| late.0 == at).map(|late| Asked::At(late.1));
            let is_given = || tail.purges.contains(&Purge::of(change));
            let on_time = || if is_given() { Asked::Now } else { Asked::Never };
            self.backlog.note_external(change, made.unwrap_or_else(on_time));
        }
    }

    /// Drops from the backlog the computed results that the `purges` of others outdate; `certain`
    /// says that they were made after the results.
    fn outdate_backlog(&mut self, purges: &[Purge], certain: bool) {
        for key in purges.iter().flat_map(|purge| self.backlog.outdate(purge, certain)) {
            self.news.add_changes([Change::Remove(key)]);
        }
    }

    /// Notes that journals behind `unheard` may have been folded which this process has not read,
    /// and that `chain` is left of what it follows. What was purged in them is not told any more;
    /// but whoever folded them wrote down which keys it was about, and the generations of one chain
    /// follow each other closely.
    pub fn miss(&mut self, chain: &Chain, unheard: Option<Position>) {
        let missed = chain.missed_since(unheard);
        if missed.is_unknown || !missed.told.are_none() {
            self.news.add([ExternalChange::Missed(missed)]);
        }
    }

    /// Takes in the purges of a history that was read anew, and whose first generation was `begun` at
    /// that time.
    pub fn take_purges(&mut self, history: &mut History, begun: Option<u64>) {
        self.purged.note(history.purged().iter().copied());
        let purges = history.take_purges();
        self.backlog.overrule(&purges, begun.unwrap_or_default());
        self.outdate_backlog(&purges, false);
        self.news.add_purges(purges);
    }

    /// Adds the `changes` that were found in the journals to the news.
    pub fn take_found(&mut self, changes: Vec<Change>) {
        self.backlog.note_found(&[], &changes);
        // What no disk has taken comes after what was announced before.
        let own: Vec<_> = self.backlog.changes().cloned().collect();
        self.news.add_changes(changes.into_iter().chain(own));
    }

    /// Returns the entries that everything makes which was read anew: the `items` of the snapshot,
    /// the `changes` of the journals since, and what no disk has taken.
    pub fn join(&mut self, mut items: Items, mut changes: Vec<Change>) -> Items {
        if !self.backlog.is_empty() {
            let listed = items.into_vec();
            self.backlog.renew_repeated(&listed, &changes);
            self.backlog.note_found(&listed, &changes);
            items = Items::Listed(listed);
        }
        changes.extend(self.backlog.changes().cloned());
        items.after(changes)
    }

    /// Begins the count of what the snapshot lacks anew, with a `history` behind `snapshot`.
    /// `is_common` says whether every process that follows the history knows the snapshot.
    pub fn begin(&mut self, history: &History, snapshot: Option<FileFingerprint>, is_common: bool) {
        let progress = &mut self.progress;
        (progress.snapshot, progress.common) = (snapshot, snapshot.filter(|_| is_common));
        (progress.older_changes, progress.older_bytes) = history.older;
        progress.changes = history.current.as_ref().map_or(0, |current| current.changes);
        if let Some(folded) = history.folded.filter(|folded| Some(folded.snapshot) != snapshot) {
            progress.announce(folded);
        }
    }

    /// Notes that `snapshot` is in place and holds all older generations, and everything in the
    /// backlog that was kept before `mark`.
    pub fn record_checkpoint(&mut self, snapshot: FileFingerprint, mark: u64) {
        self.progress.record_checkpoint(snapshot);
        self.backlog.settle(mark);
    }

    /// Returns what the child of a fork knows.
    pub fn child(&mut self) -> Self {
        Self {
            progress: std::mem::take(&mut self.progress),
            purged: std::mem::take(&mut self.purged),
            backlog: std::mem::take(&mut self.backlog).child(),
            news: self.news.child(),
        }
    }
}

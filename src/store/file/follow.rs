//! Following: reading what others appended since the last look.

use std::io::{self, ErrorKind};

use super::backlog::Asked;
use super::chain::{Chain, History};
use super::own::Own;
use super::phase::Phase;
use super::state::FileState;
use crate::store::fs::is_lost;
use crate::store::journal::{Journal, Look, Tail};
use crate::store::{Change, ExternalChange, Purge};

impl FileState {
    /// Takes in what others appended; an error becomes a notice. Returns whether all could be read.
    pub fn catch_up_or_tell(&mut self) -> bool {
        let read = self.catch_up();
        let is_read = read.is_ok() && self.phase != Phase::Unknown;
        if let Err(error) = read {
            self.folder.tell_unread(&self.folder.journal_error("read the journal of")(error));
        }
        is_read
    }

    /// Takes in what others appended, through any number of generations.
    pub fn catch_up(&mut self) -> io::Result<()> {
        match self.phase {
            Phase::Unusable(_) => return Ok(()),
            Phase::Unknown => {
                self.reload();
                return Ok(());
            }
            Phase::Following => {}
        }
        let Some(journal) = self.head.journal_mut() else { return self.look_around() };
        match journal.look() {
            Err(error) if is_lost(&error) => {
                self.reopen_journal()?;
                self.catch_up()
            }
            Err(error) => Err(error),
            Ok(Look::Gone) => {
                self.start_over();
                Ok(())
            }
            Ok(Look::Same) => {
                self.look_at_snapshot();
                Ok(())
            }
            Ok(Look::New(tail)) => self.take_in(tail),
        }
    }

    /// Compares the snapshot with the one that is known. If the user deleted it, the cache is
    /// deleted; if it holds what no journal says, it is read.
    fn look_at_snapshot(&mut self) {
        let Ok(now) = self.folder.snapshot() else { return };
        let is_known = self.progress.settle(now);
        if is_known && now.is_some() {
            self.confirm_named();
        } else if self.progress.is_gone(now) {
            self.reload();
        } else if self.head.is_moved() {
            // The folder was moved away, and another one is at its path now.
            self.start_over();
        } else if is_known {
            self.confirm_named();
        } else if !self.has_news() {
            // An editor's file counts from now on. What it lacks is appended to the journal again
            // before anything can happen to this process.
            self.reload();
        }
    }

    /// Takes in what was appended since the last look, and returns whether there was anything: a
    /// process announces a snapshot before it puts it in place.
    fn has_news(&mut self) -> bool {
        match self.head.journal_mut().map(Journal::look) {
            Some(Ok(Look::New(tail))) => self.take_in(tail).is_ok(),
            _ => false,
        }
    }

    fn confirm_named(&mut self) {
        if self.head.is_named() {
            self.confirm();
        }
    }

    /// Opens the journal again after the program closed its descriptor, or this process closed it
    /// while idle; finds out what has become of the file.
    pub(super) fn reopen_journal(&mut self) -> io::Result<()> {
        if !self.head.reopen()? {
            self.come_back();
        }
        Ok(())
    }

    /// The journal was removed while nothing showed that this process was there, as the lock file
    /// was closed with it: a process that came meanwhile believed itself alone and folded the
    /// journal. The snapshot holds what is left of ours; without a snapshot, the files were taken
    /// away.
    fn come_back(&mut self) {
        if self.folder.fingerprint().is_none() {
            return self.start_over();
        }
        self.backlog.confirm();
        self.reload();
    }

    /// Looks for a process that has begun to write, or has come and gone.
    fn look_around(&mut self) -> io::Result<()> {
        if self.folder.fs.status(&self.folder.paths().lock).is_ok() {
            return self.rejoin();
        }
        if self.folder.snapshot()? != self.progress.snapshot {
            self.reload();
        }
        Ok(())
    }

    /// Adds the changes in `tail` to the news, and goes on to the next generation if this one has
    /// ended.
    pub fn take_in(&mut self, tail: Tail) -> io::Result<()> {
        self.take_in_before(tail, None)
    }

    /// The same of what stands before an `own` change that counts.
    pub(super) fn take_in_before(&mut self, tail: Tail, own: Option<Own>) -> io::Result<()> {
        if tail.void || tail.begins {
            // What we appended may have come after the user deleted the cache, and was reported as
            // safe.
            self.backlog.reclaim_void();
            self.news.add_purges(tail.purges);
            self.reload();
            return Ok(());
        }
        let ended = tail.sealed || tail.later;
        self.take_in_one(tail);
        // Before anything else is read: that stands behind it.
        if let Some(own) = own {
            self.stand_behind(own);
        }
        if ended {
            return self.follow();
        }
        self.look_at_snapshot();
        Ok(())
    }

    /// Adds what the current generation says to the news.
    pub fn take_in_one(&mut self, tail: Tail) {
        if let Some(dropped) = self.head.journal().and_then(|journal| journal.dropped(&tail)) {
            self.folder.tell_dropped(&dropped);
        }
        self.is_later |= tail.later;
        tail.folded.iter().for_each(|&folded| self.progress.announce(folded));
        self.progress.was_placed |= tail.base.is_some();
        if self.progress.snapshot.is_some() && tail.base == self.progress.snapshot {
            self.progress.common = tail.base;
        }
        self.progress.changes += tail.changes.len() as u64;
        self.purged.note(tail.purged.iter().copied());
        if !tail.purges.is_empty() {
            self.purged.note(self.head.journal().and_then(Journal::purged));
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
    pub(super) fn outdate_backlog(&mut self, purges: &[Purge], certain: bool) {
        for key in purges.iter().flat_map(|purge| self.backlog.outdate(purge, certain)) {
            self.news.add_changes([Change::Remove(key)]);
        }
    }

    /// Notes that journals may have been folded which this process has not read, and that `chain` is
    /// left of what it follows. What was purged in them is not told any more; but whoever folded them
    /// wrote down which keys it was about, and the generations of one chain follow each other
    /// closely.
    pub(super) fn miss(&mut self, chain: &Chain) {
        let missed = chain.missed_since(self.head.unheard());
        if missed.is_unknown || !missed.told.are_none() {
            self.news.add([ExternalChange::Missed(missed)]);
        }
    }

    /// Takes in the purges of a history that was read anew, and whose first generation was `begun` at
    /// that time.
    pub(super) fn take_purges(&mut self, history: &mut History, begun: Option<u64>) {
        self.purged.note(history.purged().iter().copied());
        let purges = history.take_purges();
        self.backlog.overrule(&purges, begun.unwrap_or_default());
        self.outdate_backlog(&purges, false);
        self.news.add_purges(purges);
    }

    /// Goes on with the generation behind the current one, which has ended; the process that ended
    /// it has taken in its contents.
    fn follow(&mut self) -> io::Result<()> {
        self.backlog.confirm();
        self.finish_generation();
        match self.head.open_next() {
            Ok(()) => self.catch_up(),
            Err(error) if error.kind() == ErrorKind::NotFound => self.rejoin(),
            Err(error) => Err(error),
        }
    }

    /// Finds the generation to go on with after the thread was lost. If the snapshot is the known
    /// one, the journals hold everything that is new; otherwise everything is read again.
    pub fn rejoin(&mut self) -> io::Result<()> {
        if self.phase == Phase::Unknown {
            self.reload();
            return Ok(());
        }
        let chain = self.head.generations().read_all()?;
        let snapshot = self.folder.snapshot()?;
        if self.head.journal().is_none() && snapshot != self.progress.snapshot {
            self.miss(&chain);
        }
        let is_known = self.progress.settle(snapshot);
        let last = chain.last();
        if !is_known || chain.is_later() && !self.is_later {
            self.reload();
        } else if last.is_some() && last != self.head.finished() {
            let is_common = chain.accounts_for(snapshot);
            let begun = chain.first();
            let chain = chain.heard_up_to(self.head.unheard());
            let mut history = chain.without_folded(snapshot).history();
            self.take_purges(&mut history, begun);
            if history.is_void(snapshot, None) {
                self.reload();
                return Ok(());
            }
            let changes = self.adopt(history, snapshot, is_common);
            self.backlog.note_found(&[], &changes);
            // What no disk has taken comes after what was announced before.
            let own: Vec<_> = self.backlog.changes().cloned().collect();
            self.news.add_changes(changes.into_iter().chain(own));
        }
        Ok(())
    }

    /// Begins anew after the journal was taken away: somebody wants a fresh start, or the folder is
    /// gone. Only what this process appended since it last saw the journal is left.
    fn start_over(&mut self) {
        self.head.set(None);
        self.backlog.reclaim();
        self.reload();
        if self.folder.fs.status(&self.folder.paths().folder).is_err() {
            self.folder.tell_folder_removed();
        }
    }
}

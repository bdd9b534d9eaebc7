//! Following: reading what others appended since the last look.

use std::io::{self, ErrorKind};

use super::own::Own;
use super::phase::Phase;
use super::trust;
use super::view::FileView;
use crate::store::fs::is_lost;
use crate::store::journal::{Journal, Look, Tail};

impl FileView {
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
        let is_known = self.contents.progress.settle(now);
        if is_known && now.is_some() {
            self.confirm_named();
        } else if self.contents.progress.is_gone(now) {
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
        self.contents.backlog.confirm();
        self.reload();
    }

    /// Looks for a process that has begun to write, or has come and gone.
    fn look_around(&mut self) -> io::Result<()> {
        if self.folder.fs.status(&self.folder.paths().lock).is_ok() {
            return self.rejoin();
        }
        if self.folder.snapshot()? != self.contents.progress.snapshot {
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
            self.contents.backlog.reclaim_void();
            self.contents.news.add_purges(tail.purges);
            self.reload();
            return Ok(());
        }
        let ended = tail.sealed || tail.later;
        self.take_in_one(tail);
        // Before anything else is read: that stands behind it.
        if let Some(own) = own {
            self.contents.stand_behind(own);
        }
        if ended {
            return self.follow();
        }
        self.look_at_snapshot();
        Ok(())
    }

    /// Adds what the current generation says to the news.
    pub fn take_in_one(&mut self, tail: Tail) {
        let journal = self.head.journal();
        if let Some(dropped) = journal.and_then(|journal| journal.dropped(&tail)) {
            self.folder.tell_dropped(&dropped);
        }
        self.is_later |= tail.later;
        self.contents.take_in(tail, journal.and_then(Journal::purged));
    }

    /// Goes on with the generation behind the current one, which has ended; the process that ended
    /// it has taken in its contents.
    fn follow(&mut self) -> io::Result<()> {
        self.contents.backlog.confirm();
        self.finish_generation();
        match self.head.open_next() {
            Ok(()) => self.catch_up(),
            Err(error) if error.kind() == ErrorKind::NotFound => self.rejoin(),
            Err(error) if trust::is_stranger(&error) => self.rejoin(), // it was passed by
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
        if self.head.journal().is_none() && snapshot != self.contents.progress.snapshot {
            self.contents.miss(&chain, self.head.unheard());
        }
        let is_known = self.contents.progress.settle(snapshot);
        let last = chain.last();
        if !is_known || chain.is_later() && !self.is_later {
            self.reload();
        } else if last.is_some() && last != self.head.finished() {
            let is_common = chain.accounts_for(snapshot);
            let begun = chain.first();
            let chain = chain.heard_up_to(self.head.unheard());
            let mut history = chain.without_folded(snapshot).history();
            self.contents.take_purges(&mut history, begun);
            if history.is_void(snapshot, None) {
                self.reload();
                return Ok(());
            }
            let changes = self.adopt(history, snapshot, is_common);
            self.contents.take_found(changes);
        }
        Ok(())
    }

    /// Begins anew after the journal was taken away: somebody wants a fresh start, or the folder is
    /// gone. Only what this process appended since it last saw the journal is left.
    fn start_over(&mut self) {
        self.head.set(None);
        self.contents.backlog.reclaim();
        self.reload();
        if self.folder.fs.status(&self.folder.paths().folder).is_err() {
            self.folder.tell_folder_removed();
        }
    }
}

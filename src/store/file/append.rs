//! Appending: one write, and a look at what other processes wrote before it.

use std::io;

use super::own::Own;
use super::phase::Phase;
use super::state::FileState;
use super::view::FileView;
use crate::error::Result;
use crate::store::fs::is_lost;
use crate::store::journal::{Record, Terms, encode, encode_change};
use crate::store::lock::CheckpointGuard;
use crate::store::{Cause, Change, Purge};
use crate::value::write::Charset;

impl FileState {
    /// Writes `own` to the journal; a change that fails is kept and tried again later. Returns
    /// `false` if it is the result of a computation that was outdated meanwhile, and `true` if it
    /// was appended: then the backlog is still to take note of it.
    pub fn append(&mut self, own: Own) -> Result<bool> {
        if self.view.is_check_due() {
            self.view.catch_up_or_tell();
        }
        let contents = &mut self.view.contents;
        if own.may_be_outdated() && contents.news.outdate(own.change) {
            return Ok(false);
        }
        if !own.may_be_outdated() {
            contents.backlog.overtake(own.change);
        }
        self.append_in_order(own).or_else(|error| self.keep_unwritten(own, error))
    }

    fn append_in_order(&mut self, own: Own) -> Result<bool> {
        self.check_usable()?;
        let caught_up = self.append_backlog();
        if self.view.contents.backlog.blocks() {
            return caught_up.map(|()| true);
        }
        let counts = self.append_change(own, None)?;
        if counts {
            self.view.contents.backlog.overtake(own.change);
        }
        Ok(counts)
    }

    /// Appends the changes that no disk has taken so far, in order, up to the first that fails.
    pub fn append_backlog(&mut self) -> Result<()> {
        while let Some((number, change, cause, late)) = self.view.contents.backlog.first() {
            // The cache may have taken in meanwhile what it deletes.
            let is_news = !matches!(change, Change::Put(_));
            let own = Own { change: &change, cause, is_news, late };
            // Another process's purge may have dropped it from the backlog.
            if self.append_change(own, Some(number))? {
                self.view.contents.backlog.note_written(number, change);
            } else {
                self.view.contents.backlog.drop(number);
            }
        }
        Ok(())
    }

    /// Returns an error if there is nothing to write to.
    pub fn check_usable(&self) -> Result<()> {
        let why = match self.view.phase {
            _ if self.read_only => "the cache was opened for reading only",
            Phase::Unusable(why) => why,
            Phase::Unknown | Phase::Following => return Ok(()),
        };
        let error = io::Error::new(io::ErrorKind::ReadOnlyFilesystem, why);
        Err(self.view.folder.journal_error("keep new results in")(error))
    }

    /// Appends `record` to the generation in which it counts.
    pub fn append_record(&mut self, record: &Record) -> Result<()> {
        let purge = if let Record::Purge(purge) = record { Some(purge) } else { None };
        let write = |out: &mut Vec<u8>, _, charset| encode(out, record, charset);
        self.append_where_it_counts(write, purge, None, None).map(drop)
    }

    /// Appends `own`, whose number in the backlog is `number` if it waited there. Returns whether it
    /// counts.
    fn append_change(&mut self, own: Own, number: Option<u64>) -> Result<bool> {
        let terms = |read| match own.cause {
            Cause::Given => own.late.map_or(Terms::Purges, |made| Terms::Late { made }),
            _ if own.may_be_outdated() => Terms::Computed { read },
            Cause::Computed | Cause::Upkeep => Terms::Upkeep,
        };
        let purge = (own.cause == Cause::Given).then(|| Purge::of(own.change));
        let write =
            |out: &mut Vec<u8>, read, charset| encode_change(out, own.change, terms(read), charset);
        self.append_where_it_counts(write, purge.as_ref(), Some(own), number)
    }

    /// Appends the record that `write` makes, given how many bytes of the journal were read. The
    /// record purges `purge`, and is the change `own` if it is one. Returns `false` if that was
    /// outdated; of a change that waits in the backlog, under `number`, the backlog knows that.
    fn append_where_it_counts(
        &mut self,
        write: impl Fn(&mut Vec<u8>, u64, Charset) -> io::Result<()>,
        purge: Option<&Purge>,
        own: Option<Own>,
        number: Option<u64>,
    ) -> Result<bool> {
        let computed = own.filter(Own::may_be_outdated).map(|own| own.change);
        loop {
            self.make_ready(false)?;
            self.view.head.sync_name()?;
            let contents = &self.view.contents;
            if computed.is_some_and(|change| contents.is_outdated(change, number)) {
                return Ok(false);
            }
            let wrong = self.view.wrong("write the journal of");
            let Some(journal) = self.view.head.journal_mut() else {
                return Err(self.view.folder.busy());
            };
            journal.buffer.clear();
            let read = journal.bytes();
            write(&mut journal.buffer, read, self.view.folder.charset).map_err(&wrong)?;
            let before = match journal.append() {
                Err(error) if is_lost(&error) => {
                    self.view.reopen_journal().map_err(&wrong)?;
                    continue;
                }
                before => before.map_err(&wrong)?,
            };
            if let Some(purge) = purge {
                journal.note_purge(purge);
                self.view.contents.purged.note(journal.purged());
            }
            let late =
                matches!(computed, Some(Change::Put(item)) if journal.is_purged(&item.key, read));
            let ended = before.as_ref().is_some_and(|tail| tail.sealed);
            // Synced or not, the record is in the file: every reader of the journal finds it.
            let counts = own.filter(|_| !ended && !late);
            self.view.contents.progress.changes += u64::from(counts.is_some());
            let number = journal.generation;
            let synced = self.view.head.sync();
            let Some(tail) = before else {
                if let Some(own) = counts {
                    self.view.contents.stand_behind(own);
                }
                return synced.map(|()| true).map_err(&wrong);
            };
            let reclaimed = self.view.contents.backlog.reclaimed();
            // What other processes appended before is taken in, whatever became of the record.
            self.view.take_in_before(*tail, counts).map_err(&wrong)?;
            // If the user turns out to have deleted the cache, nothing in that journal counts.
            let goes_on = self.view.head.journal().is_some_and(|it| it.generation == number);
            if !ended && (goes_on || reclaimed == self.view.contents.backlog.reclaimed()) {
                return synced.map(|()| !late).map_err(&wrong);
            }
        }
    }

    /// Makes sure that no purge is missed while something is computed: a purge that another process
    /// makes, and folds, reaches this one only through the journal that it reads. An error is
    /// reported when the result is written. Returns `false` if another process is in the way.
    pub fn follow_from_here(&mut self) -> bool {
        let ready =
            if self.view.head.journal().is_none() { self.make_ready(false) } else { Ok(()) };
        self.follows_in_vain = ready.is_err();
        !matches!(ready, Err(error) if error.is_busy())
    }

    /// Returns whether it follows a journal, if it can.
    pub fn hears_purges(&self) -> bool {
        self.view.head.journal().is_some() || self.follows_in_vain
    }

    /// Opens or makes a generation to append to. `permitted` says that this process holds the
    /// checkpoint lock; if another process holds it, the error is busy.
    pub fn make_ready(&mut self, permitted: bool) -> Result<()> {
        if self.view.head.is_writable() {
            return Ok(());
        }
        let folder = &self.view.folder;
        let (path, like) = (&folder.paths().checkpoint, folder.journal_like());
        let guard = if permitted {
            None
        } else {
            let taken = CheckpointGuard::take(&*folder.fs, path, like.as_ref());
            let Some(guard) = taken.map_err(self.view.wrong("write the journal of"))? else {
                return Err(folder.busy());
            };
            Some(guard)
        };
        let begun = self.begin_chain();
        drop(guard);
        begun
    }

    /// Begins a chain, or joins the one that somebody else has begun. IMPORTANT: under the
    /// checkpoint lock.
    fn begin_chain(&mut self) -> Result<()> {
        let view = &mut self.view;
        let wrong = view.wrong("write the journal of");
        view.rejoin().map_err(&wrong)?;
        if view.phase != Phase::Following {
            // The reason was reported when the files were read; `check_usable` returns the same, so
            // that it is not reported again.
            let why = "what is there already cannot be read";
            return Err(wrong(io::Error::new(io::ErrorKind::ReadOnlyFilesystem, why)));
        }
        if view.head.is_writable() {
            return Ok(());
        }
        if view.head.journal().is_none() {
            return self.make_chain();
        }
        // A killed process left it and did not pass it on: it counts, and the chain goes on behind
        // it.
        view.finish_generation();
        view.head.pass_on()
    }

    fn make_chain(&mut self) -> Result<()> {
        let wrong = self.view.wrong("write the journal of");
        let FileView { head, contents, is_void, .. } = &mut self.view;
        if *is_void {
            head.generations().end_all()?;
        }
        let old = head.finished().filter(|_| *is_void);
        // The snapshot that this process has read, whatever is in its place by now: processes that
        // follow the journals do not know an editor's file.
        let base = contents.progress.snapshot;
        // Journals that were ended without a successor, and that no snapshot holds, still count.
        let goes_on = base.is_none() && !*is_void && contents.progress.older_changes > 0;
        let first = if goes_on { Record::Passing } else { Record::Base(base) };
        head.begin(&first).map_err(wrong)?;
        *is_void = false;
        contents.progress.common = base;
        if let Some(old) = old {
            // Generations that cannot be removed must not count any more: they are sealed, and the
            // new chain says so.
            drop(head.generations().remove_to(old));
        }
        Ok(())
    }
}

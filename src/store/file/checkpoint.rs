//! Checkpoints: the journals are sealed and folded into a new snapshot.

use std::io;
use std::path::Path;

use super::appender::Appender;
use super::contents::Contents;
use super::permit::Permit;
use super::process_store::ProcessStore;
use super::state::FileState;
use super::view::FileView;
use super::{quarantine, replace, snapshot_file};
use crate::error::{Disturbed, Error, Result};
use crate::key::shown;
use crate::memory::OutOfMemory;
use crate::store::fs::FileFingerprint;
use crate::store::journal::{Folded, Record};
use crate::store::lock::Affected;
use crate::store::{Entries, ExternalChange, Format, Saving, snapshot};
use crate::sync::Arc;

/// The purpose of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// The process goes on.
    Save,
    /// It leaves, and clears up if it is the last.
    Close,
}

/// A checkpoint under way.
#[derive(Debug)]
pub struct Checkpoint {
    store: Arc<ProcessStore>,
    goal: Goal,
    /// Whether no other process is there; found out when it matters.
    alone: Option<bool>,
    sealed: Option<Sealed>,
    /// Dropped last: a process that closes leaves while it still keeps others waiting.
    _permit: Permit,
}

/// The state from which a checkpoint goes on.
#[derive(Debug)]
struct Sealed {
    /// The last generation to be folded.
    last: u64,
    /// The snapshot that is in place.
    base: Option<FileFingerprint>,
    /// The mark of what only memory held when it began.
    backlog: u64,
    /// Whether the journals that go on hold nothing but later changes.
    whole: bool,
    /// Whether the new snapshot holds more than the old one and the journals.
    more: bool,
    /// Whether the old one is not known to the others.
    merged: bool,
}

impl ProcessStore {
    /// Begins a checkpoint, if there is anything that the snapshot does not hold and nobody else is
    /// at one.
    pub fn begin_save(self: &Arc<Self>) -> Result<Option<Box<dyn Saving>>> {
        {
            let mut state = self.state.lock();
            state.view.catch_up_or_tell();
            if !state.may_save() || !state.needs_save() {
                return Ok(None);
            }
        }
        let permit = self.permit()?;
        Ok(Some(Box::new(Checkpoint::new(Arc::clone(self), Goal::Save, permit))))
    }
}

impl Checkpoint {
    /// A checkpoint that nobody else is at.
    pub fn new(store: Arc<ProcessStore>, goal: Goal, permit: Permit) -> Self {
        Self { store, goal, alone: None, sealed: None, _permit: permit }
    }

    fn is_alone(&mut self) -> bool {
        *self.alone.get_or_insert_with(|| self.store.locks.keep_others_out())
    }

    /// Returns whether there is a reason to write a snapshot.
    fn is_due(&mut self, state: &FileState) -> bool {
        if !state.may_save() || !state.needs_save() {
            return false;
        }
        // Other processes fold the journals; only this process can save what only it has.
        let owes = state.view.contents.owe() || state.view.is_rewritten();
        self.goal == Goal::Save || owes || self.is_alone()
    }

    /// Returns the format to write: that of the snapshot, if there is one.
    fn format(&self) -> Format {
        let known = self.store.state.lock().view.format;
        // Another process may have made a snapshot that this one has not read.
        let told = || snapshot_file::tail(&self.store.folder).map(|tail| Format::of_tail(&tail));
        known.or_else(told).unwrap_or(self.store.options.format)
    }

    /// Writes all entries to a new file, durably; returns its fingerprint.
    fn write_temporary(&self, path: &Path, entries: &Entries) -> Result<FileFingerprint> {
        let folder = &*self.store.folder;
        let write = || -> io::Result<_> {
            let file = folder.fs.create_new(path, folder.like().as_ref())?;
            let out = &mut Appender(&*file);
            let (charset, format) = (self.store.options.charset, self.format());
            let written = snapshot::write::write(out, entries, charset, format)?;
            // The time is synced, too: the journal knows the file by it, also after a loss of
            // power.
            file.sync_all()?;
            // Windows may set the time of a file only when it is closed.
            drop(file);
            Ok((folder.fs.status(path)?.fingerprint, written))
        };
        let wrong = |source| Error::Io { doing: "write", path: path.to_path_buf(), source };
        let (fingerprint, written) = write().map_err(wrong)?;
        if let Some((key, error)) = written.refused.first() {
            let (count, key) = (written.refused.len(), shown(key));
            self.store.quarantine(&format!(
                "{count} of its entries cannot be read and were left out ({key}: {error})"
            ));
        }
        Ok(fingerprint)
    }

    fn out_of_memory(&self) -> Error {
        let path = self.store.folder.paths().snapshot.clone();
        Error::Io { doing: "write", path, source: io::ErrorKind::OutOfMemory.into() }
    }

    fn note_failure(&self, error: &Error) {
        let mut state = self.store.state.lock();
        state.note_failed_save();
        // One disturbance is no trouble: the next save includes what somebody else wrote.
        if !error.is_disturbed() || std::mem::replace(&mut state.was_disturbed, true) {
            state.tell_unsaved(error);
        }
    }

    /// Renames the new file over the old one, and removes what it replaces.
    fn publish(&self, temporary: &Path, fingerprint: FileFingerprint) -> Result<()> {
        let Some(sealed) = &self.sealed else { return Ok(()) };
        let folder = &*self.store.folder;
        let snapshot = &folder.paths().snapshot;
        let wrong = |source| Error::Io { doing: "replace", path: snapshot.clone(), source };
        if folder.snapshot().map_err(wrong)? != sealed.base {
            return Err(wrong(io::Error::other(Disturbed)));
        }
        let announce = |snapshot| {
            let Sealed { more, merged, .. } = *sealed;
            let record = Record::Folded(Folded { snapshot, more, merged });
            let mut state = self.store.state.lock();
            state.view.contents.progress.expect(snapshot);
            state.append_permitted(&record)
        };
        self.store.state.lock().tell_purged(sealed.last)?;
        announce(fingerprint)?;
        // NOTE: without the state's lock, as freeing the old file's blocks may take long.
        let placed = match folder.fs.rename(temporary, snapshot) {
            Err(error) if replace::must_be_written_over(&error) => {
                let placed = replace::write_over(folder, temporary);
                let placed = placed.inspect_err(|_| self.store.state.lock().note_torn());
                let placed = placed.map_err(wrong)?;
                announce(placed)?;
                replace::remove_whole(folder);
                placed
            }
            renamed => renamed.map(|()| fingerprint).map_err(wrong)?,
        };
        // The rename is synced before it is recorded: a recorded base without its snapshot means
        // that the user deleted it.
        folder.sync()?;
        self.store.state.lock().record_checkpoint(placed, sealed.backlog);
        self.clear_away(sealed.last);
        Ok(())
    }

    /// Removes the journals that are folded, and the temporary files of dead processes.
    fn clear_away(&self, last: u64) {
        // First: a process that dies before the journals are gone leaves this to the next one.
        self.store.remove_leftovers();
        // If a journal cannot be removed, those behind it stay, too: they tell that it does not
        // count.
        drop(self.store.generations.remove_to(last));
    }
}

impl Saving for Checkpoint {
    fn seal(&mut self) -> Result<Option<Vec<ExternalChange>>> {
        let store = Arc::clone(&self.store);
        let mut state = store.state.lock();
        state.view.catch_up_or_tell();
        if !self.is_due(&state) {
            // What others wrote over that of this process may not be on the disk yet.
            let synced = state.view.head.sync_found();
            store.folder.tell_failure(&synced);
            return synced.map(|()| None);
        }
        let owed = state.view.contents.backlog.affected();
        let sealed = state.seal();
        if !owed.are_none() {
            // What was announced when it failed may stand in the journal only now.
            store.locks.announce(&store.folder, Affected::Stripes(owed));
        }
        let (last, whole) = sealed.inspect_err(|error| state.tell_unsaved(error))?;
        let now = store.folder.snapshot().map_err(state.view.wrong("read"));
        let now = now.inspect_err(|error| state.tell_unsaved(error))?;
        if !state.view.contents.progress.settle(now) {
            state.view.reload();
        }
        if !state.may_save() {
            return Ok(None);
        }
        let FileView { contents, quarantine, .. } = &mut state.view;
        let base = contents.progress.snapshot;
        if quarantine.owes_copy_of(base) {
            quarantine::keep(&store.folder, "it is damaged, and is written anew", false);
        }
        let is_common = contents.progress.common == base;
        self.sealed = Some(Sealed {
            last,
            whole,
            base,
            backlog: contents.backlog.mark(),
            more: !is_common || contents.owe(),
            // A deletion that only this process knows of is not announced a second time.
            merged: !is_common && !contents.backlog.deletes(),
        });
        Ok(Some(contents.news.take()))
    }

    fn write(self: Box<Self>, entries: &Entries) -> Result<bool> {
        let folder = Arc::clone(&self.store.folder);
        let temporary = folder.paths().temporary();
        let written = OutOfMemory::catch(|| self.write_temporary(&temporary, entries));
        let written = written.unwrap_or_else(|OutOfMemory| Err(self.out_of_memory()));
        let result = written.and_then(|fingerprint| self.publish(&temporary, fingerprint));
        if let Err(error) = &result {
            drop(folder.fs.remove(&temporary));
            self.note_failure(error);
        }
        result.map(|()| self.sealed.as_ref().is_none_or(|sealed| sealed.whole))
    }

    fn give_up(self: Box<Self>) -> Error {
        let error = self.out_of_memory();
        self.note_failure(&error);
        error
    }
}

impl Drop for Checkpoint {
    /// A process that closes leaves, whatever became of the save.
    fn drop(&mut self) {
        if self.goal == Goal::Close {
            let alone = self.is_alone();
            self.store.leave(alone);
        }
    }
}

impl FileState {
    /// Seals the current generation, if it holds anything, and begins the next. Returns the last
    /// sealed one, and whether everything behind it comes later. IMPORTANT: under the checkpoint
    /// lock.
    ///
    /// If sealed generations wait already, an earlier save has failed; should this one fail as
    /// well, it must not add another. Whatever the current generation holds may be in the snapshot,
    /// too: read again, it changes nothing.
    fn seal(&mut self) -> Result<(u64, bool)> {
        let wrong = self.view.wrong("seal the journal of");
        self.view.catch_up().map_err(&wrong)?;
        self.make_ready(true)?;
        // What others read in the journal they know even if they never see the snapshot.
        drop(self.append_backlog());
        let Some(journal) = self.view.head.journal() else { return Err(wrong(gone())) };
        let last = journal.generation;
        let Contents { progress, backlog, .. } = &self.view.contents;
        let is_empty = progress.changes == 0;
        // Read again behind the snapshot, it would undo what only this process knows.
        let is_known = backlog.is_empty() && progress.older_changes > 0;
        if is_empty || is_known {
            return Ok((last.saturating_sub(1), is_empty));
        }
        let sealed = self.view.head.make_next(last).and_then(|next| {
            let tail = self.view.head.seal().unwrap_or_else(|| Err(gone()));
            Ok((next, tail.map_err(&wrong)?))
        });
        let (next, tail) = match sealed {
            Ok(sealed) => sealed,
            Err(error) => {
                // The seal may have been written although its sync failed, for example; what is
                // appended behind it would not count. The files are read anew to find out.
                self.view.detach();
                return Err(error);
            }
        };
        self.view.take_in_one(tail);
        self.view.finish_generation();
        self.view.contents.backlog.confirm();
        self.view.head.set(Some(next));
        Ok((last, true))
    }

    /// Says what the generations up to `last` purged, for processes that have not read them when they
    /// are removed.
    fn tell_purged(&mut self, last: u64) -> Result<()> {
        let told = self.view.contents.purged.records(last);
        told.iter().try_for_each(|record| self.append_permitted(record))
    }

    /// Appends `record`; the caller holds the checkpoint lock.
    fn append_permitted(&mut self, record: &Record) -> Result<()> {
        self.make_ready(true)?;
        self.append_record(record)
    }

    /// Notes that `snapshot` is in place and holds all older generations, and everything in the
    /// backlog that was kept before `mark`.
    fn record_checkpoint(&mut self, snapshot: FileFingerprint, mark: u64) {
        self.view.contents.record_checkpoint(snapshot, mark);
        self.was_disturbed = false;
        // If this record cannot be written, journals still count after their snapshot is deleted.
        drop(self.append_permitted(&Record::Base(Some(snapshot))));
    }

    /// Notes that the snapshot may be torn: a whole copy is beside it, and stays until the snapshot
    /// is written anew.
    fn note_torn(&mut self) {
        self.view.contents.progress.rewrite = true;
    }

    fn note_failed_save(&mut self) {
        self.view.contents.progress.failed_at = self.view.journal_bytes();
    }
}

/// Returns the error for a journal that was there a moment ago.
fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the journal was removed")
}

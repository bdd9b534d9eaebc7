//! Saving: the journals are sealed and folded into a new snapshot.

use std::io::{self, Write};
use std::path::Path;

use super::Inner;
use super::close::Leaving;
use super::names::Kind;
use super::state::State;
use crate::error::Result;
use crate::store::fs::{FileFingerprint, Handle};
use crate::store::journal::{Journal, Record, Tail, encode};
use crate::store::lock::CheckpointGuard;
use crate::store::{Entries, Format, News, Saving, snapshot};
use crate::sync::Arc;

/// A fold under way.
#[derive(Debug)]
pub struct Fold {
    inner: Arc<Inner>,
    news: Vec<News>,
    /// The generation that was sealed for it.
    last: u64,
    /// The snapshot that it goes on from.
    base: Option<FileFingerprint>,
    /// How many changes were in memory alone when it began.
    unsaved: u64,
    /// Dropped before the guard: who closes and is not alone leaves while he keeps others waiting.
    _leaving: Option<Leaving>,
    _guard: FoldPass,
}

/// The right to fold, until it is dropped.
#[derive(Debug)]
pub struct FoldPass(Arc<Inner>);

impl Drop for FoldPass {
    fn drop(&mut self) {
        // Taken out first: another thread puts its own there as soon as it is free.
        let guard = self.0.fold.lock().take();
        drop(guard);
    }
}

impl Inner {
    /// Begins to fold, if there is anything that the snapshot does not hold.
    pub fn begin_save(self: &Arc<Self>) -> Result<Option<Box<dyn Saving>>> {
        {
            let mut state = self.state.lock();
            self.catch_up_or_tell(&mut state);
            if self.options.read_only || state.broken.is_some() || !self.needs_save(&state) {
                return Ok(None);
            }
        }
        let guard = self.fold_lock()?;
        self.fold(guard, None).map(Some)
    }

    /// Whether there is anything that the snapshot does not hold.
    pub fn needs_save(&self, state: &State) -> bool {
        state.needs_save() || self.is_rewritten(state)
    }

    /// Whether a program that does not know our journals rewrote the snapshot: it may lack what was
    /// folded before. A snapshot that was removed lacks nothing, that was the user's wish.
    pub fn is_rewritten(&self, state: &State) -> bool {
        let rewritten = || self.fingerprint().is_some_and(|now| Some(now) != state.snapshot);
        state.journal.is_some() && rewritten()
    }

    /// Takes part in the writing and waits for the fold lock.
    pub fn fold_lock(self: &Arc<Self>) -> Result<FoldPass> {
        let result = self.presence().and_then(|_| {
            let path = &self.names().fold;
            CheckpointGuard::wait(&*self.fs, path).map_err(|error| Self::error("lock", path, error))
        });
        let guard = result.inspect_err(|error| self.tell_unsaved(error))?;
        Ok(self.fold_pass(guard))
    }

    /// Keeps `guard` where the child of a fork finds it.
    pub fn fold_pass(self: &Arc<Self>, guard: CheckpointGuard) -> FoldPass {
        *self.fold.lock() = Some(guard);
        FoldPass(Arc::clone(self))
    }

    /// Seals the journal and hands out the fold, under the fold lock.
    pub fn fold(
        self: &Arc<Self>,
        guard: FoldPass,
        leaving: Option<Leaving>,
    ) -> Result<Box<dyn Saving>> {
        let mut state = self.state.lock();
        state.folding = true;
        let sealed = self.seal(&mut state);
        state.folding = false;
        let last = sealed.inspect_err(|error| self.tell_unsaved(error))?;
        let now = self.fingerprint();
        state.settle(now);
        if now != state.snapshot {
            state.pending = vec![News::Replaced(self.load(&mut state))];
        }
        if state.owes_copy.take().is_some_and(|damaged| state.snapshot == Some(damaged)) {
            self.set_aside("it is damaged, and is written anew");
        }
        Ok(Box::new(Fold {
            inner: Arc::clone(self),
            news: std::mem::take(&mut state.pending),
            last,
            base: state.snapshot,
            unsaved: state.unsaved,
            _leaving: leaving,
            _guard: guard,
        }))
    }

    /// Ends the current generation and begins the next; returns the number of the ended one.
    fn seal(&self, state: &mut State) -> Result<u64> {
        let wrong = |error| Self::error("seal the journal of", &self.names().snapshot, error);
        self.catch_up(state).map_err(wrong)?;
        if state.journal.is_none() {
            self.begin_chain(state)?;
        }
        let Some(mut journal) = state.journal.take() else { return Err(wrong(gone())) };
        let last = journal.generation;
        let next = self.open_generation(last + 1, true).map_err(wrong);
        let tail = next.and_then(|next| Ok((next, self.append_seal(&mut journal).map_err(wrong)?)));
        state.journal = Some(journal);
        let (next, tail) = tail?;
        self.take_in_one(state, tail);
        state.finish_generation();
        state.journal = Some(next);
        Ok(last)
    }

    /// Appends the seal; returns what others wrote before it.
    pub fn append_seal(&self, journal: &mut Journal) -> io::Result<Tail> {
        journal.buffer.clear();
        encode(&mut journal.buffer, &Record::Seal, self.options.charset)?;
        Ok(journal.append()?.unwrap_or_default())
    }

    /// Removes what a finished fold leaves behind: folded generations, dead processes' temporary
    /// files. What cannot be removed does no harm.
    pub fn clear_away(&self, last: u64) {
        let names = self.names();
        for name in self.fs.list(&names.folder).unwrap_or_default() {
            let old = match names.kind(&name) {
                Some(Kind::Journal(generation)) => generation <= last,
                Some(Kind::Temporary) => self.has_locks(),
                Some(Kind::Damaged) | None => false,
            };
            if old {
                drop(self.fs.remove(&names.folder.join(name)));
            }
        }
    }

    /// Whether the lock that we hold keeps others from writing temporary files.
    fn has_locks(&self) -> bool {
        self.lock.lock().as_ref().is_some_and(|lock| lock.supported)
    }
}

impl Saving for Fold {
    fn news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    fn write(self: Box<Self>, entries: &Entries) -> Result<()> {
        let temporary = self.inner.names().temporary();
        let result = self.write_temporary(&temporary, entries);
        let result = result.and_then(|fingerprint| self.publish(&temporary, fingerprint));
        if let Err(error) = &result {
            drop(self.inner.fs.remove(&temporary));
            self.inner.tell_unsaved(error);
        }
        result
    }
}

impl Inner {
    /// The format of the file that is written: that of the snapshot, if there `is_one`.
    fn format(&self, is_one: bool) -> Format {
        let known = self.state.lock().format;
        // Another process may have made it, which we have not read then.
        let told = || {
            is_one.then(|| self.snapshot_tail().ok()).flatten().map(|tail| Format::of_tail(&tail))
        };
        known.or_else(told).unwrap_or(self.options.format)
    }

    /// The last bytes of the snapshot.
    fn snapshot_tail(&self) -> io::Result<Vec<u8>> {
        const LENGTH: u64 = 4096;
        let file = self.fs.open_read(&self.names().snapshot)?;
        let size = file.status()?.fingerprint.size;
        file.read(size.saturating_sub(LENGTH), size)
    }
}

impl Fold {
    /// Writes all entries to a new file, durably; returns its fingerprint.
    fn write_temporary(&self, path: &Path, entries: &Entries) -> Result<FileFingerprint> {
        let inner = &*self.inner;
        let write = || -> io::Result<_> {
            let like = inner.fs.status(&inner.names().snapshot).ok();
            let file = inner.fs.create_new(path, like.as_ref())?;
            let out = &mut Appender(&*file);
            let format = inner.format(like.is_some());
            let written = snapshot::write::write(out, entries, inner.options.charset, format)?;
            file.sync_data()?;
            Ok((file.status()?.fingerprint, written))
        };
        let result = write().map_err(|error| Inner::error("write", path, error));
        let (fingerprint, written) = result?;
        if let Some((key, error)) = written.refused.first() {
            let (count, key) = (written.refused.len(), String::from_utf8_lossy(key));
            inner.set_aside(&format!(
                "{count} of its entries are no valid JSON and were left out ({key:?}: {error})"
            ));
        }
        Ok(fingerprint)
    }

    /// Puts the new file in the place of the old one, and clears away what it replaces.
    fn publish(&self, temporary: &Path, fingerprint: FileFingerprint) -> Result<()> {
        let (inner, names) = (&*self.inner, self.inner.names());
        let wrong = |error| Inner::error("replace", &names.snapshot, error);
        if inner.fingerprint() != self.base {
            return Err(wrong(io::Error::other("somebody else changed it meanwhile")));
        }
        inner.append_once(&mut inner.state.lock(), &Record::Folded(fingerprint))?;
        // NOTE: without the state's lock, as it may take long to free the old file's blocks.
        inner.fs.rename(temporary, &names.snapshot).map_err(wrong)?;
        inner.state.lock().is_folded(fingerprint, self.unsaved);
        inner.fs.sync_folder(&names.folder).map_err(wrong)?;
        inner.clear_away(self.last);
        Ok(())
    }
}

impl Drop for Fold {
    /// News that nobody fetched are news again.
    fn drop(&mut self) {
        let mut news = std::mem::take(&mut self.news);
        if !news.is_empty() {
            let mut state = self.inner.state.lock();
            news.append(&mut state.pending);
            state.pending = news;
        }
    }
}

/// Why there is no journal where one was a moment ago.
fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the journal was removed")
}

/// A file as something to write to.
struct Appender<'a>(&'a dyn Handle);

impl Write for Appender<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.append(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! The locks of one process: its presence, and the right to write a snapshot.

use std::sync::atomic::{AtomicU64, Ordering};

use super::folder::Folder;
use super::trust;
use crate::error::{Error, Result};
use crate::store::lock::{Affected, CheckpointGuard, LockFile, Map, NoPage, Page};
use crate::sync::{Arc, Mutex, rank};

/// What this process holds of the lock file.
#[derive(Debug, Default)]
pub struct Locks {
    /// Held for moments only: a fork must find it free to close the file.
    presence: Mutex<Option<Arc<LockFile>>, { rank::LOCK_FILE }>,
    /// The checkpoint lock: not on the stack of the thread that saves, where the child of a fork
    /// could not close it.
    checkpoint: Mutex<Option<CheckpointGuard>, { rank::FOLD }>,
    /// How to see the page of the lock file.
    map: Option<Map>,
    /// The last announcement that was looked into; 0 before the first look.
    announcement: AtomicU64,
}

/// The right to write a snapshot, until it is dropped.
#[derive(Debug)]
pub struct Permit(Arc<Locks>);

impl Drop for Permit {
    fn drop(&mut self) {
        // Taken out first: another thread puts its own there as soon as it is free.
        let guard = self.0.checkpoint.lock().take();
        drop(guard);
    }
}

impl Locks {
    /// Nothing is held yet.
    pub fn new(map: Option<Map>) -> Self {
        Self { map, ..Self::default() }
    }

    /// Joins the processes that write, if this one has not yet; `None` while the last of them clears
    /// up. A lock file that was removed, or that the program closed, is opened again.
    pub fn try_join(&self, folder: &Folder) -> Result<Option<Arc<LockFile>>> {
        let mut presence = self.presence.lock();
        if let Some(lock) = presence.as_ref().filter(|lock| lock.is_ours()) {
            return Ok(Some(Arc::clone(lock)));
        }
        let (path, like) = (&folder.paths().lock, folder.journal_like());
        let wrong = |source| Error::Io { doing: "make the lock file", path: path.clone(), source };
        let Some(joined) = LockFile::join(&*folder.fs, path, like.as_ref()).map_err(wrong)? else {
            return Ok(None);
        };
        if !joined.supported {
            folder.tell_no_locks();
        }
        self.share_page(folder, &joined);
        Ok(Some(Arc::clone(presence.insert(Arc::new(joined)))))
    }

    /// The process that computes `key`, as far as the system tells.
    pub fn key_holder(&self, key: &[u8]) -> Option<u32> {
        let joined = self.presence.lock().clone();
        joined?.key_holder(key)
    }

    /// Has the processes share a page of the lock file, if that is not a stranger's.
    fn share_page(&self, folder: &Folder, lock: &LockFile) {
        let like = folder.like();
        let status = lock.status();
        let believed =
            status.and_then(|status| trust::check(&status, like.as_ref(), folder.fs.user()));
        let shared = match believed {
            Ok(()) => lock.share_page(&*folder.fs, &folder.paths().lock, self.map),
            Err(error) => Err(NoPage::Unwritable(error)),
        };
        if let Err(why) = shared {
            folder.tell_no_page(&why);
        }
    }

    /// The page that the processes share, if this process sees it.
    pub fn page(&self, folder: &Folder) -> Option<Arc<Page>> {
        let lock = self.presence.lock().clone()?;
        lock.page().unwrap_or_else(|why| {
            folder.tell_no_page(&why);
            None
        })
    }

    /// The page without a look at its file.
    pub fn mapped_page(&self) -> Option<Arc<Page>> {
        self.presence.lock().as_ref()?.mapped_page()
    }

    /// Whether somebody has announced anything since the last call.
    pub fn has_announcements(&self, folder: &Folder) -> bool {
        let Some(page) = self.page(folder) else { return false };
        let last = page.changes();
        self.announcement.swap(last, Ordering::AcqRel) != last
    }

    /// Tells the other processes that results of `affected` have been replaced or forgotten.
    pub fn announce(&self, folder: &Folder, affected: Affected<'_>) {
        let lock = self.presence.lock().clone();
        if let Some(Err(error)) = lock.map(|lock| lock.announce(affected)) {
            folder.tell_no_page(&NoPage::Unwritable(error));
        }
    }

    /// Whether this process has joined.
    pub fn is_present(&self) -> bool {
        self.presence.lock().is_some()
    }

    /// Whether there are locks here, as far as this process knows.
    pub fn are_supported(&self) -> bool {
        self.presence.lock().as_ref().is_some_and(|lock| lock.supported)
    }

    /// Whether no other process is there; if so, none comes in until we leave.
    pub fn keep_others_out(&self) -> bool {
        let presence = self.presence.lock();
        presence.as_ref().is_some_and(|lock| lock.keep_others_out().unwrap_or(false))
    }

    /// Leaves the processes that write.
    pub fn leave(&self) {
        let left = self.presence.lock().take();
        drop(left);
    }

    /// The right to write a snapshot, of a process that writes; an error that [`Error::is_busy`]
    /// knows while somebody else has it.
    pub fn permit(self: &Arc<Self>, folder: &Folder) -> Result<Permit> {
        if self.try_join(folder)?.is_none() {
            return Err(folder.busy());
        }
        let path = &folder.paths().checkpoint;
        let wrong = |source| Error::Io { doing: "lock", path: path.clone(), source };
        let guard = CheckpointGuard::take(&*folder.fs, path, folder.journal_like().as_ref());
        guard.map_err(wrong)?.map(|guard| self.keep(guard)).ok_or_else(|| folder.busy())
    }

    /// Takes the right to write a snapshot if nobody has it.
    pub fn try_permit(self: &Arc<Self>, folder: &Folder) -> Option<Permit> {
        let like = folder.journal_like();
        let guard = CheckpointGuard::take(&*folder.fs, &folder.paths().checkpoint, like.as_ref());
        Some(self.keep(guard.ok()??))
    }

    /// Keeps `guard` where the child of a fork finds it.
    fn keep(self: &Arc<Self>, guard: CheckpointGuard) -> Permit {
        *self.checkpoint.lock() = Some(guard);
        Permit(Arc::clone(self))
    }

    /// In the child of a fork: closes the files and leaves the locks to the parent. What another
    /// thread of the parent held at that moment is held for ever: it is tried, never waited for.
    pub fn forget(&self) {
        if let Some(lock) = self.presence.try_lock().and_then(|mut lock| lock.take()) {
            lock.forget();
        }
        if let Some(guard) = self.checkpoint.try_lock().and_then(|mut guard| guard.take()) {
            guard.forget();
        }
    }
}

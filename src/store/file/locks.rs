//! The locks of one process: its presence, and the right to write a snapshot.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::folder::Folder;
use super::obstacle::Obstacle;
use super::sighting::Sighting;
use super::trust;
use crate::error::{Error, Result};
use crate::store::fs::{Closed, Map, Status, Taken, is_lost};
use crate::store::lock::{self, Affected, CheckpointGuard, LockFile, NoPage, Page, Standing};
use crate::store::{KeyGuard, KeyLock};
use crate::sync::{Arc, Mutex, rank};

/// What this process holds of the lock file.
#[derive(Debug, Default)]
pub struct Locks {
    /// Held for moments only: a fork must be able to take it to close the file.
    presence: Mutex<Presence, { rank::LOCK_FILE }>,
    /// The checkpoint lock. It is not kept on the stack of the thread that saves, where the child
    /// of a fork could not close it.
    pub(super) checkpoint: Mutex<Option<CheckpointGuard>, { rank::FOLD }>,
    /// How to map the page of the lock file.
    map: Option<Map>,
    /// The last announcement that was looked at; 0 before the first look.
    announcement: AtomicU64,
    /// Whether an announcement could not be written and is owed.
    owes: AtomicBool,
    /// Whether the lock file was taken away once: others may not have come to the new one yet.
    lost_others: AtomicBool,
    /// Another process that clears up, and is in the way of taking a key.
    joining: Obstacle,
}

/// Whether this process has joined those that write.
#[derive(Debug, Default)]
struct Presence {
    /// The lock file, if it is open.
    lock: Option<Arc<LockFile>>,
    /// Whether the file was closed until its next use.
    is_idle: bool,
    /// When the file was last seen in its place, ours, and with all of its page: each operation on
    /// its descriptor finds out by itself whether that is still ours.
    seen: Sighting,
}

impl Presence {
    /// Returns the lock file if it is certain to be in its place.
    fn certain(&mut self) -> Option<&Arc<LockFile>> {
        let lock = self.lock.as_ref()?;
        // Every key that is being computed holds a weak reference.
        if lock.has_become_page() && Arc::weak_count(lock) == 0 {
            return None;
        }
        if !self.seen.is_recent() {
            let found = lock.look();
            self.seen =
                if found == Standing::Whole { Sighting::now() } else { Sighting::default() };
            if found == Standing::Lost {
                return None;
            }
        }
        Some(lock)
    }
}

/// Announces to those that are present, for a process that is not.
fn announce_from_outside(folder: &Folder, affected: Affected<'_>) -> io::Result<()> {
    let (like, user) = (folder.like(), folder.fs.user());
    let is_ours = |status: &Status| trust::check(status, like.as_ref(), user).is_ok();
    let (path, like) = (&folder.paths().lock, folder.journal_like());
    match lock::announce_from_outside(&*folder.fs, path, like.as_ref(), is_ours, affected) {
        // The last of them has left.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        announced => announced,
    }
}

impl Locks {
    /// The locks of a process that holds none yet.
    pub fn new(map: Option<Map>) -> Self {
        Self { map, ..Self::default() }
    }

    /// Joins the processes that write, unless this one has joined; `None` while the last of them
    /// clears up. A lock file that was removed, or that the program closed, is opened again.
    pub fn try_join(&self, folder: &Folder) -> Result<Option<Arc<LockFile>>> {
        let mut presence = self.presence.lock();
        if let Some(lock) = presence.certain() {
            return Ok(Some(Arc::clone(lock)));
        }
        if presence.lock.as_ref().is_some_and(|lock| lock.abandon()) {
            self.lost_others.store(true, Ordering::Release);
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
        let (lock, is_idle, seen) = (Arc::new(joined), false, Sighting::now());
        *presence = Presence { lock: Some(Arc::clone(&lock)), is_idle, seen };
        Ok(Some(lock))
    }

    /// Joins anew after the program closed the lock file.
    pub fn rejoin(&self, folder: &Folder) -> Result<Option<Arc<LockFile>>> {
        self.presence.lock().seen = Sighting::default();
        self.try_join(folder)
    }

    /// Tries to lock `key` for this process alone.
    pub fn take_key(&self, folder: &Folder, key: &[u8], is_deep: &dyn Fn() -> bool) -> KeyLock {
        self.take(folder, |lock| lock.take_key(key, is_deep))
    }

    /// Counts a computation whose key is not locked.
    pub fn attend(&self, folder: &Folder) -> KeyLock {
        self.take(folder, |lock| Ok((Taken::Yes, Some(lock.attend()?))))
    }

    fn take(
        &self,
        folder: &Folder,
        take: impl Fn(&Arc<LockFile>) -> io::Result<(Taken, Option<KeyGuard>)>,
    ) -> KeyLock {
        let lock = match self.try_join(folder) {
            Ok(Some(lock)) => lock,
            // A process that clears up takes a moment: it is treated as if it computed the key.
            Ok(None) if !self.joining.is_stuck(true) => return KeyLock::Busy,
            Ok(None) => return KeyLock::Unsupported,
            Err(error) => {
                folder.tell_unwritable(&error);
                return KeyLock::Unsupported;
            }
        };
        self.joining.is_stuck(false);
        let taken = match take(&lock) {
            // The program closed the lock file: it is opened again.
            Err(error) if is_lost(&error) => match self.rejoin(folder) {
                Ok(Some(lock)) => take(&lock),
                _ => Err(error),
            },
            taken => taken,
        };
        match taken {
            Ok((Taken::Yes, Some(guard))) => KeyLock::Held(guard),
            Ok((Taken::Busy, _)) => KeyLock::Busy,
            Ok(_) | Err(_) => KeyLock::Unsupported,
        }
    }

    /// Closes the lock file until its next use, unless one of its locks is in use.
    pub fn close_idle(&self) -> Closed {
        let (Some(mut presence), Some(checkpoint)) =
            (self.presence.try_lock(), self.checkpoint.try_lock())
        else {
            return Closed::NotYet;
        };
        let Some(lock) = &presence.lock else { return Closed::Before };
        // Every key that is being computed holds a weak reference.
        if checkpoint.is_some() || Arc::strong_count(lock) + Arc::weak_count(lock) > 1 {
            return Closed::NotYet;
        }
        // Code that has the page mapped sees no announcements any more, and has to come here.
        lock.let_page_go();
        *presence = Presence { is_idle: true, ..Presence::default() };
        Closed::Now
    }

    /// Returns the lock file if it is open.
    fn open(&self) -> Option<Arc<LockFile>> {
        self.presence.lock().lock.clone()
    }

    /// Returns the process that computes `key`, if the system tells.
    pub fn key_holder(&self, key: &[u8]) -> Option<u32> {
        self.open()?.key_holder(key)
    }

    /// Maps the page of the lock file, unless the file is another program's.
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

    /// Returns the page that the processes share, if this process maps it.
    pub fn page(&self, folder: &Folder) -> Option<Arc<Page>> {
        let lock = self.open()?;
        lock.page().unwrap_or_else(|why| {
            folder.tell_no_page(&why);
            None
        })
    }

    /// Returns the page without a look at its file.
    pub fn mapped_page(&self) -> Option<Arc<Page>> {
        self.open()?.mapped_page()
    }

    /// Returns the stamp of the last announcement, if this process sees any. Ask for it *before* a
    /// look at the journal.
    pub fn stamp(&self, folder: &Folder) -> Option<u64> {
        let at_hand = self.seen_lately().and_then(|lock| Some(lock.mapped_page()?.changes()));
        // A cut page shows zeros, and news may be the last of this file: both are to be looked at.
        let known = at_hand.filter(|&stamp| stamp != 0 && self.has_heard(stamp));
        known.or_else(|| self.page(folder).map(|page| page.changes()))
    }

    /// Returns the lock file if it was seen whole, and in its place, a moment ago.
    fn seen_lately(&self) -> Option<Arc<LockFile>> {
        let presence = self.presence.lock();
        presence.lock.clone().filter(|_| presence.seen.is_recent())
    }

    /// Returns whether everything announced up to `stamp` was looked at.
    pub fn has_heard(&self, stamp: u64) -> bool {
        self.announcement.load(Ordering::Acquire) == stamp
    }

    /// Notes that everything announced up to `stamp` was looked at.
    pub fn hear(&self, stamp: u64) {
        self.announcement.store(stamp, Ordering::Release);
    }

    /// Returns whether there were announcements since the last call.
    #[cfg(feature = "sqlite")]
    pub fn has_announcements(&self, folder: &Folder) -> bool {
        let Some(last) = self.stamp(folder) else { return false };
        self.announcement.swap(last, Ordering::AcqRel) != last
    }

    /// Announces to other processes that results of `affected` were replaced or forgotten.
    pub fn announce(&self, folder: &Folder, affected: Affected<'_>) {
        // It may have been closed a moment ago because another cache needed descriptors.
        let closed = || if self.is_present() { self.try_join(folder).ok()? } else { None };
        let lock = self.open().or_else(closed);
        // Another thread may have closed the cache between the change and this.
        let announce_here =
            || self.are_made(folder).then(|| announce_from_outside(folder, affected));
        let announced = lock.map(|lock| lock.announce(affected)).or_else(announce_here);
        let announced = match announced {
            // The program closed the lock file: it is opened again.
            Some(Err(error)) if is_lost(&error) => {
                self.rejoin(folder).ok().flatten().map(|lock| lock.announce(affected))
            }
            announced => announced,
        };
        if let Some(Err(error)) = announced {
            self.owes.store(true, Ordering::Release);
            folder.tell_no_page(&NoPage::Unwritable(error));
        }
    }

    /// Makes up for an announcement that could not be written.
    pub fn announce_owed(&self, folder: &Folder) {
        if self.owes.load(Ordering::Acquire) && self.owes.swap(false, Ordering::AcqRel) {
            self.announce(folder, Affected::All);
        }
    }

    /// Returns whether the last process may remove the lock file.
    fn are_own(&self) -> bool {
        self.open().is_some_and(|lock| lock.is_own())
    }

    /// Returns whether there is a lock file: where locks are supported, no process computes without
    /// one.
    pub fn are_made(&self, folder: &Folder) -> bool {
        self.is_present() || folder.fs.status(&folder.paths().lock).is_ok()
    }

    /// Returns whether no other process is there at this moment, as far as this one can tell.
    pub fn is_alone(&self) -> bool {
        let is_certain = !self.lost_others.load(Ordering::Acquire);
        is_certain && self.open().is_some_and(|lock| lock.is_alone().unwrap_or(false))
    }

    /// Returns whether this process has joined.
    pub fn is_present(&self) -> bool {
        let presence = self.presence.lock();
        presence.lock.is_some() || presence.is_idle
    }

    /// Returns whether locks are supported here, as far as this process knows.
    pub fn are_supported(&self) -> bool {
        self.open().is_some_and(|lock| lock.supported)
    }

    /// Returns whether no other process is there; if so, none can join until this one leaves.
    pub fn keep_others_out(&self) -> bool {
        self.open().is_some_and(|lock| lock.keep_others_out().unwrap_or(false))
    }

    /// Returns whether this process computes.
    pub fn compute(&self) -> bool {
        self.open().is_some_and(|lock| lock.computes())
    }

    /// Stays among the processes that write after all; returns `false` if it must leave.
    pub fn stay(&self) -> bool {
        self.open().is_some_and(|lock| lock.let_others_in())
    }

    /// Leaves the processes that write.
    pub fn leave(&self) {
        let left = std::mem::take(&mut *self.presence.lock());
        drop(left);
    }

    /// Removes the lock files if the last process may remove them.
    pub fn remove(&self, folder: &Folder) {
        if !self.are_own() {
            return;
        }
        // Who has the page mapped and lost the file (a daemon closes all) comes to look for another.
        self.announce(folder, Affected::All);
        let paths = folder.paths();
        // The checkpoint lock goes first: nobody asks for it without the other.
        if paths.checkpoint != paths.lock {
            drop(folder.remove(&paths.checkpoint));
        }
        drop(folder.remove(&paths.lock));
    }

    /// In the child of a fork: closes the files and leaves the locks to the parent. A lock that
    /// another thread of the parent held at that moment is held forever: it is tried, never waited
    /// for.
    pub fn forget(&self) {
        if let Some(lock) = self.presence.try_lock().and_then(|mut it| it.lock.take()) {
            lock.forget();
        }
        if let Some(guard) = self.checkpoint.try_lock().and_then(|mut guard| guard.take()) {
            guard.forget();
        }
    }
}

//! The locks of processes that share a file: presence, checkpoints, and one for each key.
//!
//! The locks are the kernel's, which releases them when a process dies (see
//! [`super::fs::LockPart`]). A key has the number that its checksum yields: two keys with one
//! number wait for each other, no more.
//!
//! IMPORTANT: a lock belongs to the open file description, which a forked child shares. A child
//! closes such files and never unlocks them: otherwise the parent would lose the lock.

mod checkpoint;
mod computations;
mod key_stripes;
mod opening;
mod page;
mod shared_page;
#[cfg(feature = "sqlite")]
mod writing;

#[cfg(feature = "redis")]
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use super::fs::{
    CHECKPOINT_SUFFIX, Fs, Glance, LockHandle, LockMode, LockPart, Map, Status, Taken, is_lost,
};
use crate::sync::{Mutex, rank};
pub use checkpoint::CheckpointGuard;
use computations::{Computations, Hold};
pub use key_stripes::{Affected, KeyStripes, STRIPES, stripe_of};
pub use opening::is_still;
use opening::{Origin, is_alone, open, origin};
#[cfg(feature = "redis")]
pub use page::blank_page;
#[cfg(any(feature = "redis", feature = "sqlite"))]
pub use page::new_stamp;
pub use page::{Page, SIZE as PAGE_SIZE};
use shared_page::SharedPage;
pub use shared_page::{NoPage, announce_from_outside};
#[cfg(feature = "sqlite")]
pub use writing::WriteGuard;

/// How it stands with an open lock file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is ours, in its place, and holds all of the page that is mapped.
    Whole,
    /// The same, but a part of the page is gone.
    Cut,
    /// It is not ours any more, or has no name.
    Lost,
}

/// The lock file, open, with this process's presence.
#[derive(Debug)]
pub struct LockFile {
    handle: Box<dyn LockHandle>,
    /// Whether the file system has locks at all.
    pub supported: bool,
    /// Set in the child of a fork: the locks are the parent's.
    forgotten: AtomicBool,
    /// Set when the presence was lost: this process has to join anew.
    left: AtomicBool,
    /// Who made the file: another program may use a file of this name.
    origin: Origin,
    /// Whether it was empty when it was opened.
    was_empty: bool,
    /// The page that the processes share, once it was asked for.
    shared: OnceLock<SharedPage>,
    /// The computations of this process.
    computations: Mutex<Computations, { rank::LEAF }>,
    /// Whether this process keeps all others out. Held while the presence is locked otherwise:
    /// another thread that asks whether anybody else is there must not let them in.
    excludes: Mutex<bool, { rank::LEAF }>,
    /// How often the right to write was taken.
    #[cfg(feature = "sqlite")]
    writing: std::sync::atomic::AtomicU32,
}

impl LockFile {
    /// Joins the processes that use the file; `None` while the last of them clears up.
    pub fn join(fs: &dyn Fs, path: &Path, like: Option<&Status>) -> io::Result<Option<Self>> {
        loop {
            let (handle, is_new) = open(fs, path, like)?;
            let taken = handle.try_lock(LockPart::Presence, LockMode::Shared)?;
            if taken == Taken::Busy {
                return Ok(None);
            }
            if is_still(fs, path, &*handle) {
                let supported = taken == Taken::Yes;
                let was_empty = handle.glance().is_ok_and(|glance| glance.size == 0);
                let origin = if is_new { Origin::New } else { origin(fs, path, &*handle)? };
                let (forgotten, shared) = (AtomicBool::new(false), OnceLock::new());
                let (computations, excludes) = (Mutex::default(), Mutex::default());
                return Ok(Some(Self {
                    handle,
                    supported,
                    forgotten,
                    left: AtomicBool::new(false),
                    origin,
                    was_empty,
                    shared,
                    computations,
                    excludes,
                    #[cfg(feature = "sqlite")]
                    writing: std::sync::atomic::AtomicU32::new(0),
                }));
            }
        }
    }

    /// Keeps all others out until this process leaves; returns whether it is the only one, so that
    /// this worked. IMPORTANT: ask under the checkpoint lock, and leave if the answer is no:
    /// otherwise two that close at the same time would each believe that the other one stays.
    pub fn keep_others_out(&self) -> io::Result<bool> {
        let mut excludes = self.excludes.lock();
        let taken = self.handle.try_lock(LockPart::Presence, LockMode::Exclusive)?;
        *excludes = taken == Taken::Yes;
        Ok(taken != Taken::Busy)
    }

    /// Lets others join again; returns whether that worked: if not, this process must leave.
    pub fn let_others_in(&self) -> bool {
        let mut excludes = self.excludes.lock();
        let shared = self.handle.try_lock(LockPart::Presence, LockMode::Shared);
        let worked = matches!(shared, Ok(Taken::Yes | Taken::Unsupported));
        *excludes &= !worked;
        worked
    }

    /// Returns whether this process computes.
    pub fn computes(&self) -> bool {
        !self.computations.lock().are_none()
    }

    /// Returns whether no other process is there at this moment, where there are locks.
    pub fn is_alone(&self) -> io::Result<bool> {
        let excludes = self.excludes.lock();
        if *excludes {
            return Ok(true);
        }
        is_alone(&*self.handle).inspect_err(|_| {
            // It may be held as one that keeps everybody out: who asked joins anew.
            self.handle.unlock(LockPart::Presence);
            self.left.store(true, Ordering::Release);
        })
    }

    /// Marks all locks as the parent's.
    pub fn forget(&self) {
        self.forgotten.store(true, Ordering::Release);
    }

    /// Tries to take the lock of `key`; `Unsupported` where keys have none. The keys of very many
    /// computations at once are not locked all, unless they are a deep recursion, as `is_deep` says; it
    /// is asked only if it matters.
    pub fn take_key(
        self: &Arc<Self>,
        key: &[u8],
        is_deep: &dyn Fn() -> bool,
    ) -> io::Result<(Taken, Option<KeyGuard>)> {
        let lock = |part| self.handle.try_lock(part, LockMode::Exclusive);
        // NOTE: asked while nothing is locked.
        let is_deep = self.computations.lock().have_many_locks() && is_deep();
        let mut computations = self.computations.lock();
        let (taken, hold) = computations.lock(key_number(key), is_deep, lock)?;
        Ok((taken, hold.map(|hold| self.guard(hold))))
    }

    /// Counts a computation whose key is not locked. It fails if the program has closed the file:
    /// nothing would show others that this process is there, and a lock, which would tell, is not
    /// taken.
    pub fn attend(self: &Arc<Self>) -> io::Result<KeyGuard> {
        self.handle.glance()?;
        Ok(self.guard(self.computations.lock().add()))
    }

    fn guard(self: &Arc<Self>, hold: Hold) -> KeyGuard {
        KeyGuard(Held::File { lock: Arc::downgrade(self), hold })
    }

    /// Notes that a computation is over, and releases what it had locked for itself.
    fn end(&self, hold: Hold) {
        self.computations.lock().end(hold, |part| self.handle.unlock(part));
    }

    /// Returns the process that has `key`, as far as the system tells.
    pub fn key_holder(&self, key: &[u8]) -> Option<u32> {
        self.handle.holder(LockPart::Key(key_number(key)))
    }

    /// Maps the page that the processes of the file share. The file must be trusted.
    pub fn share_page(&self, fs: &dyn Fs, path: &Path, map: Option<Map>) -> Result<(), NoPage> {
        let (shared, why) = SharedPage::open(&*self.handle, self.origin, fs, path, map);
        let _ = self.shared.set(shared);
        why.map_or(Ok(()), Err)
    }

    /// Returns the page, if this process maps it.
    pub fn page(&self) -> Result<Option<Arc<Page>>, NoPage> {
        let Some(shared) = self.shared.get() else { return Ok(None) };
        match self.handle.glance() {
            Ok(glance) if glance.links > 0 => shared.page(glance),
            Err(error) if !is_lost(&error) => Ok(None),
            // Nobody else announces anything there.
            Ok(_) | Err(_) => {
                shared.close();
                Ok(None)
            }
        }
    }

    /// Makes the page show a change to all code that looks at it from now on.
    pub fn let_page_go(&self) {
        if let Some(page) = self.mapped_page() {
            page.let_go();
        }
    }

    /// Returns the page without a look at the file.
    pub fn mapped_page(&self) -> Option<Arc<Page>> {
        self.shared.get()?.mapped_page()
    }

    /// Announces to other processes that results of `affected` were replaced or forgotten.
    pub fn announce(&self, affected: Affected<'_>) -> io::Result<()> {
        let Some(shared) = self.shared.get() else { return Ok(()) };
        shared.announce(&*self.handle, affected, self.is_undecided())
    }

    /// Makes those that still look at the page of this file, if it has lost its name, look for the one
    /// in its place: nobody announces anything here any more. Returns whether it has.
    pub fn abandon(&self) -> bool {
        let is_lost = self.handle.glance().is_ok_and(|glance| glance.links == 0);
        if is_lost {
            let _ = self.announce(Affected::All);
        }
        is_lost
    }

    /// Returns whether outlive made the file, so that the last process may remove it.
    pub fn is_own(&self) -> bool {
        self.origin != Origin::Unknown
    }

    /// Returns the status of the file.
    pub fn status(&self) -> io::Result<Status> {
        self.handle.status()
    }

    /// Returns whether it has become a page since it was opened: its maker had not written to it
    /// yet.
    pub fn has_become_page(&self) -> bool {
        let is_whole = |glance: Glance| glance.size >= PAGE_SIZE as u64;
        self.is_undecided() && self.handle.glance().is_ok_and(is_whole)
    }

    fn is_undecided(&self) -> bool {
        self.was_empty && self.origin == Origin::Unknown
    }

    /// Looks whether the open file is still ours, has a name, and holds all of its page.
    pub fn look(&self) -> Standing {
        let glance = self.handle.glance().ok().filter(|glance| glance.links > 0);
        match glance.filter(|_| !self.left.load(Ordering::Acquire)) {
            None => Standing::Lost,
            Some(glance) if self.shared.get().is_some_and(|it| it.is_cut(glance)) => Standing::Cut,
            Some(_) => Standing::Whole,
        }
    }
}

/// A computation of this process, with or without the lock of its key; dropping it ends it and
/// gives the lock back.
#[derive(Debug)]
pub struct KeyGuard(Held);

/// What gives the right back.
#[derive(Debug)]
enum Held {
    /// The lock of a file.
    File {
        /// Weak, so that a guard on the stack of a thread that a fork did not copy keeps no file
        /// open.
        lock: Weak<LockFile>,
        hold: Hold,
    },
    /// Something of another store, when it is dropped.
    #[cfg(feature = "redis")]
    Other { _held: Box<OfStore> },
}

/// A box of its own, so that a guard, of which most are of files, stays as small as it was.
#[cfg(feature = "redis")]
#[derive(Debug)]
struct OfStore {
    _held: Box<dyn fmt::Debug + Send + Sync>,
}

impl KeyGuard {
    /// Returns whether it is held still: the process may have left meanwhile.
    pub fn is_held(&self) -> bool {
        match &self.0 {
            Held::File { lock, .. } => lock.strong_count() > 0,
            #[cfg(feature = "redis")]
            Held::Other { .. } => true,
        }
    }

    /// A right that goes when `held` is dropped.
    #[cfg(feature = "redis")]
    pub fn of_store(held: Box<dyn fmt::Debug + Send + Sync>) -> Self {
        Self(Held::Other { _held: Box::new(OfStore { _held: held }) })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        #[cfg_attr(not(feature = "redis"), expect(irrefutable_let_patterns, reason = "no other"))]
        let Self::File { lock, hold } = self else { return };
        let held = lock.upgrade().filter(|lock| !lock.forgotten.load(Ordering::Acquire));
        if let Some(lock) = held {
            lock.end(*hold);
        }
    }
}

/// Returns the file that is locked for checkpoints, given the one for everything else.
pub fn checkpoint_path(lock: &Path) -> PathBuf {
    let mut path = lock.as_os_str().to_owned();
    path.push(CHECKPOINT_SUFFIX);
    path.into()
}

/// Returns the number of `key`, below 2^30.
fn key_number(key: &[u8]) -> u32 {
    key_checksum(key) >> 2
}

fn key_checksum(key: &[u8]) -> u32 {
    crc32fast::hash(key)
}

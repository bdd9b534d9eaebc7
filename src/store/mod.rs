//! Where entries outlive the process: the contract of every store, and the stores.
//!
//! A store knows texts, never values: keys are WTF-8 (UTF-8 that may hold lone surrogates), values
//! are JSON texts. It never decides what is kept; the cache above it does.

mod distant;
mod entries;
mod external;
mod file;
mod fill;
mod free_memory;
pub mod fs;
mod items;
mod journal;
mod known;
mod lock;
mod memory;
mod notes;
mod paged;
#[cfg(any(feature = "redis", feature = "sqlite"))]
mod pending;
mod purge;
#[cfg(feature = "redis")]
mod redis;
mod replay;
pub mod snapshot;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::time::Duration;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::sync::Arc;

pub use distant::{Asking, Distant, DistantStore, Listed, Read, bytes_of, read};
pub use entries::{Entries, EntryRun};
pub use external::{ExternalChange, Loaded, Missed};
pub use file::{Counts, Durability, FileStore, KeptReceipts, Options, Receipts};
pub use fs::{Map, Memory};
pub use items::Items;
pub use known::Known;
pub use lock::{Affected, KeyGuard, KeyStripes, PAGE_SIZE, Page, STRIPES, stripe_of};
pub use memory::MemoryStore;
pub use notes::{Code, Notes};
pub use paged::{Draw, LastUse, Outline, Paged, Room};
pub use purge::Purge;
#[cfg(feature = "redis")]
pub use redis::{Address, RedisStore, doubt_in_child};
pub use snapshot::Format;
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore, close_before_fork, look_at_files_by};

/// The member of a flat snapshot that is no result; among items, the key of the salt.
pub const RESERVED_KEY: &str = "outlive:meta";

/// One result as a store holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The key's text: WTF-8, not JSON-escaped.
    pub key: Bytes,
    /// The value's JSON text.
    pub text: Bytes,
    /// Whether `text` is known to be strict, compact JSON in the store's charset (written by us). A
    /// text read from a file is not, until it is checked.
    pub sound: bool,
    /// Seconds since the epoch when the result was made; `None` if that was not recorded.
    pub created: Option<f64>,
    /// Whether `created` must survive in a flat snapshot (a function uses expiry).
    pub timed: bool,
    /// Everything else that is known of it.
    pub notes: Notes,
}

/// One step of a cache's history.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The key has this result from now on.
    Put(Item),
    /// The key has no result any more.
    Remove(Bytes),
    /// No key has one.
    Clear,
}

impl Change {
    /// The key that it is about; `None` if it is about all keys.
    pub fn key(&self) -> Option<&Bytes> {
        match self {
            Self::Put(item) => Some(&item.key),
            Self::Remove(key) => Some(key),
            Self::Clear => None,
        }
    }
}

/// The cause of a change, which decides its relation to computations under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A caller asked for it: computations of its keys that began before are outdated.
    Given,
    /// A computation ended. Its result counts unless it is outdated.
    Computed,
    /// Neither: a result is evicted, or is written once more.
    Upkeep,
}

/// The outcome of an attempt to take a key for this process.
#[derive(Debug)]
pub enum KeyLock {
    /// Taken; released when dropped (and by the kernel when the process dies).
    Held(KeyGuard),
    /// Another process computes this key at the moment.
    Busy,
    /// This store, platform or file system has no such locks: proceed without.
    Unsupported,
}

impl KeyLock {
    /// Returns the key, if it was taken.
    pub fn held(self) -> Option<KeyGuard> {
        match self {
            Self::Held(guard) => Some(guard),
            Self::Busy | Self::Unsupported => None,
        }
    }
}

/// When a key is taken that is looked at by the same question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Take {
    /// Whatever entry there is: it does not do.
    #[default]
    Always,
    /// If there is no entry.
    IfMissing,
}

/// A place that keeps entries beyond the process. Every method may be called from any thread.
pub trait Store: Send + Sync {
    /// Sets whether reading must not change the folder from now on: if so, a copy of a damaged file
    /// is kept only when something is about to be written. By default it may be changed.
    fn set_read_only(&self, _only: bool) {}
    /// Returns the operations of a store that is not loaded whole. Then `load` returns nothing but
    /// the salt, and memory holds copies of entries that may be dropped at any time.
    fn paged(&self) -> Option<&dyn Paged> {
        None
    }
    /// Whether it is on another machine, perhaps: then every use may wait for an answer, for a time
    /// that is bounded.
    fn is_remote(&self) -> bool {
        false
    }
    /// Reads everything. Never fails: trouble becomes notices, and everything intact is returned.
    fn load(&self) -> Loaded;
    /// Returns what others did since `load` or the last call; one cheap look if nothing happened.
    fn external_changes(&self) -> Vec<ExternalChange>;
    /// Returns whether anything appended is kept: if not, it need not be assembled.
    fn keeps(&self) -> bool {
        true
    }
    /// Writes a change that a caller asked for, as [`append_as`](Self::append_as) does.
    fn append(&self, change: Change) -> Result<()> {
        self.append_as(change, Cause::Given).map(drop)
    }
    /// Writes `change`; when it returns `Ok(true)`, the change survives the end of this process.
    /// `Ok(false)`: it is the result of a computation that another process has outdated, and counts
    /// for nobody.
    ///
    /// After an `Err` the change is only in memory: the store keeps it there, after whatever it
    /// loads, and tries again until a disk has taken it. It never waits for another process: if one
    /// is in the way ([`Error::is_busy`]), call [`Store::settle`] as soon as no lock is held.
    ///
    /// IMPORTANT: a save that another thread begins meanwhile drops the journal that holds the
    /// change. So the change must be among the entries of every save that is sealed after `append`
    /// was called: hold one lock over both, and over `seal`.
    fn append_as(&self, change: Change, cause: Cause) -> Result<bool>;
    /// Outdates the computations of other processes that `purge` concerns, if there are any, and
    /// their results of a moment ago. While another process is in the way ([`Error::is_busy`]), a
    /// purge of a key or of all waits for [`settle`](Self::settle); one of a pattern must be made
    /// again.
    fn outdate(&self, _purge: &Purge) -> Result<()> {
        Ok(())
    }
    /// Writes what `append` could not because another process was in the way. Does not wait: if
    /// that is still in the way, ask again later, without any lock; after some seconds it is an
    /// error like any other.
    fn settle(&self) -> Result<()> {
        Ok(())
    }
    /// Notes that nobody waits any more for [`settle`](Self::settle) to succeed.
    fn stop_waiting(&self) {}
    /// Announces to other processes that results of `affected` were replaced or forgotten, after
    /// `append` has written that: they look before they serve what they hold.
    fn announce(&self, _affected: Affected<'_>) {}
    /// Returns the page with the announcements of other processes, if this process maps it.
    fn page(&self) -> Option<Arc<Page>> {
        None
    }
    /// Returns the shared page, without a look at its file, which may have been cut meanwhile.
    fn mapped_page(&self) -> Option<Arc<Page>> {
        None
    }
    /// Begins to follow the announcements of other processes: this process counts as a writer from
    /// now on.
    fn join(&self) {}
    /// Returns whether other processes may change the store.
    fn is_shared(&self) -> bool {
        false
    }
    /// Tries to lock `key` for this process alone. Never waits for another process's key.
    fn lock_key(&self, _key: &[u8]) -> KeyLock {
        KeyLock::Unsupported
    }
    /// Tries to lock `key`, and returns what there is under it, if one question can do both. If the
    /// key is only taken where there is no entry, and there is one, nobody tries to lock it: that
    /// counts as a lock that there is none of.
    fn take_key(&self, key: &[u8], _take: Take) -> (KeyLock, Option<Known>) {
        (self.lock_key(key), None)
    }
    /// Tries to lock `key`, as `lock_key` does, for a computation that may be a part of others:
    /// `is_deep` says whether these are many. Then keys that nobody computes may be locked, too.
    fn lock_key_within(&self, key: &[u8], _is_deep: &dyn Fn() -> bool) -> KeyLock {
        self.lock_key(key)
    }
    /// Makes sure, for a computation whose key is not locked, that this process hears of purges as
    /// long as it holds what is returned.
    fn attend(&self) -> KeyLock {
        KeyLock::Unsupported
    }
    /// Returns whether this process, which has a key locked or attends, hears of purges from now on:
    /// a look at the store may have found that what it follows has ended. If not, it does so anew.
    fn hears_purges(&self) -> bool {
        true
    }
    /// Waits for `time`, while another process has `key`; less if the store hears of its result.
    /// The caller is not inside the cache.
    fn wait_for(&self, _key: &[u8], time: Duration) {
        std::thread::sleep(time);
    }
    /// Returns the process that has `key`, as far as that can be known: for messages.
    fn key_holder(&self, _key: &[u8]) -> Option<u32> {
        None
    }
    /// Begins to fold everything into a new snapshot; `None` if nothing changed since the last.
    /// Does not wait while another process or thread saves ([`Error::is_busy`]): ask again later,
    /// without any lock.
    fn begin_save(&self) -> Result<Option<Box<dyn Saving>>> {
        Ok(None)
    }
    /// Begins the last save of this process, as `begin_save` does: `None` if nothing changed. When
    /// the save is dropped, this process has left; the last process to leave leaves only the
    /// snapshot behind. The next use opens the store again.
    fn begin_close(&self) -> Result<Option<Box<dyn Saving>>> {
        Ok(None)
    }
    /// Makes the next save write a snapshot although only the order of the entries has changed.
    fn reorder(&self) {}
    /// Returns whether the journal has outgrown the snapshot, so that a save is due.
    fn wants_save(&self) -> bool {
        false
    }
    /// Keeps a copy of the file as it is now under a telling name, because of `why`.
    fn quarantine(&self, why: &str);
    /// Removes the copies of damaged files, with everything that they hold.
    fn erase_copies(&self) {}
    /// Ends the use of the store without a snapshot. Changes that were appended and not folded stay
    /// in the journal. The next use opens the store again.
    fn close(&self);
    /// Lets the next close leave although this process computes: it ends.
    fn end(&self) {}
    /// Returns whether the store was closed with everything in the snapshot, and was not used
    /// since: then there is nothing to save, and what others did meanwhile is read at the next use.
    fn is_closed(&self) -> bool {
        false
    }
    /// Takes the notices for the user, once each, in order.
    fn notices(&self) -> Vec<String>;
    /// Why it cannot be used as it should at this moment, in words for the user.
    fn trouble(&self) -> Option<String> {
        None
    }
    /// In the child of a fork: forgets the parent's locks and handles without touching them.
    fn after_fork(&self);
}

/// A save under way: under the lock over the history, `seal` it, apply what others did and collect
/// all entries; then `write` them without that lock.
///
/// Dropped instead of written, it leaves the old snapshot and all journals as they were.
pub trait Saving: Send {
    /// Ends the journals that are to be folded; returns what others did up to there. `None` if
    /// there turns out to be nothing to save. To be called once.
    fn seal(&mut self) -> Result<Option<Vec<ExternalChange>>>;
    /// Writes the snapshot from all `entries`, durably, and drops the folded journals. Returns
    /// `false` if one of them could not be dropped, because an earlier save had failed; another
    /// save can.
    fn write(self: Box<Self>, entries: &Entries) -> Result<bool>;
    /// Writes nothing, as there is no memory to list the entries. The journals stay, and hold them.
    fn give_up(self: Box<Self>) -> Error;
}

//! Where entries outlive the process: the contract of every store, and the stores.
//!
//! A store knows texts, never values: keys are WTF-8 (UTF-8 that may hold lone surrogates), values
//! are JSON texts. It never decides what is kept; the cache above it does.

mod entries;
mod file;
mod fill;
mod free_memory;
pub mod fs;
mod items;
mod journal;
mod lock;
mod memory;
mod notes;
mod paged;
mod purge;
mod replay;
pub mod snapshot;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::time::SystemTime;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::sync::Arc;

pub use entries::{Entries, EntryRun};
pub use file::{Durability, FileStore, Options};
pub use fs::{Map, Memory};
pub use items::Items;
pub use lock::{Affected, KeyGuard, PAGE_SIZE, Page};
pub use memory::MemoryStore;
pub use notes::{Code, Notes};
pub use paged::{LastUse, Paged, Room};
pub use purge::Purge;
pub use snapshot::Format;
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore, close_before_fork};

/// The member of a flat snapshot that is no result; among items, the key of the salt.
pub const RESERVED_KEY: &str = "outlive:meta";

/// One result as a store holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The key's text: WTF-8, not JSON-escaped.
    pub key: Bytes,
    /// The value's JSON text.
    pub text: Bytes,
    /// Whether `text` is known to be strict, compact JSON in the store's charset (written by us).
    /// What was read from a file is not, until it is looked at.
    pub sound: bool,
    /// Seconds since the epoch when the result was made; `None` if nobody wrote it down.
    pub created: Option<f64>,
    /// Whether `created` must survive in a flat snapshot (somebody uses expiry).
    pub timed: bool,
    /// What else is known of it.
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

/// Why a change is made: what it does to computations under way, and they to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A caller asked for it: computations of its keys that began before are outdated.
    Given,
    /// A computation ended. Its result counts unless it is outdated.
    Computed,
    /// Neither: a result goes for want of room, or is put down once more.
    Upkeep,
}

/// What a store found when it was opened, or opened again.
#[derive(Debug, Default)]
pub struct Loaded {
    /// All entries in insertion order, each key once.
    pub items: Items,
    /// When the snapshot was last modified: the age of entries that carry no time.
    pub modified: Option<SystemTime>,
    /// Whether the snapshot's writer cannot have known what this process appended before: a program
    /// that rewrites the file, not a process that folded the journals into it.
    pub foreign: bool,
    /// Whether journals are gone that this process has not read: others may have deleted in them
    /// what it knows.
    pub missed: bool,
}

/// What other processes did to the store since it was last looked at.
///
/// Such changes come in the order of the file, and what this process did after them is taken out of
/// them already. Apply them under the same lock as the changes of this process.
#[derive(Debug)]
pub enum ExternalChange {
    /// They went on from what we know.
    Change(Change),
    /// They outdated computations under way.
    Purge(Purge),
    /// What memory holds of this key, or of all if there is none, may not be what the store holds any
    /// more: it is asked for again. Only stores that are not loaded whole say so.
    Outdated(Option<Bytes>),
    /// The history does not go on from what we know (the snapshot was replaced by somebody else,
    /// say an editor, or deleted): this is everything that there is now, this process's own changes
    /// included, also those which no disk has taken yet.
    Replaced(Loaded),
}

impl ExternalChange {
    /// Whether it outdates what `change` is the result of.
    fn outdates(&self, change: &Change) -> bool {
        matches!((self, change), (Self::Purge(purge), Change::Put(item)) if purge.concerns(&item.key))
    }
}

/// How the attempt to take a key for this process ended.
#[derive(Debug)]
pub enum KeyLock {
    /// Taken; given back when dropped (and by the kernel when the process dies).
    Held(KeyGuard),
    /// Another process computes this key at the moment.
    Busy,
    /// This store, platform or file system has no such locks: go on without.
    Unsupported,
}

impl KeyLock {
    /// The key, if it was taken.
    pub fn held(self) -> Option<KeyGuard> {
        match self {
            Self::Held(guard) => Some(guard),
            Self::Busy | Self::Unsupported => None,
        }
    }
}

/// A place that keeps entries beyond the process. Every method may be called from any thread.
pub trait Store: Send + Sync {
    /// Says whether the folder may be changed by what is read from now on: if not, a copy of a
    /// damaged file is kept only when something is about to be written. It may, unless told
    /// otherwise.
    fn set_read_only(&self, _only: bool) {}
    /// What it offers if it is not loaded whole. Then `load` gives nothing but the salt, and memory
    /// holds copies of entries that may be dropped at any time.
    fn paged(&self) -> Option<&dyn Paged> {
        None
    }
    /// Reads everything. Never fails: trouble becomes notices, and what is intact is returned.
    fn load(&self) -> Loaded;
    /// What others did since `load` or the last call; one cheap look when nothing happened.
    fn external_changes(&self) -> Vec<ExternalChange>;
    /// Whether anything that is appended is kept: if not, it need not be put together.
    fn keeps(&self) -> bool {
        true
    }
    /// Takes a change down that somebody wants, as [`append_as`](Self::append_as) does.
    fn append(&self, change: &Change) -> Result<()> {
        self.append_as(change, Cause::Given).map(drop)
    }
    /// Takes `change` down; when it returns `Ok(true)`, the change survives the end of this process.
    /// `Ok(false)`: it is the result of a computation that another process has outdated, and counts
    /// for nobody.
    ///
    /// After an `Err` the change is only in memory: the store keeps it there, behind whatever it
    /// loads, and tries again until a disk has taken it. Never waits for another process: if that is
    /// in the way ([`Error::is_busy`]), call [`Store::settle`] as soon as no lock is held.
    ///
    /// IMPORTANT: a save that another thread begins meanwhile drops the journal that holds the
    /// change. So the change must be among the items of every save that is sealed after `append` was
    /// called: hold one lock over both, and over `seal`.
    fn append_as(&self, change: &Change, cause: Cause) -> Result<bool>;
    /// Outdates the computations of other processes that `purge` concerns, if there are any, with what
    /// they kept of them a moment ago. While another process is in the way ([`Error::is_busy`]), a
    /// purge of a key or of all waits for [`settle`](Self::settle); one of a pattern is to be made
    /// again.
    fn outdate(&self, _purge: &Purge) -> Result<()> {
        Ok(())
    }
    /// Takes down what `append` could not because another process was in the way. Does not wait: if
    /// that is still in the way, ask again later, without any lock; after some seconds it is an
    /// error like any other.
    fn settle(&self) -> Result<()> {
        Ok(())
    }
    /// Tells the other processes that results of `affected` have been replaced or forgotten, after
    /// `append` has taken that down: they look before they serve what they hold.
    fn announce(&self, _affected: Affected<'_>) {}
    /// What other processes announce, where this process sees it.
    fn page(&self) -> Option<Arc<Page>> {
        None
    }
    /// The shared page, without a look at its file, which may have been cut meanwhile.
    fn mapped_page(&self) -> Option<Arc<Page>> {
        None
    }
    /// Starts to follow what other processes announce: from now on this process counts as a writer.
    fn join(&self) {}
    /// Whether other processes may change what is in the store.
    fn is_shared(&self) -> bool {
        false
    }
    /// Tries to take `key` for this process alone. Never waits for another process's key.
    fn lock_key(&self, key: &[u8]) -> KeyLock;
    /// The process that has `key`, as far as it can be known: to be told to the user.
    fn key_holder(&self, _key: &[u8]) -> Option<u32> {
        None
    }
    /// Begins to fold everything into a new snapshot; `None` if nothing changed since the last. Does
    /// not wait while another process or thread saves ([`Error::is_busy`]): ask again later, without
    /// any lock.
    fn begin_save(&self) -> Result<Option<Box<dyn Saving>>>;
    /// Begins the last save of this process, as `begin_save` does: `None` if nothing changed. When
    /// that is dropped this process has left; the last process to leave leaves only the snapshot
    /// behind. The next use opens the store again.
    fn begin_close(&self) -> Result<Option<Box<dyn Saving>>>;
    /// Makes the next save write a snapshot although only the order of the entries has changed.
    fn reorder(&self) {}
    /// Whether the journal has outgrown the snapshot, so that somebody should save soon.
    fn wants_save(&self) -> bool;
    /// Keeps a copy of the file as it is now under a telling name, because `why`.
    fn quarantine(&self, why: &str);
    /// Removes the copies that were kept of damaged files, with all that they hold.
    fn erase_copies(&self) {}
    /// Ends the use of the store without a snapshot. What was appended and not folded stays in the
    /// journal. The next use opens the store again.
    fn close(&self);
    /// Whether the store was closed, everything is in the snapshot, and it was not used since: then
    /// there is nothing to save, and what others did meanwhile is read when it is used again.
    fn is_closed(&self) -> bool {
        false
    }
    /// What the user should be told, once each, in order; emptied by the call.
    fn notices(&self) -> Vec<String>;
    /// In the child of a fork: forgets the parent's locks and handles without touching them.
    fn after_fork(&self);
}

/// A save under way: under the lock over the history `seal` it, apply what others did and put all
/// entries together; then `write` them without that lock.
///
/// Dropped instead of written, it leaves the old snapshot and all journals as they were.
pub trait Saving: Send {
    /// Ends the journals that are to be folded; what others did up to there. `None` if it turns out
    /// that there is nothing to save. To be called once.
    fn seal(&mut self) -> Result<Option<Vec<ExternalChange>>>;
    /// Writes the snapshot from all `entries`, durably, and drops the folded journals. `false`: one of
    /// them could not be dropped, since a save had failed before this one; another save can.
    fn write(self: Box<Self>, entries: &Entries) -> Result<bool>;
    /// Writes nothing: there is no memory to list the entries. The journals stay, which hold them.
    fn give_up(self: Box<Self>) -> Error;
}

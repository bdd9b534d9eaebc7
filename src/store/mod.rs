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
mod replay;
pub mod snapshot;

use std::time::SystemTime;

use bytes::Bytes;

use crate::error::Result;

pub use entries::{Entries, EntryRun};
pub use file::{Durability, FileStore, Options};
pub use items::Items;
pub use lock::{KeyGuard, Map, Memory};
pub use memory::MemoryStore;
pub use notes::{Code, Notes};
pub use snapshot::Format;

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
}

/// What other processes did to the store since it was last looked at.
///
/// News come in the order of the file, and what this process appended after them is taken out of
/// them already. Apply them under the same lock as the changes of this process.
#[derive(Debug)]
pub enum News {
    /// They went on from what we know.
    Change(Change),
    /// The history does not go on from what we know (the snapshot was replaced by somebody else,
    /// say an editor): this is everything that the disk holds now, this process's appended changes
    /// included. Only changes whose `append` failed are not in it.
    Replaced(Loaded),
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
    /// Says whether the folder may be changed by what is read from now on: if not, a damaged file is
    /// set aside only when something is about to be written. It may, unless told otherwise.
    fn only_reads(&self, _only: bool) {}
    /// Reads everything. Never fails: trouble becomes notices, and what is intact is returned.
    fn load(&self) -> Loaded;
    /// What others did since `load` or the last call; one cheap look when nothing happened.
    fn news(&self) -> Vec<News>;
    /// Takes `change` down; when it returns `Ok`, the change survives the end of this process.
    /// After an `Err` the change is only in memory, and the next save takes it from there.
    ///
    /// IMPORTANT: a save that another thread begins meanwhile drops the journal that holds the
    /// change. So the change must be among the items of every save that begins after `append` was
    /// called: make it known to `write`'s caller first, or hold one lock over both.
    fn append(&self, change: &Change) -> Result<()>;
    /// Tries to take `key` for this process alone. Never waits for another process's key.
    fn lock_key(&self, key: &[u8]) -> KeyLock;
    /// Begins to fold everything into a new snapshot; `None` if nothing changed since the last.
    /// Waits while another process or thread saves.
    fn begin_save(&self) -> Result<Option<Box<dyn Saving>>>;
    /// Begins the last save of this process: `None` if nothing changed, or if another process goes
    /// on with the journal and will fold it. Call [`Store::close`] afterwards in every case.
    fn begin_close(&self) -> Result<Option<Box<dyn Saving>>>;
    /// Whether the journal has outgrown the snapshot, so that somebody should save soon.
    fn wants_save(&self) -> bool;
    /// Keeps a copy of the file as it is now under a telling name, because `why`.
    fn set_aside(&self, why: &str);
    /// Ends the use of the store; the last process to leave leaves only the snapshot behind.
    /// What was appended and not folded stays in the journal. The next use opens the store again.
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

/// A save under way: first take in `news`, then `write` the whole state.
///
/// Dropped instead of written, it leaves the old snapshot and all journals as they were.
pub trait Saving: Send {
    /// What others did up to the point at which the journal was sealed; empty at the second call.
    fn news(&mut self) -> Vec<News>;
    /// Writes the snapshot from all `entries`, durably, and drops the folded journals.
    fn write(self: Box<Self>, entries: &Entries) -> Result<()>;
}

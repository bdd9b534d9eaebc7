//! A cache in a file: a snapshot that everybody can read, and a journal that nothing is lost from.
//!
//! # The life of the files
//! * `NAME.json`, the **snapshot**: only ever replaced as a whole, by a rename (or, where that
//!   cannot be, written over while a whole copy stands beside it; see [`replace`]).
//! * `NAME.json.journal-<generation>`: all changes since (see [`super::journal`]). Whoever has
//!   something to write appends to the lowest generation that has not ended; if there is none, a
//!   new chain is begun under the checkpoint lock.
//! * `NAME.json.lock`: there while processes write. Each holds a shared lock on it (*presence*)
//!   from its first append, key lock or call in a mode that writes to its close (see [`super::lock`]).
//!   What only reads makes no file.
//! * `NAME.json.tmp-<unique>`: a snapshot being written, under the checkpoint lock, so that any
//!   other such file is a dead process's.
//!
//! **Saving** (a checkpoint): take the checkpoint lock; make generation n+1; seal n, so that
//! everybody goes on in n+1; write all entries to a temporary file and sync it; record its
//! fingerprint in n+1; rename; sync the folder; record in n+1 that it is in place; remove the
//! generations up to n, oldest first. After whichever of these steps the process ends, snapshot and
//! journals together hold everything: replaying a journal over a snapshot that already has it
//! changes nothing.
//!
//! **Closing**: under the checkpoint lock each process asks whether it is alone. If not, it just
//! leaves. If it is, it keeps others out, saves, seals the last generation and removes everything
//! but the snapshot. A process that had one of these files open finds the seal and looks again.
//!
//! **A change that no disk has taken** (the disk was full, or the folder was removed) stays in
//! memory, in order, until one has: it is tried again before the next change, is included when the
//! files are read, and is in the next snapshot (see [`backlog`]).
//!
//! **Foreign writers** (an editor, a program that rewrites the file in place): the fingerprint of
//! the snapshot is not the known one. Before a save overwrites it, it is read and handed to the
//! cache together with the journals, and the other processes are told that the new snapshot holds
//! more than the journals. A user who removes the snapshot has deleted the cache: the journals
//! beside it, which record that there was one, do not count any more.
//!
//! Without locks (some network file systems) only one process at a time may use the file; a notice
//! says so. Over NFS with locks, processes on several machines work together as far as the server
//! keeps appends whole, which NFS does not promise: a damaged record is possible there, and is
//! dropped like any other.

mod append;
mod appender;
mod backlog;
mod chain;
mod checkpoint;
mod close;
mod contents;
mod folder;
mod follow;

mod generations;
mod head;
mod load;
mod locks;
mod news;
mod notices;
mod obstacle;
mod own;
mod paths;
mod permit;
mod phase;
mod process_store;
mod progress;
mod purged;
mod quarantine;
mod reading;
mod receipts;
mod replace;
mod sighting;
mod snapshot_file;
mod state;
mod telling;
mod trust;
mod view;

use std::path::PathBuf;
use std::sync::atomic::Ordering;

pub(super) use self::folder::Folder;
pub(super) use self::notices::Notices;
use self::process_store::ProcessStore;
pub use self::receipts::{Counts, KeptReceipts, Receipts};
#[cfg(feature = "sqlite")]
pub(super) use self::{
    locks::Locks, obstacle::Obstacle, permit::Permit, quarantine::erase as erase_copies,
};
use super::fs::Map;
use super::fs::{Disk, Fs};
use super::lock::{Affected, Page};
use super::{Cause, Change, ExternalChange, Format, KeyLock, Loaded, Purge, Saving, Store};
use crate::error::Result;
use crate::sync::Arc;
use crate::value::write::Charset;

/// What an appended change survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// After `append` returns, the change is safe from the end of the process, however it comes.
    #[default]
    Flush,
    /// After `append` returns, the change is safe from a loss of power, too (milliseconds each).
    Fsync,
}

/// The options of a file store.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What the snapshot may hold; texts appended as sound hold nothing else.
    pub charset: Charset,
    /// The format of a new file.
    pub format: Format,
    /// What an appended change survives.
    pub durability: Durability,
    /// Whether the file is only read: nothing in its folder is made or changed.
    pub read_only: bool,
    /// How to map memory that other processes see.
    pub map: Option<Map>,
}

/// The store of a cache in a JSON file.
#[derive(Debug)]
pub struct FileStore {
    first: Arc<ProcessStore>,
}

impl FileStore {
    /// A store in the file at `path`, relative to the current working directory. Does no I/O.
    pub fn new(path: PathBuf, options: Options) -> Self {
        Self::with_fs(path, options, Arc::new(Disk))
    }

    /// A store on another file system, for tests.
    pub fn with_fs(path: PathBuf, options: Options, fs: Arc<dyn Fs>) -> Self {
        let path = std::path::absolute(&path).unwrap_or(path);
        let folder = Folder::new(fs, path, options.charset);
        Self { first: Arc::new(ProcessStore::new(folder, options)) }
    }

    /// The store of this process.
    fn current(&self) -> &Arc<ProcessStore> {
        self.first.current()
    }
}

impl Store for FileStore {
    fn set_read_only(&self, only: bool) {
        self.current().state.lock().view.only_reads = only;
    }

    fn load(&self) -> Loaded {
        self.current().load()
    }

    fn external_changes(&self) -> Vec<ExternalChange> {
        let store = self.current();
        let stamp = store.locks.stamp(&store.folder);
        let news = stamp.filter(|&stamp| !store.locks.has_heard(stamp));
        let mut state = store.state.lock();
        if news.is_some() || !state.view.is_quiet() {
            let is_read = state.view.catch_up_or_tell();
            if let Some(stamp) = news.filter(|_| is_read) {
                store.locks.hear(stamp);
            }
        }
        state.view.contents.news.take()
    }

    fn append_as(&self, change: Change, cause: Cause) -> Result<bool> {
        self.current().append(change, cause)
    }

    fn outdate(&self, purge: &Purge) -> Result<()> {
        self.current().outdate(purge)
    }

    fn settle(&self) -> Result<()> {
        self.current().settle()
    }

    fn stop_waiting(&self) {
        self.current().stop_waiting();
    }

    fn announce(&self, affected: Affected<'_>) {
        let store = self.current();
        store.locks.announce(&store.folder, affected);
    }

    fn page(&self) -> Option<Arc<Page>> {
        let store = self.current();
        store.locks.page(&store.folder)
    }

    fn mapped_page(&self) -> Option<Arc<Page>> {
        self.current().locks.mapped_page()
    }

    fn join(&self) {
        self.current().join();
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn lock_key(&self, key: &[u8]) -> KeyLock {
        self.lock_key_within(key, &|| false)
    }

    fn lock_key_within(&self, key: &[u8], is_deep: &dyn Fn() -> bool) -> KeyLock {
        self.current().lock_key(key, is_deep)
    }

    fn attend(&self) -> KeyLock {
        self.current().attend()
    }

    fn hears_purges(&self) -> bool {
        self.current().state.lock().hears_purges()
    }

    fn key_holder(&self, key: &[u8]) -> Option<u32> {
        self.current().locks.key_holder(key)
    }

    fn begin_save(&self) -> Result<Option<Box<dyn Saving>>> {
        self.current().begin_save()
    }

    fn begin_close(&self) -> Result<Option<Box<dyn Saving>>> {
        self.current().begin_close()
    }

    fn reorder(&self) {
        self.current().state.lock().view.contents.progress.rewrite = true;
    }

    fn wants_save(&self) -> bool {
        self.current().state.lock().has_outgrown()
    }

    fn quarantine(&self, why: &str) {
        self.current().quarantine(why);
    }

    fn erase_copies(&self) {
        self.current().erase_copies();
    }

    fn close(&self) {
        self.current().close();
    }

    fn end(&self) {
        self.current().ends.store(true, Ordering::Release);
    }

    fn is_closed(&self) -> bool {
        self.current().state.lock().is_closed()
    }

    fn notices(&self) -> Vec<String> {
        self.current().folder.notices.lock().take()
    }

    fn trouble(&self) -> Option<String> {
        self.current().state.lock().trouble().map(str::to_owned)
    }

    fn after_fork(&self) {
        self.first.last().leave_to_child();
    }
}

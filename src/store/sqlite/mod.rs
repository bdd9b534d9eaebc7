//! A cache in an SQLite database: for caches larger than memory, and for many processes.
//!
//! # The files
//! * `NAME.db`, the database, with SQLite's own `NAME.db-wal` and `NAME.db-shm` while it is in use.
//! * `NAME.db.lock`: as beside a JSON file (see [`super::lock`]): presence, one lock for each key that
//!   is computed, the page, and the lock under which one process at a time writes.
//!
//! **Writing**: first the lock of the lock file, then `BEGIN IMMEDIATE`. With SQLite's own locks
//! alone a writer among eight waits up to four times as long, and the log grows without bound.
//!
//! **News**: whoever replaces or removes an entry adds a row to the table `change` in the same
//! transaction, then stamps the page. Others read the rows after the last one that they have read.
//! A first result is no news.
//!
//! **Forks**: a child that inherits connections and opens one of its own believes that it holds its
//! parent's locks, and loses what it writes. So all connections are closed before a fork.
//!
//! IMPORTANT: SQLite's locks on the database belong to the process, which loses all of them as soon
//! as it closes any descriptor of the file. Nothing here opens it but SQLite.

mod backlog;
mod changes;
mod check;
mod connection;
mod damage;
mod database;
mod entries;
mod leaving;
mod listing;
mod others;
mod outlines;
mod packing;
mod pool;
mod replaced;
mod room;
mod state;
mod telling;
mod transaction;

use std::path::PathBuf;

use bytes::Bytes;

use self::database::Database;
use self::state::Waiting;
use super::file::{Durability, Folder};
use super::fs::{Disk, Fs, Map};
use super::lock::{Affected, Page};
use super::paged::{Draw, LastUse, Paged, Room};
use super::{Cause, Change, ExternalChange, Item, KeyLock, Loaded, Purge, Saving, Store};
use crate::error::Result;
use crate::sync::Arc;
use crate::value::write::Charset;

pub use connection::look_at_files_by;
pub use pool::close_before_fork;

/// The options of a database.
#[derive(Clone, Copy, Debug)]
pub struct SqliteOptions {
    /// What a change survives.
    pub durability: Durability,
    /// The page size of a new database, in bytes.
    pub page_size: u32,
    /// How to map memory that other processes see.
    pub map: Option<Map>,
}

/// The store of a cache in an SQLite database.
pub struct SqliteStore(Arc<Database>);

impl SqliteStore {
    /// A store in the database at `path`, relative to the current working directory. Does no I/O.
    pub fn new(path: PathBuf, options: SqliteOptions) -> Self {
        Self::with_fs(path, options, Arc::new(Disk))
    }

    /// The same on the disk `fs`, as far as outlive itself looks at it.
    pub fn with_fs(path: PathBuf, options: SqliteOptions, fs: Arc<dyn Fs>) -> Self {
        let path = std::path::absolute(&path).unwrap_or(path);
        let folder = Folder::new(fs, path, Charset::Utf8);
        Self(Arc::new(Database::new(folder, options)))
    }

    fn current(&self) -> &Database {
        self.0.leave_parent();
        &self.0
    }
}

impl Store for SqliteStore {
    fn paged(&self) -> Option<&dyn Paged> {
        Some(self)
    }

    fn set_read_only(&self, only: bool) {
        self.current().set_read_only(only);
    }

    fn load(&self) -> Loaded {
        self.current().load()
    }

    fn external_changes(&self) -> Vec<ExternalChange> {
        self.current().external_changes()
    }

    fn append_as(&self, change: Change, cause: Cause) -> Result<bool> {
        self.current().append_alone(change, cause)
    }

    fn outdate(&self, purge: &Purge) -> Result<()> {
        self.current().outdate(purge)
    }

    fn settle(&self) -> Result<()> {
        self.current().settle()
    }

    /// Does nothing: a transaction announces what it changed when it is committed.
    fn announce(&self, _: Affected<'_>) {}

    fn page(&self) -> Option<Arc<Page>> {
        let database = self.current();
        database.locks.page(&database.folder)
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

    fn key_holder(&self, key: &[u8]) -> Option<u32> {
        self.current().locks.key_holder(key)
    }

    fn begin_save(&self) -> Result<Option<Box<dyn Saving>>> {
        self.current().save().map(|()| None)
    }

    fn begin_close(&self) -> Result<Option<Box<dyn Saving>>> {
        self.current().leave().map(|()| None)
    }

    fn wants_save(&self) -> bool {
        self.current().wants_checkpoint()
    }

    fn quarantine(&self, why: &str) {
        self.current().folder.tell_row(why);
    }

    fn erase_copies(&self) {
        self.current().erase();
    }

    fn close(&self) {
        let database = self.current();
        // Errors are in the notices; a process that is in the way is not waited for.
        if database.leave().is_err() {
            database.abandon();
        }
    }

    fn is_closed(&self) -> bool {
        self.current().is_closed()
    }

    fn notices(&self) -> Vec<String> {
        self.current().folder.notices.lock().take()
    }

    fn trouble(&self) -> Option<String> {
        self.current().trouble().map(str::to_owned)
    }

    fn after_fork(&self) {
        self.0.leave_parent();
    }
}

impl Paged for SqliteStore {
    fn get(&self, key: &[u8]) -> Option<Item> {
        self.current().get(key)
    }

    fn contains(&self, key: &[u8]) -> bool {
        self.current().contains(key)
    }

    fn is_quick(&self) -> bool {
        self.current().is_quick()
    }

    fn count(&self, name: Option<&[u8]>) -> usize {
        self.current().count(name)
    }

    fn keys(&self, name: Option<&[u8]>, before: Option<f64>) -> Vec<Bytes> {
        self.current().keys(name, before)
    }

    fn outlines(&self, name: Option<&[u8]>, keys: bool, draw: Draw<'_>) -> bool {
        self.current().outlines(name, keys, draw)
    }

    fn numbered(&self, numbers: &[i64]) -> Vec<Item> {
        self.current().numbered(numbers)
    }

    fn notes(&self) -> Vec<(Bytes, Bytes)> {
        self.current().notes()
    }

    fn count_uses(&self, clock: Box<dyn Fn() -> u64 + Send + Sync>) {
        self.0.count_uses(clock);
    }

    fn make_fit(
        &self,
        name: Option<&[u8]>,
        room: Room,
        newest: Option<&[u8]>,
        last_use: LastUse<'_>,
    ) -> Vec<Bytes> {
        self.current().make_fit(name, room, newest, last_use)
    }

    fn append_within(
        &self,
        change: &Change,
        cause: Cause,
        room: Room,
        last_use: LastUse<'_>,
        gone: &mut Vec<Bytes>,
    ) -> Option<Result<bool>> {
        let waiting = Waiting::new(change.clone(), cause).within(room);
        Some(self.current().append(waiting, last_use, gone))
    }

    fn remember_uses(&self, uses: Vec<(Bytes, u64)>) {
        self.current().state.lock().uses = uses;
    }

    fn note_uses(&self, uses: &[(Bytes, u64)]) {
        self.current().note_uses(uses);
    }

    fn expire(&self, name: &[u8], seconds: Option<f64>, own_clock: bool) {
        self.current().expire(name, seconds, own_clock);
    }

    fn drop_expired(&self, now: f64) -> Vec<Bytes> {
        self.current().drop_expired(now)
    }
}

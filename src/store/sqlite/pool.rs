//! Idle connections, all of which are closed before a fork.

use std::sync::Weak;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{Connection, Result};

use super::connection::is_cut_off;
use crate::sync::{Arc, Mutex, rank};

/// How many idle connections are kept for readers.
const MOST: usize = 8;

/// The connections of one database: one that writes, and some that read.
#[derive(Debug, Default)]
pub struct Pool {
    writer: Mutex<Option<Connection>, { rank::LEAF }>,
    readers: Mutex<Vec<Connection>, { rank::LEAF }>,
    /// How often all were closed: a connection lent before is not taken back.
    closings: AtomicU64,
}

static POOLS: Mutex<Vec<Weak<Pool>>, { rank::LEAF }> = Mutex::new(Vec::new());

impl Pool {
    /// An empty pool, which takes part in forks.
    pub fn new() -> Arc<Self> {
        let pool = Arc::<Self>::default();
        let mut pools = POOLS.lock();
        pools.retain(|pool| pool.strong_count() > 0);
        pools.push(Arc::downgrade(&pool));
        pool
    }

    /// Lends a connection to a reader; `open` makes one if none is idle.
    pub fn read<T>(
        &self,
        open: impl FnOnce() -> Result<Connection>,
        use_it: impl FnOnce(&Connection) -> Result<T>,
    ) -> Result<T> {
        let closings = self.closings.load(Ordering::Acquire);
        let idle = self.readers.lock().pop();
        let connection = idle.map_or_else(open, Ok)?;
        let used = use_it(&connection);
        self.give_back(connection, closings);
        if matches!(&used, Err(error) if is_cut_off(error)) {
            self.close();
        }
        used
    }

    /// Lends an idle connection that reads; `None` if there is none.
    pub fn try_read<T>(&self, use_it: impl FnOnce(&Connection) -> T) -> Option<T> {
        let closings = self.closings.load(Ordering::Acquire);
        let connection = self.readers.lock().pop()?;
        let used = use_it(&connection);
        self.give_back(connection, closings);
        Some(used)
    }

    fn give_back(&self, connection: Connection, closings: u64) {
        let mut readers = self.readers.lock();
        if readers.len() < MOST && self.closings.load(Ordering::Acquire) == closings {
            readers.push(connection);
        }
    }

    /// How often all connections were closed.
    pub fn closings(&self) -> u64 {
        self.closings.load(Ordering::Acquire)
    }

    /// Takes the connection that writes, if it is open. The caller gives it back.
    pub fn take_writer(&self) -> Option<Connection> {
        self.writer.lock().take()
    }

    /// Gives back the connection that writes.
    pub fn keep_writer(&self, connection: Connection) {
        *self.writer.lock() = Some(connection);
    }

    /// Closes all idle connections; the log stays as it is.
    pub fn close(&self) {
        let writer = self.writer.lock().take();
        let mut readers = self.readers.lock();
        self.closings.fetch_add(1, Ordering::AcqRel);
        let readers = std::mem::take(&mut *readers);
        drop((writer, readers));
    }
}

/// Closes all connections of the process. The caller is its only running thread, right before a
/// fork.
pub fn close_before_fork() {
    let pools: Vec<_> = POOLS.lock().iter().filter_map(Weak::upgrade).collect();
    for pool in pools {
        pool.close();
    }
}

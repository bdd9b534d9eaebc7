//! Idle connections.

use std::sync::atomic::{AtomicU64, Ordering};

use redis::Connection;

use crate::sync::{Mutex, rank};

/// How many idle connections are kept.
const MOST: usize = 8;

/// The last one that was given back is lent first: the others may be closed when unused.
#[derive(Default)]
pub struct Pool {
    idle: Mutex<Vec<Connection>, { rank::LEAF }>,
    /// How often all were closed: a connection lent before is not taken back.
    closings: AtomicU64,
}

/// A connection that was lent.
pub struct Lent {
    /// The connection.
    pub connection: Connection,
    /// Whether it was never used before.
    pub is_new: bool,
    closings: u64,
}

impl Pool {
    /// Returns an idle connection, if there is one.
    pub fn take(&self) -> Option<Lent> {
        let closings = self.closings.load(Ordering::Acquire);
        let connection = self.idle.lock().pop()?;
        Some(Lent { connection, is_new: false, closings })
    }

    /// Lends a connection that was made a moment ago.
    pub fn lend(&self, connection: Connection) -> Lent {
        Lent { connection, is_new: true, closings: self.closings.load(Ordering::Acquire) }
    }

    /// Takes back a connection whose replies were all read.
    pub fn give_back(&self, lent: Lent) {
        let mut idle = self.idle.lock();
        if idle.len() < MOST && self.closings.load(Ordering::Acquire) == lent.closings {
            idle.push(lent.connection);
        }
    }

    /// Closes all. A connection that a forked child closes stays open in its parent.
    pub fn close(&self) {
        let mut idle = self.idle.lock();
        self.closings.fetch_add(1, Ordering::AcqRel);
        let idle = std::mem::take(&mut *idle);
        drop(idle);
    }
}

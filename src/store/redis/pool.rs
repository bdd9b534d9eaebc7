//! Connections that nobody uses at the moment.

use std::sync::atomic::{AtomicU64, Ordering};

use redis::Connection;

use crate::sync::{Mutex, rank};

/// How many wait for the next who asks.
const MOST: usize = 8;

/// The last one that was given back goes first: the others may be closed for want of use.
#[derive(Default)]
pub struct Pool {
    idle: Mutex<Vec<Connection>, { rank::LEAF }>,
    /// How often all were closed: what was lent before is not taken back.
    closings: AtomicU64,
}

/// What was lent, and when.
pub struct Lent {
    /// The connection.
    pub connection: Connection,
    /// Whether nobody has used it before.
    pub is_new: bool,
    closings: u64,
}

impl Pool {
    /// One that waits, if one does.
    pub fn take(&self) -> Option<Lent> {
        let closings = self.closings.load(Ordering::Acquire);
        let connection = self.idle.lock().pop()?;
        Some(Lent { connection, is_new: false, closings })
    }

    /// Lends one that was made a moment ago.
    pub fn lend(&self, connection: Connection) -> Lent {
        Lent { connection, is_new: true, closings: self.closings.load(Ordering::Acquire) }
    }

    /// Takes back one on which every reply was read to its end.
    pub fn give_back(&self, lent: Lent) {
        let mut idle = self.idle.lock();
        if idle.len() < MOST && self.closings.load(Ordering::Acquire) == lent.closings {
            idle.push(lent.connection);
        }
    }

    /// Closes all. What a forked child closes stays open in its parent.
    pub fn close(&self) {
        let mut idle = self.idle.lock();
        self.closings.fetch_add(1, Ordering::AcqRel);
        let idle = std::mem::take(&mut *idle);
        drop(idle);
    }
}

//! Descriptors are few: who has not opened anything for long gives his back until he needs them.
//!
//! Each cache that is in use has up to two files open. A program may have a thousand caches, one for
//! each of its tenants, and no more descriptors than 256. So caches whose files are open stand in a
//! queue; if there are too many of them, or the system has no more descriptors, the first in the
//! queue closes its files. It finds that out at its next use, and opens them again.

use std::collections::VecDeque;
use std::io;
use std::sync::Weak;

use super::platform;
use crate::sync::{Mutex, rank};

/// How many descriptors a cache may have open between two operations.
const OF_EACH: usize = 2;
/// Which part of the descriptors that a process may have are for caches between two operations.
const SHARE: usize = 4;

/// Something that may have files open while nobody uses it.
pub trait Idle: Send + Sync {
    /// Closes what is open, unless that is in use.
    fn close_idle(&self) -> Closed;
}

/// How an attempt to have files closed ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// They are closed.
    Now,
    /// Nothing was open.
    Before,
    /// They are in use.
    NotYet,
}

/// Those that may have files open, in the order in which they opened them.
static OPEN: Mutex<VecDeque<Weak<dyn Idle>>, { rank::LEAF }> = Mutex::new(VecDeque::new());

/// Notes that `user` has files open from now on. If there are too many like it, another one closes
/// its own.
pub fn note_open(user: Weak<dyn Idle>) {
    let count = {
        let mut open = OPEN.lock();
        open.push_back(user);
        open.len()
    };
    if count > platform::most_open_files() / SHARE / OF_EACH {
        close_one();
    }
}

/// What `open` gives, once somebody has closed enough for it.
pub fn with_room<T>(mut open: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match open() {
            Err(error) if platform::is_exhausted(&error) && close_one() => {}
            opened => return opened,
        }
    }
}

/// Closes the files of one store that is not in use; returns whether there was one.
fn close_one() -> bool {
    let count = OPEN.lock().len();
    for _ in 0..count {
        let Some(first) = OPEN.lock().pop_front() else { return false };
        match first.upgrade().map(|user| user.close_idle()) {
            Some(Closed::Now) => return true,
            Some(Closed::NotYet) => OPEN.lock().push_back(first),
            Some(Closed::Before) | None => {}
        }
    }
    false
}

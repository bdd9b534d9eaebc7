//! Descriptors are scarce: a cache that has not opened anything for long closes its files until it
//! needs them.
//!
//! Each cache in use has up to two files open. A program may have a thousand caches, one for each
//! of its tenants, and no more descriptors than 256. So caches with open files are kept in a queue;
//! if there are too many, or the system has no more descriptors, the first in the queue closes its
//! files. It notices at its next use, and opens them again.

use std::collections::VecDeque;
use std::io;
use std::sync::Weak;

use super::platform;
use crate::sync::{Mutex, rank};

/// How many descriptors a cache may have open between two operations.
const OF_EACH: usize = 2;
/// The part of a process's descriptors that is for caches between two operations, as a divisor.
const SHARE: usize = 4;

/// Something that may have files open while it is not used.
pub trait Idle: Send + Sync {
    /// Closes what is open, unless it is in use.
    fn close_idle(&self) -> Closed;
}

/// The outcome of an attempt to close files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// They are closed.
    Now,
    /// Nothing was open.
    Before,
    /// They are in use.
    NotYet,
}

/// The users that may have files open, in the order in which they opened them.
static OPEN: Mutex<VecDeque<Weak<dyn Idle>>, { rank::LEAF }> = Mutex::new(VecDeque::new());

/// Notes that `user` has files open from now on. If there are too many such users, another one
/// closes its files.
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

/// Returns the result of `open`, once enough descriptors are free for it.
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

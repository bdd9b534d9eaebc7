//! Whole files as locks, where there are no byte ranges that a file description owns.
#![expect(clippy::unnecessary_wraps, reason = "it has the same face everywhere")]

use std::fs::{File, TryLockError};
use std::io;

use super::{Taken, judge};

pub const KEYS: bool = false;
pub const FOLD_SUFFIX: &str = "-save";

fn tried(result: Result<(), TryLockError>) -> io::Result<Taken> {
    match result {
        Ok(()) => Ok(Taken::Yes),
        Err(TryLockError::WouldBlock) => Ok(Taken::Busy),
        Err(TryLockError::Error(error)) => judge(Err(error)),
    }
}

pub fn enter(file: &File, _: bool) -> io::Result<(bool, bool)> {
    Ok((judge(file.lock_shared())? == Taken::Yes, false))
}

pub fn share(_: &File) -> io::Result<Taken> {
    Ok(Taken::Yes)
}

/// Not every system can turn a shared lock into an exclusive one: it is dropped first.
pub fn take_all(file: &File) -> io::Result<Taken> {
    judge(file.unlock())?;
    tried(file.try_lock())
}

pub fn wait_fold(file: &File) -> io::Result<Taken> {
    judge(file.lock())
}

pub fn take_fold(file: &File) -> io::Result<Taken> {
    tried(file.try_lock())
}

pub fn give_fold(file: &File) {
    // Nothing to do about a failure: the kernel frees the lock when the file is closed.
    drop(file.unlock());
}

pub fn take_key(_: &File, _: u32) -> io::Result<Taken> {
    Ok(Taken::Unsupported)
}

pub fn give_key(_: &File, _: u32) {}

pub fn means_unsupported(_: &io::Error) -> bool {
    false
}

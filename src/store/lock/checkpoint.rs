//! The right of a process to write a snapshot.

use std::io;
use std::path::Path;

use super::opening::{is_still, open};
use crate::store::fs::{Fs, LockHandle, LockMode, LockPart, Status, Taken};

/// The right to write a snapshot or to begin a chain of journals. It has a file description of its
/// own, so that it works between threads, too.
#[derive(Debug)]
pub struct CheckpointGuard {
    handle: Box<dyn LockHandle>,
    /// Set in the child of a fork: the lock is the parent's.
    forgotten: bool,
}

impl Drop for CheckpointGuard {
    /// Closing the file is not enough if a child was forked meanwhile: the child has it open, too.
    fn drop(&mut self) {
        if !self.forgotten {
            self.handle.unlock(LockPart::Checkpoint);
        }
    }
}

impl CheckpointGuard {
    /// Closes the file and leaves the lock to the parent.
    pub fn forget(mut self) {
        self.forgotten = true;
    }

    /// Takes the lock at `path` if it is free.
    pub fn take(fs: &dyn Fs, path: &Path, like: Option<&Status>) -> io::Result<Option<Self>> {
        let (handle, _) = open(fs, path, like)?;
        if handle.try_lock(LockPart::Checkpoint, LockMode::Exclusive)? == Taken::Busy {
            return Ok(None);
        }
        let guard = Self { handle, forgotten: false };
        Ok(is_still(fs, path, &*guard.handle).then_some(guard))
    }
}

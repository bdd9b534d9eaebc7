//! Locks that the kernel frees when a process dies: presence, folding, and one for each key.
//!
//! On Linux they are byte ranges of one lock file (open file description locks, also over NFS):
//! byte 0 is held while somebody folds, byte 1 is shared by all who append, and a key has the byte
//! that its checksum names (two keys with one byte wait for each other, no more). A process that is
//! alone at the file does without those for keys (`lock/standing.rs`). Elsewhere the whole file is
//! the lock for presence, a second file the one for folding, and keys have none.
//!
//! IMPORTANT: a lock belongs to the open file description, which a forked child shares. A child
//! closes such files and never unlocks them: the parent would lose the lock.

#[cfg(target_os = "linux")]
mod board;
#[cfg(not(target_os = "linux"))]
mod plain;
#[cfg(target_os = "linux")]
mod ranges;
mod shared;
#[cfg(target_os = "linux")]
mod standing;
#[cfg(not(target_os = "linux"))]
mod whole;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use super::fs::{Fs, Status};
use crate::sync::Mutex;
#[cfg(not(target_os = "linux"))]
use plain::{Mark, Standing};
pub use shared::{Map, Memory};
#[cfg(target_os = "linux")]
use standing::{Mark, Standing};
#[cfg(not(target_os = "linux"))]
use whole as ranges;

/// How a try to take a lock ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// We hold it.
    Yes,
    /// Somebody else does.
    Busy,
    /// This file system has none.
    Unsupported,
}

/// The lock file, open, with this process's presence.
#[derive(Debug)]
pub struct LockFile {
    file: File,
    /// Whether the file system has locks at all.
    pub supported: bool,
    /// Set in the child of a fork: the locks are the parent's.
    forgotten: AtomicBool,
    /// How keys are kept apart from other processes'.
    standing: Mutex<Standing>,
}

impl LockFile {
    /// Joins the processes that use the file, or waits until the last one has cleaned up.
    pub fn join(fs: &dyn Fs, path: &Path, map: Option<Map>) -> io::Result<Self> {
        loop {
            let file = fs.open_lock(path)?;
            let (supported, alone) = ranges::enter(&file, map.is_some())?;
            if !is_still(fs, path, &file) {
                continue;
            }
            let standing = if alone { Standing::alone } else { Standing::beside }(&file, map);
            ranges::share(&file)?;
            let (forgotten, standing) = (AtomicBool::new(false), Mutex::new(standing));
            return Ok(Self { file, supported, forgotten, standing });
        }
    }

    /// Whether this process is the only one; if so, it keeps all others out until it leaves.
    /// IMPORTANT: ask under the fold lock, and leave if the answer is no: else two that close at
    /// the same time would each take the other for the one who stays.
    pub fn alone(&self) -> io::Result<bool> {
        Ok(ranges::take_all(&self.file)? != Taken::Busy)
    }

    /// Marks all locks as the parent's.
    pub fn forget(&self) {
        self.forgotten.store(true, Ordering::Release);
    }

    /// Tries to take the lock of `key`.
    pub fn take_key(self: &Arc<Self>, key: &[u8]) -> io::Result<Option<KeyGuard>> {
        let byte = key_byte(key);
        let mark = self.standing.lock().take(&self.file, byte)?;
        Ok(mark.map(|mark| KeyGuard { lock: Arc::downgrade(self), byte, mark }))
    }

    /// Somebody else has come: from now on each key has a lock of the kernel.
    pub fn has_company(&self) {
        self.standing.lock().leave(&self.file);
    }

    /// Whether there is somebody who must be told that we came.
    pub fn owes_hello(&self) -> bool {
        self.standing.lock().is_blind()
    }

    /// Whether keys can be locked here.
    pub fn has_keys(&self) -> bool {
        self.supported && ranges::KEYS
    }
}

/// The right of this process to compute one key; dropping it gives the right back.
#[derive(Debug)]
pub struct KeyGuard {
    /// Weak, so that a guard on the stack of a thread that a fork did not copy keeps no file open.
    lock: Weak<LockFile>,
    byte: u32,
    mark: Mark,
}

impl Drop for KeyGuard {
    fn drop(&mut self) {
        let held = self.lock.upgrade().filter(|lock| !lock.forgotten.load(Ordering::Acquire));
        if let Some(lock) = held {
            lock.standing.lock().give(&lock.file, self.byte, self.mark);
        }
    }
}

/// The right to fold or to begin a chain of journals. It stands on a file description of its own,
/// so that it works between threads too.
#[derive(Debug)]
pub struct FoldGuard {
    file: File,
    /// Set in the child of a fork: the lock is the parent's.
    forgotten: bool,
}

impl Drop for FoldGuard {
    /// Closing the file is not enough if a child was forked meanwhile: it has it open too.
    fn drop(&mut self) {
        if !self.forgotten {
            ranges::give_fold(&self.file);
        }
    }
}

impl FoldGuard {
    /// Closes the file and leaves the lock to the parent.
    pub fn forget(mut self) {
        self.forgotten = true;
    }

    /// Waits for the lock at `path`.
    pub fn wait(fs: &dyn Fs, path: &Path) -> io::Result<Self> {
        loop {
            let file = fs.open_lock(path)?;
            ranges::wait_fold(&file)?;
            let guard = Self { file, forgotten: false };
            if is_still(fs, path, &guard.file) {
                return Ok(guard);
            }
        }
    }

    /// Takes the lock at `path` if nobody has it.
    pub fn take(fs: &dyn Fs, path: &Path) -> io::Result<Option<Self>> {
        let file = fs.open_lock(path)?;
        if ranges::take_fold(&file)? == Taken::Busy {
            return Ok(None);
        }
        let guard = Self { file, forgotten: false };
        Ok(is_still(fs, path, &guard.file).then_some(guard))
    }
}

/// The file that is locked for folding, given the one for everything else.
pub fn fold_path(lock: &Path) -> PathBuf {
    let mut path = lock.as_os_str().to_owned();
    path.push(ranges::FOLD_SUFFIX);
    path.into()
}

/// The byte that stands for `key`, counted from the first one for keys. It fits the file offsets of
/// 32-bit systems too.
fn key_byte(key: &[u8]) -> u32 {
    crc32fast::hash(key) >> 2
}

/// Whether `path` still names the file that was locked: the last process removes it.
fn is_still(fs: &dyn Fs, path: &Path, file: &File) -> bool {
    let number = |status: Status| (status.identity.device, status.identity.inode);
    let named = fs.status(path).map(number);
    let locked = super::fs::Handle::status(file).map(number);
    matches!((named, locked), (Ok(named), Ok(locked)) if named == locked)
}

/// What a refusal of the system means.
fn judge(result: io::Result<()>) -> io::Result<Taken> {
    use io::ErrorKind::{InvalidInput, ResourceBusy, Unsupported, WouldBlock};
    match result {
        Ok(()) => Ok(Taken::Yes),
        Err(error) => match error.kind() {
            WouldBlock | ResourceBusy => Ok(Taken::Busy),
            Unsupported | InvalidInput => Ok(Taken::Unsupported),
            _ if ranges::means_unsupported(&error) => Ok(Taken::Unsupported),
            _ => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file system without locks is told from a lock that somebody holds, and from an error.
    #[test]
    fn refusals_are_told_apart() {
        let refused = |kind: io::ErrorKind| judge(Err(kind.into()));
        assert_eq!(judge(Ok(())).ok(), Some(Taken::Yes));
        assert_eq!(refused(io::ErrorKind::WouldBlock).ok(), Some(Taken::Busy));
        assert_eq!(refused(io::ErrorKind::Unsupported).ok(), Some(Taken::Unsupported));
        assert!(refused(io::ErrorKind::PermissionDenied).is_err());
    }
}

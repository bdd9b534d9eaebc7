//! Whole files as locks, where there are no byte ranges that a file description owns: presence and
//! checkpoints have a file each, and keys cannot be locked. macOS is among them: its `fcntl` locks
//! of ranges belong to the process, which loses all of them as soon as it closes any descriptor of
//! the file, so `flock` it is.

use std::fs::{File, TryLockError};
use std::io;

use super::local::is_local;
use super::open_file::OpenFile;
use super::platform;
use super::refusal::outcome;
use super::{Glance, Handle, LockHandle, LockMode, LockPart, Map, Memory, Status, Taken};

pub const CHECKPOINT_SUFFIX: &str = "-save";

impl LockHandle for OpenFile {
    /// Not every system can convert a lock: the old one is released first.
    fn try_lock(&self, part: LockPart, mode: LockMode) -> io::Result<Taken> {
        if has_no_lock(part) {
            return Ok(Taken::Unsupported);
        }
        let file = self.verified()?;
        // Some systems refuse to unlock what is not locked.
        drop(file.unlock());
        let tried = match mode {
            LockMode::Shared => file.try_lock_shared(),
            LockMode::Exclusive => file.try_lock(),
        };
        match tried {
            Ok(()) => Ok(Taken::Yes),
            Err(TryLockError::WouldBlock) => Ok(Taken::Busy),
            Err(TryLockError::Error(error)) => outcome(Err(error)),
        }
    }

    fn unlock(&self, part: LockPart) {
        if has_no_lock(part) {
            return;
        }
        // A failure needs no action: the system releases the lock when the file is closed.
        drop(self.verified().map(File::unlock));
    }

    fn status(&self) -> io::Result<Status> {
        self.checked_status()
    }

    fn glance(&self) -> io::Result<Glance> {
        Handle::glance(self)
    }

    fn shares_memory(&self) -> bool {
        self.verified().is_ok_and(is_local)
    }

    fn show(&self, map: Map, length: usize) -> io::Result<Box<dyn Memory>> {
        map(self.verified()?, length)
    }

    fn write_at(&self, start: u64, bytes: &[u8]) -> io::Result<()> {
        self.unless_lost(platform::write_at(self.verified()?, start, bytes))
    }
}

/// Returns whether `part` would need a range of its own: the whole file is another part's lock.
fn has_no_lock(part: LockPart) -> bool {
    matches!(part, LockPart::Key(_) | LockPart::Keys { .. } | LockPart::Writing)
}

/// Apple's systems have two errors for what a volume, such as a network share, does not do.
#[cfg(unix)]
pub fn means_unsupported(error: &io::Error) -> bool {
    use nix::libc::{ENOLCK, ENOSYS, ENOTSUP, EOPNOTSUPP};
    error.raw_os_error().is_some_and(|code| [ENOLCK, ENOSYS, ENOTSUP, EOPNOTSUPP].contains(&code))
}

/// Windows reports that there is no such function (1).
#[cfg(windows)]
pub fn means_unsupported(error: &io::Error) -> bool {
    error.raw_os_error() == Some(1)
}

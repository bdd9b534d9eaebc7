//! The one door to the disk: every operation of the file store, behind traits that tests can crash,
//! step and simulate.

mod descriptors;
mod disk;
mod fingerprint;
#[cfg(target_os = "linux")]
mod holder;
mod local;
mod memory;
mod network;
mod open_file;
mod platform;
#[cfg(target_os = "linux")]
mod ranges;
mod refusal;
#[cfg(not(target_os = "linux"))]
mod whole;

use std::ffi::OsString;
use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};

pub use descriptors::{Closed, Idle, note_open};
pub use disk::Disk;
pub use fingerprint::FileFingerprint;
pub use memory::{Map, Memory};
pub use open_file::{is_lost, lost};
#[cfg(target_os = "linux")]
use ranges as locks;
#[cfg(not(target_os = "linux"))]
use whole as locks;

/// The suffix that turns the name of the lock file into that of the file locked for checkpoints.
pub const CHECKPOINT_SUFFIX: &str = locks::CHECKPOINT_SUFFIX;

/// What the system says about a file.
#[derive(Clone, Copy, Debug)]
pub struct Status {
    /// Its state.
    pub fingerprint: FileFingerprint,
    /// Whether it is a regular file (no folder, pipe, device).
    pub regular: bool,
    /// How many names it has; 0 if it was removed.
    pub links: u64,
    /// Its permission bits; 0 where there are none.
    pub mode: u32,
    /// Its user and group, where there are such.
    pub owner: Option<(u32, u32)>,
}

/// The cheapest facts about an open file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance {
    /// Its length in bytes.
    pub size: u64,
    /// How many names it has; 0 if it was removed.
    pub links: u64,
}

/// A file system.
pub trait Fs: Send + Sync + Debug {
    /// The file that `path` leads to through symbolic links, which may not exist yet.
    fn resolve(&self, path: &Path) -> io::Result<PathBuf>;
    /// Returns the status of the file at `path`.
    fn status(&self, path: &Path) -> io::Result<Status>;
    /// Creates `folder`, and those above it, for the user alone, if they are missing.
    fn make_folder(&self, _folder: &Path) -> io::Result<()> {
        Ok(())
    }
    /// Returns the names in `folder`.
    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>>;
    /// Opens for reading; never waits, not even for the writer of a pipe; never through a symbolic
    /// link.
    fn open_read(&self, path: &Path) -> io::Result<Box<dyn Handle>>;
    /// Opens an existing file for appending and reading; never through a symbolic link.
    fn open_append(&self, path: &Path) -> io::Result<Box<dyn Handle>>;
    /// Creates a file with the mode and, where allowed, the owner of `like`; private without.
    fn create_new(&self, path: &Path, like: Option<&Status>) -> io::Result<Box<dyn Handle>>;
    /// Empties an existing file, and opens it for appending.
    fn open_emptied(&self, path: &Path) -> io::Result<Box<dyn Handle>>;
    /// Opens a file that serves only for locks, and creates it as `create_new` does if it is
    /// missing; never through a symbolic link.
    fn open_lock(&self, path: &Path, like: Option<&Status>) -> io::Result<Box<dyn LockHandle>>;
    /// Puts `from` in the place of `to`, atomically.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Copies `from` to `to`, which must not exist; where there is no room, it may become a second
    /// name.
    fn copy(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Returns the name of the network file system that holds `folder`, as far as that is known.
    fn network(&self, _folder: &Path) -> Option<&'static str> {
        None
    }
    /// Returns whether its files take descriptors of this process.
    fn has_descriptors(&self) -> bool {
        false
    }
    /// Returns the user that new files belong to, where the system has users.
    fn user(&self) -> Option<u32>;
    /// Makes the names in `folder` survive a loss of power.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// An open file.
///
/// IMPORTANT: the numbers of descriptors are the program's own: a daemon closes all of them, and
/// its next files get the same numbers. Every operation fails with an error that [`is_lost`]
/// recognises, and touches nothing, if the descriptor no longer belongs to the file that was
/// opened.
pub trait Handle: Send + Sync + Debug {
    /// Makes one `write` at the end of the file; returns how many of `bytes` it took.
    fn append(&self, bytes: &[u8]) -> io::Result<usize>;
    /// Returns the position after the last `append`.
    fn position(&self) -> io::Result<u64>;
    /// Returns its length and number of names. It reads no times, as `status` does: Linux gives a
    /// file whose times were read finer ones at the next write, which then takes nearly twice as
    /// long.
    fn glance(&self) -> io::Result<Glance>;
    /// Returns the bytes from `start` up to `end`, or as many as there are.
    fn read(&self, start: u64, end: u64) -> io::Result<Vec<u8>>;
    /// Makes one `read` from `start` on; returns how many bytes of `into` it filled: 0 at the end.
    fn read_piece(&self, start: u64, into: &mut [u8]) -> io::Result<usize>;
    /// Returns its status.
    fn status(&self) -> io::Result<Status>;
    /// Makes its contents survive a loss of power.
    fn sync_data(&self) -> io::Result<()>;
    /// Makes its contents and its times survive a loss of power.
    fn sync_all(&self) -> io::Result<()>;
}

/// A part of the lock file with a lock of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockPart {
    /// Held while a process writes a snapshot or begins a chain of journals.
    Checkpoint,
    /// Shared by all processes that write; held exclusively by the last one while it clears up.
    Presence,
    /// Held by the process that writes to a database.
    Writing,
    /// A key that is being computed, by its number below 2^30.
    Key(u32),
    /// All keys with numbers from `first` to before `end`.
    Keys {
        /// The first number.
        first: u32,
        /// The number behind the last one, at most 2^30.
        end: u32,
    },
}

/// Whether others may hold the same lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    /// Held by any number of processes in this mode.
    Shared,
    /// Held by one process alone.
    Exclusive,
}

/// The outcome of a try to take a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// This process holds it.
    Yes,
    /// Another process holds it.
    Busy,
    /// This file system has no locks.
    Unsupported,
}

/// An open lock file. Its locks belong to the open file description: they end with its last copy,
/// and the kernel releases them when the process dies.
pub trait LockHandle: Send + Sync + Debug {
    /// Takes `part`, or changes the mode it is held in, if that is possible at once. Nothing here
    /// waits: a caller that must wait asks again, without any lock.
    fn try_lock(&self, part: LockPart, mode: LockMode) -> io::Result<Taken>;
    /// Releases `part`.
    fn unlock(&self, part: LockPart);
    /// Returns the process that has `part`, as far as the system tells: for messages.
    fn holder(&self, _part: LockPart) -> Option<u32> {
        None
    }
    /// Returns the status of the file; fails if the descriptor is no longer ours.
    fn status(&self) -> io::Result<Status>;
    /// Returns the length and number of names alone, which are cheaper to get.
    fn glance(&self) -> io::Result<Glance> {
        let Status { fingerprint, links, .. } = self.status()?;
        Ok(Glance { size: fingerprint.size, links })
    }
    /// Returns whether writes to the file appear at once in the memory of all processes that map
    /// it.
    fn shares_memory(&self) -> bool {
        false
    }
    /// Maps its first `length` bytes with `map`.
    fn show(&self, _map: Map, _length: usize) -> io::Result<Box<dyn Memory>> {
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Writes all of `bytes` from the byte `start` on.
    fn write_at(&self, _start: u64, _bytes: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

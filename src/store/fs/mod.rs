//! The one door to the disk: every operation of the file store, behind traits that tests can crash,
//! step and simulate.

mod descriptors;
mod disk;
mod fingerprint;
#[cfg(target_os = "linux")]
mod holder;
mod local;
mod memory;
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

/// What is appended to the name of the lock file to get the file that is locked for checkpoints.
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

/// What a look at an open file costs least to see.
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
    /// What stands at `path`.
    fn status(&self, path: &Path) -> io::Result<Status>;
    /// Makes `folder`, and those above it, for the user alone, where there is none.
    fn make_folder(&self, _folder: &Path) -> io::Result<()> {
        Ok(())
    }
    /// The names in `folder`.
    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>>;
    /// Opens for reading; never waits, not even for the writer of a pipe; never through a symbolic
    /// link.
    fn open_read(&self, path: &Path) -> io::Result<Box<dyn Handle>>;
    /// Opens a file that is there for appending and reading; never through a symbolic link.
    fn open_append(&self, path: &Path) -> io::Result<Box<dyn Handle>>;
    /// Makes a new file with the mode and, where allowed, the owner of `like`; private without.
    fn create_new(&self, path: &Path, like: Option<&Status>) -> io::Result<Box<dyn Handle>>;
    /// Empties a file that is there, and opens it for appending.
    fn open_emptied(&self, path: &Path) -> io::Result<Box<dyn Handle>>;
    /// Opens a file that is only there to be locked, and makes it as `create_new` does if it is
    /// missing; never through a symbolic link.
    fn open_lock(&self, path: &Path, like: Option<&Status>) -> io::Result<Box<dyn LockHandle>>;
    /// Puts `from` in the place of `to` in one step.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Copies `from` to `to`, which must not exist; a second name will do where there is no room.
    fn copy(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Whether what it opens takes descriptors of this process.
    fn has_descriptors(&self) -> bool {
        false
    }
    /// The user that new files belong to, where the system has users.
    fn user(&self) -> Option<u32>;
    /// Makes the names in `folder` survive a loss of power.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// An open file.
///
/// IMPORTANT: the number of a descriptor is the program's own: a daemon closes all of them, and its
/// next files get the same numbers. Every operation fails with an error that [`is_lost`] knows, and
/// touches nothing, if the descriptor is not of the file any more that was opened.
pub trait Handle: Send + Sync + Debug {
    /// One `write` at the end of the file; how much of `bytes` it took.
    fn append(&self, bytes: &[u8]) -> io::Result<usize>;
    /// The position behind the last `append`.
    fn position(&self) -> io::Result<u64>;
    /// Its length and number of names. It asks for no times, as `status` does: Linux gives a file
    /// whose times were asked for finer ones at the next write, which then takes nearly twice as long.
    fn glance(&self) -> io::Result<Glance>;
    /// The bytes from `start` up to `end`, or as many as there are.
    fn read(&self, start: u64, end: u64) -> io::Result<Vec<u8>>;
    /// One `read` of the bytes from `start` on; how many of `into` it filled: 0 at the end.
    fn read_piece(&self, start: u64, into: &mut [u8]) -> io::Result<usize>;
    /// What the system says about it.
    fn status(&self) -> io::Result<Status>;
    /// Makes its contents survive a loss of power.
    fn sync_data(&self) -> io::Result<()>;
    /// Makes its contents and its times survive a loss of power.
    fn sync_all(&self) -> io::Result<()>;
}

/// A part of the lock file that can be locked for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockPart {
    /// Held while somebody writes a snapshot or begins a chain of journals.
    Checkpoint,
    /// Shared by all who write; held alone by the last one while he clears up.
    Presence,
    /// Held by the process that writes to a database.
    Writing,
    /// A key that is being computed, by its number below 2^30.
    Key(u32),
}

/// Whether others may hold the same lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    /// Held by any number of processes that ask for this mode.
    Shared,
    /// Held by one process alone.
    Exclusive,
}

/// How a try to take a lock ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// We hold it.
    Yes,
    /// Another process holds it.
    Busy,
    /// This file system has none.
    Unsupported,
}

/// An open lock file. Its locks belong to the open file description: they go with its last copy,
/// and the kernel takes them when the process dies.
pub trait LockHandle: Send + Sync + Debug {
    /// Takes `part`, or changes how it is held, if that can be had at once. Nothing here waits: who
    /// must, asks again, without any lock.
    fn try_lock(&self, part: LockPart, mode: LockMode) -> io::Result<Taken>;
    /// Gives `part` back.
    fn unlock(&self, part: LockPart);
    /// The process that has `part`, as far as the system tells: for the user.
    fn holder(&self, _part: LockPart) -> Option<u32> {
        None
    }
    /// What the system says about the file; an error if the descriptor is not ours any more.
    fn status(&self) -> io::Result<Status>;
    /// The length and number of names alone, which take less to see.
    fn glance(&self) -> io::Result<Glance> {
        let Status { fingerprint, links, .. } = self.status()?;
        Ok(Glance { size: fingerprint.size, links })
    }
    /// Whether what is written to the file is seen at once by all who are shown its memory.
    fn shares_memory(&self) -> bool {
        false
    }
    /// Shows its first bytes, `length` of them, by `map`.
    fn show(&self, _map: Map, _length: usize) -> io::Result<Box<dyn Memory>> {
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Writes all of `bytes` from the byte `start` on.
    fn write_at(&self, _start: u64, _bytes: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

//! An open file, with a check that its descriptor is still ours.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use super::platform;
use super::{Glance, Handle, Status};

/// A file that we opened. Dropping closes it, unless its descriptor has become another file's.
#[derive(Debug)]
pub struct OpenFile {
    /// Present until the drop.
    file: Option<File>,
    device: u64,
    inode: u64,
    /// Whether its descriptor was found to be another's. It stays lost: opened again, the same file
    /// may have the same number, and would be taken for this one.
    is_lost: AtomicBool,
}

/// The descriptor was closed by other code, and may be another file's by now.
#[derive(Debug)]
struct LostDescriptor;

impl fmt::Display for LostDescriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the program closed a file of the cache")
    }
}

impl Error for LostDescriptor {}

/// Returns whether `error` says that a descriptor is no longer ours.
pub fn is_lost(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn Error + Send + Sync>::is::<LostDescriptor>)
}

/// Returns the error that [`is_lost`] recognises.
pub fn lost() -> io::Error {
    io::Error::other(LostDescriptor)
}

impl OpenFile {
    /// Keeps `file` under a number above those of the standard streams.
    pub fn new(file: File) -> io::Result<Self> {
        let file = platform::above_standard_streams(file)?;
        let place = platform::status(&file)?.fingerprint;
        let (device, inode) = (place.device, place.inode);
        Ok(Self { file: Some(file), device, inode, is_lost: AtomicBool::new(false) })
    }

    /// Returns the file, whatever has become of its descriptor.
    fn unverified(&self) -> &File {
        self.file.as_ref().expect("it is there until the drop")
    }

    fn sees(&self) -> io::Result<Glance> {
        let seen = self.at_hand().and_then(|file| self.unless_lost(platform::glance(file)));
        let ((device, inode), glance) = seen?;
        if (device, inode) == (self.device, self.inode) { Ok(glance) } else { Err(self.lose()) }
    }

    /// Returns the file, unless it was found to be lost.
    pub(super) fn at_hand(&self) -> io::Result<&File> {
        if self.is_lost.load(Ordering::Relaxed) { Err(lost()) } else { Ok(self.unverified()) }
    }

    /// Notes that its descriptor is another's, and returns the error that says so.
    fn lose(&self) -> io::Error {
        self.is_lost.store(true, Ordering::Relaxed);
        lost()
    }

    /// Returns what was `done` with its descriptor. If that is closed, or does not allow what ours
    /// does (the program opened the same file for reading under the same number), it is lost.
    pub fn unless_lost<T>(&self, done: io::Result<T>) -> io::Result<T> {
        done.map_err(|error| if platform::is_no_descriptor(&error) { self.lose() } else { error })
    }

    /// Returns the file if it is still ours.
    pub fn verified(&self) -> io::Result<&File> {
        self.glance()?;
        Ok(self.unverified())
    }

    /// Returns its status if it is still ours.
    pub fn checked_status(&self) -> io::Result<Status> {
        let status = platform::status(self.at_hand()?).map_err(|_| lost())?;
        let found = status.fingerprint;
        if (found.device, found.inode) == (self.device, self.inode) {
            Ok(status)
        } else {
            Err(self.lose())
        }
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        let ours = self.sees().is_ok();
        if let Some(file) = self.file.take().filter(|_| !ours) {
            platform::let_go(file);
        }
    }
}

impl Handle for OpenFile {
    fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        self.unless_lost(self.verified()?.write(bytes))
    }

    fn position(&self) -> io::Result<u64> {
        self.unverified().stream_position()
    }

    fn glance(&self) -> io::Result<Glance> {
        self.sees().map_err(|_| lost())
    }

    fn read(&self, start: u64, end: u64) -> io::Result<Vec<u8>> {
        let file = self.verified()?;
        let length = usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(length).map_err(|_| io::ErrorKind::OutOfMemory)?;
        bytes.resize(length, 0);
        let mut filled = 0;
        while filled < length {
            match platform::read_at(file, start + filled as u64, &mut bytes[filled..]) {
                Ok(0) => break,
                Ok(more) => filled += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    fn read_piece(&self, start: u64, into: &mut [u8]) -> io::Result<usize> {
        platform::read_at(self.verified()?, start, into)
    }

    fn status(&self) -> io::Result<Status> {
        self.checked_status()
    }

    fn sync_data(&self) -> io::Result<()> {
        platform::synced(self.verified()?, File::sync_data)
    }

    fn sync_all(&self) -> io::Result<()> {
        platform::synced(self.verified()?, File::sync_all)
    }
}

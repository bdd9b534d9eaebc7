//! Opening a lock file: who made it, and whether it is still the one at its path.

use std::io;
use std::path::Path;

use super::page::{self, SIZE};
use crate::store::fs::{Fs, LockHandle, LockMode, LockPart, Status, Taken};

/// The program that made a lock file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This process, a moment ago.
    New,
    /// Another process of outlive.
    Own,
    /// A process of outlive, but a loss of power destroyed what identifies it as a page.
    Torn,
    /// Another program, or a process of outlive that died before it could write to it.
    Unknown,
}

/// Opens a lock file, and returns whether it is new; a new one gets its page at once, which
/// distinguishes it from other programs' files.
pub fn open(
    fs: &dyn Fs,
    path: &Path,
    like: Option<&Status>,
) -> io::Result<(Box<dyn LockHandle>, bool)> {
    let is_new = fs.status(path).is_err();
    let handle = fs.open_lock(path, like)?;
    if is_new {
        // If there is no room for it, the file stays empty.
        drop(handle.write_at(0, &page::blank()));
    }
    Ok((handle, is_new))
}

/// Finds out who made an existing lock file: outlive if it begins like a page, or if another
/// process of outlive uses it.
pub fn origin(fs: &dyn Fs, path: &Path, handle: &dyn LockHandle) -> io::Result<Origin> {
    let mut bytes = vec![0; SIZE + 1];
    let read = fs.open_read(path).and_then(|file| file.read_piece(0, &mut bytes));
    bytes.truncate(read.unwrap_or_default());
    if page::is_page(&bytes) {
        return Ok(Origin::Own);
    }
    if page::is_torn(&bytes) {
        return Ok(Origin::Torn);
    }
    Ok(if is_alone(handle)? { Origin::Unknown } else { Origin::Own })
}

/// Returns whether nobody else is present; a process that joins at this very moment has to try
/// again.
pub fn is_alone(handle: &dyn LockHandle) -> io::Result<bool> {
    let is_alone = handle.try_lock(LockPart::Presence, LockMode::Exclusive)? == Taken::Yes;
    handle.try_lock(LockPart::Presence, LockMode::Shared)?;
    Ok(is_alone)
}

/// Returns whether both are the same file.
pub fn is_same_file(one: &dyn LockHandle, other: &dyn LockHandle) -> bool {
    let fingerprint = |handle: &dyn LockHandle| handle.status().map(|found| found.fingerprint);
    matches!((fingerprint(one), fingerprint(other)), (Ok(one), Ok(other)) if one.is_same_file(other))
}

/// Returns whether `path` still names the file that was locked: the last process removes it.
pub fn is_still(fs: &dyn Fs, path: &Path, handle: &dyn LockHandle) -> bool {
    let fingerprint = |status: Status| status.fingerprint;
    let named = fs.status(path).map(fingerprint);
    let locked = handle.status().map(fingerprint);
    matches!((named, locked), (Ok(named), Ok(locked)) if named.is_same_file(locked))
}

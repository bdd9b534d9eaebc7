//! Reading the snapshot, with patience while somebody rewrites it.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;

use super::folder::Folder;
use crate::memory::OutOfMemory;
use crate::stepping;
use crate::store::Items;
use crate::store::fill::fill;
use crate::store::fs::{FileFingerprint, Status};
use crate::store::snapshot::read::{Reader, Snapshot};

/// How often a file is read again that changes while it is read.
const TRIES: u32 = 20;
/// The pause before each repeated read.
const PAUSE: Duration = Duration::from_millis(10);
/// A file that was written to longer ago has no writer at work.
const RECENT: Duration = Duration::from_secs(2);
/// How often a missing file is looked for that may come back.
const RETURNS: u32 = 10;
/// How often a file is looked at whose writer may be at work.
const LOOKS: u32 = 30;

/// What is in the snapshot's place.
#[derive(Debug, Default)]
pub struct Found {
    /// Its entries.
    pub items: Items,
    /// The state of the file; `None` if there is none.
    pub fingerprint: Option<FileFingerprint>,
    /// Whether it must be written again although nothing changed.
    pub rewrite: bool,
    /// The state of the whole copy beside it, if these are the copy's entries.
    pub whole: Option<FileFingerprint>,
}

/// The contents of the snapshot.
#[derive(Debug)]
pub struct Contents {
    /// The state of the file.
    pub fingerprint: FileFingerprint,
    /// What was read.
    pub read: Snapshot,
    /// The state of the whole copy, if it was read instead because the snapshot was being written
    /// over.
    pub whole: Option<FileFingerprint>,
}

/// Reads a file that does not change meanwhile; `None` if there is no regular file.
pub fn read_steadily(folder: &Folder) -> io::Result<Option<Contents>> {
    let mut left = TRIES;
    loop {
        let found = read_once(folder, &folder.paths().snapshot)?;
        let Some((fingerprint, read)) = found else { return Ok(None) };
        let is_suspect = is_suspect(fingerprint, &read);
        // A process was writing it over in place, or still is.
        if is_suspect && let Some((whole, read)) = read_whole(folder)? {
            return Ok(Some(Contents { fingerprint, read, whole: Some(whole) }));
        }
        left -= 1;
        // A foreign writer empties the file first: what looks damaged may be half written.
        if !is_suspect || left == 0 || !changes_soon(folder, fingerprint) {
            return Ok(Some(Contents { fingerprint, read, whole: None }));
        }
    }
}

fn is_suspect(fingerprint: FileFingerprint, read: &Snapshot) -> bool {
    read.damage.is_some() || fingerprint.size == 0
}

/// Reads the whole copy that is beside a snapshot while it is written over in place. A copy that
/// cannot be read is an error: the file in place must not be taken for everything there is.
pub fn read_whole(folder: &Folder) -> io::Result<Option<(FileFingerprint, Snapshot)>> {
    let found = match read_once(folder, &folder.paths().whole) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        found => found?,
    };
    Ok(found.filter(|(fingerprint, read)| !is_suspect(*fingerprint, read)))
}

/// Returns whether somebody is writing the snapshot. A file that was written to a moment ago is
/// watched for a while, because a busy machine may delay its writer.
fn changes_soon(folder: &Folder, fingerprint: FileFingerprint) -> bool {
    let age = stepping::now().duration_since(fingerprint.time());
    let looks = if age.is_ok_and(|age| age > RECENT) { 1 } else { LOOKS };
    (0..looks).any(|_| {
        stepping::sleep(PAUSE);
        folder.fingerprint() != Some(fingerprint)
    })
}

impl Folder {
    /// Waits for a missing snapshot if something was renamed, made or removed beside it a moment
    /// ago; returns whether it has come back.
    pub fn brings_snapshot_back(&self) -> bool {
        let Ok(status) = self.fs.status(&self.paths().folder) else { return false };
        let age = stepping::now().duration_since(status.fingerprint.time());
        let looks = if age.is_ok_and(|age| age > RECENT) { 0 } else { RETURNS };
        (0..looks).any(|_| {
            stepping::sleep(PAUSE);
            self.fingerprint().is_some()
        })
    }
}

/// Reads a file once; fails if there is not enough memory for it.
fn read_once(folder: &Folder, path: &Path) -> io::Result<Option<(FileFingerprint, Snapshot)>> {
    OutOfMemory::catch(|| look_once(folder, path))
        .unwrap_or_else(|OutOfMemory| Err(ErrorKind::OutOfMemory.into()))
}

fn look_once(folder: &Folder, path: &Path) -> io::Result<Option<(FileFingerprint, Snapshot)>> {
    // The status is asked before the file is opened: opening a device may have effects.
    if !folder.fs.status(path)?.regular {
        return Ok(None);
    }
    let file = folder.fs.open_read(path)?;
    let mut before = file.status()?;
    for _ in 0..TRIES {
        let mut reader = Reader::default();
        let piece = |start, into: &mut [u8]| file.read_piece(start, into);
        let bytes = fill(before.fingerprint.size, piece, |text| reader.advance(text))?;
        let after = file.status()?;
        if is_all(&bytes, &after) && after.fingerprint == before.fingerprint {
            let read = reader.finish(&bytes);
            check_room(&read)?;
            return Ok(before.regular.then_some((before.fingerprint, read)));
        }
        before = after;
        stepping::sleep(PAUSE);
    }
    Err(io::Error::other("it changes all the time"))
}

/// Fails if there is not enough memory for what is noted of each entry in use.
fn check_room(read: &Snapshot) -> io::Result<()> {
    let mut notes: Vec<u32> = Vec::new();
    notes.try_reserve_exact(read.items.len()).map_err(|_| ErrorKind::OutOfMemory.into())
}

/// Returns whether `bytes` are the whole file.
fn is_all(bytes: &[u8], status: &Status) -> bool {
    bytes.len() as u64 == status.fingerprint.size
}

/// Returns the last bytes of the snapshot, if there is one.
pub fn tail(folder: &Folder) -> Option<Vec<u8>> {
    const LENGTH: u64 = 4096;
    let (size, file) = folder.contents(&folder.paths().snapshot).ok()?;
    file.read(size.saturating_sub(LENGTH), size).ok()
}

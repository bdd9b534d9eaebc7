//! Writing over a snapshot in place, where nothing can be renamed onto it: a file that is mounted
//! by itself, as containers do.
//!
//! The new snapshot is beside it, whole and synced, until the one in place is synced, too: if the
//! process ends in between, a reader of the torn file takes the whole one.

use std::io::{self, ErrorKind, Write};

use super::appender::Appender;
use super::folder::Folder;
use super::snapshot_file;
use crate::error::Disturbed;
use crate::store::fs::{FileFingerprint, Handle};
use crate::store::snapshot::read::Snapshot;
use crate::store::snapshot::somebody_elses;

/// How many bytes are copied at once.
const PIECE: usize = 1 << 18;

/// Returns whether a rename failed because the file in place is a mount.
pub fn must_be_written_over(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ResourceBusy | ErrorKind::CrossesDevices)
}

/// Writes the contents of `temporary`, which is whole and synced, over the snapshot in place.
pub fn write_over(folder: &Folder, temporary: &std::path::Path) -> io::Result<FileFingerprint> {
    let (fs, paths) = (&*folder.fs, folder.paths());
    fs.rename(temporary, &paths.whole)?;
    fs.sync_folder(&paths.folder)?;
    let (size, source) = folder.contents(&paths.whole)?;
    let target = fs.open_emptied(&paths.snapshot)?;
    for_each_piece(&*source, size, |_, piece| Appender(&*target).write_all(piece))?;
    target.sync_all()?;
    let placed = target.status()?.fingerprint;
    if placed.size != size {
        return Err(disturbed());
    }
    for_each_piece(&*source, size, |start, piece| {
        let written = target.read(start, start + piece.len() as u64)?;
        if written == piece { Ok(()) } else { Err(disturbed()) }
    })?;
    Ok(placed)
}

/// Reads `size` bytes of `source`, piece by piece.
fn for_each_piece(
    source: &dyn Handle,
    size: u64,
    mut each: impl FnMut(u64, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let (mut piece, mut at) = (Vec::new(), 0);
    piece.try_reserve_exact(PIECE).map_err(|_| ErrorKind::OutOfMemory)?;
    piece.resize(PIECE, 0);
    while at < size {
        let read = source.read_piece(at, &mut piece)?;
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        each(at, &piece[..read])?;
        at += read as u64;
    }
    Ok(())
}

/// The error when an editor writes the file in place at the same moment.
fn disturbed() -> io::Error {
    io::Error::other(Disturbed)
}

/// Removes the whole copy that a process left when it died in `write_over`. A file of this name
/// that is no snapshot belongs to another program.
pub fn remove_leftover(folder: &Folder) {
    let path = &folder.paths().whole;
    let is_own = |read: &Snapshot| somebody_elses(path, read).is_none();
    if matches!(snapshot_file::read_whole(folder), Ok(Some((_, read))) if is_own(&read)) {
        remove_whole(folder);
    }
}

/// Returns whether the snapshot in `place` has the contents of the whole copy beside it.
pub fn is_written_over(folder: &Folder, place: FileFingerprint) -> bool {
    // NOTE: the fingerprint is checked again, as another process may be writing the file over.
    folder.holds_snapshot(&folder.paths().whole) && folder.fingerprint() == Some(place)
}

/// Removes the whole copy that `write_over` made.
pub fn remove_whole(folder: &Folder) {
    // If it stays, it is read only when the file in place is damaged.
    drop(folder.remove(&folder.paths().whole));
}

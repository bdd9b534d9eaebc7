//! Windows.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::windows::fs::FileExt;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use winapi_util::{Handle, file};

use crate::store::fs::{FileFingerprint, Glance, Status};

/// The mode of a file with the read-only attribute; there are no other modes here.
const READ_ONLY: u32 = 0o444;

/// The system's errors while a virus scanner, an editor or a backup has the file open: access
/// denied (also for a name that is being deleted), sharing violation, lock violation.
const IN_USE: [i32; 3] = [5, SHARING_VIOLATION, 33];
const SHARING_VIOLATION: i32 = 32;
/// How long a file in use is tried again, and the pause between tries.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(10);

/// Returns the status of the file at `path`; a folder has one, too.
pub fn status_at(path: &Path) -> io::Result<Status> {
    patiently(|| status(Handle::from_path_any(path)?.as_file()))
}

/// Returns the names in a folder.
pub fn names_in(folder: &Path) -> io::Result<Vec<OsString>> {
    std::fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
}

/// A file's number consists of its volume and its index there. The time of creation would not do: a
/// name created again within 15 seconds gets that of its predecessor.
pub fn status(file: &File) -> io::Result<Status> {
    let (data, found) = (file.metadata()?, file::information(file)?);
    Ok(Status {
        fingerprint: FileFingerprint {
            device: found.volume_serial_number(),
            inode: found.file_index(),
            size: found.file_size(),
            modified: super::nanoseconds(&data),
        },
        regular: data.is_file(),
        links: found.number_of_links(),
        mode: if data.permissions().readonly() { READ_ONLY } else { 0 },
        owner: None,
    })
}

/// Returns which file it is, and a glance at it.
pub fn glance(file: &File) -> io::Result<((u64, u64), Glance)> {
    let found = file::information(file)?;
    let glance = Glance { size: found.file_size(), links: found.number_of_links() };
    Ok(((found.volume_serial_number(), found.file_index()), glance))
}

/// Tries `act` again for about a second while another program has the file open.
pub fn patiently<T>(mut act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let since = Instant::now();
    loop {
        match act() {
            Err(error) if is_in_use(&error) && since.elapsed() < PATIENCE => sleep(PAUSE),
            done => return done,
        }
    }
}

fn is_in_use(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| IN_USE.contains(&code))
}

/// Removes the file at `path`. It fails where the name stays until nobody has the file open, as on
/// FAT and network drives: whoever lists the folder finds it, and may open what is in it.
pub fn remove(path: &Path) -> io::Result<()> {
    patiently(|| std::fs::remove_file(path))?;
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        _ => Err(io::Error::from_raw_os_error(SHARING_VIOLATION)),
    }
}

/// Standard streams are not numbers here that a file could get.
#[expect(clippy::unnecessary_wraps, reason = "it can fail on other systems")]
pub fn above_standard_streams(file: File) -> io::Result<File> {
    Ok(file)
}

/// Closes the file: a handle never becomes another file's here.
pub fn let_go(file: File) {
    drop(file);
}

/// This moves the position, which `append` does not use.
pub fn read_at(file: &File, start: u64, into: &mut [u8]) -> io::Result<usize> {
    file.seek_read(into, start)
}

/// Writes all of `bytes`, unless another handle has the file locked: locks bind everybody here.
pub fn write_at(file: &File, mut start: u64, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = file.seek_write(bytes, start)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        (start, bytes) = (start + written as u64, &bytes[written..]);
    }
    Ok(())
}

pub fn for_reading(_: &mut OpenOptions) {}

/// A user who may make links here may do anything.
pub fn no_links(_: &mut OpenOptions) {}

/// The folder's access list decides who may read its files.
pub fn private(_: &mut OpenOptions) {}

pub fn private_folder(_: &mut DirBuilder) {}

#[expect(clippy::unnecessary_wraps, reason = "it can fail on other systems")]
pub fn imitate(_: &File, _: &Status) -> io::Result<()> {
    Ok(())
}

pub fn user() -> Option<u32> {
    None
}

/// Brings a file to the drive by `sync`, one of std's two ways: `FlushFileBuffers` both.
pub fn synced(file: &File, sync: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    sync(file)
}

/// Folders cannot be synced here; the system keeps their order itself.
#[expect(clippy::unnecessary_wraps, reason = "it can fail on other systems")]
pub fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// There is no limit that a program reaches.
pub fn most_open_files() -> usize {
    usize::MAX
}

pub fn is_exhausted(_: &io::Error) -> bool {
    false
}

/// Handles are never reused while they are held.
pub fn is_no_descriptor(_: &io::Error) -> bool {
    false
}

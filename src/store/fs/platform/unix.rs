//! Linux, macOS and their like.

use std::ffi::{OsStr, OsString};
use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{
    DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown,
};
use std::path::Path;

use rustix::fs::{Dir, Mode, OFlags};

use crate::store::fs::{FileFingerprint, Glance, Status};

/// The first number after those of the standard streams.
const FIRST_OWN: i32 = 3;

/// The permission bits of the group.
const GROUP: u32 = 0o070;

/// Returns the status of the file at `path`.
pub fn status_at(path: &Path) -> io::Result<Status> {
    std::fs::metadata(path).map(|data| status_of(&data))
}

/// Returns the status of an open file.
pub fn status(file: &File) -> io::Result<Status> {
    file.metadata().map(|data| status_of(&data))
}

/// Returns the names in a folder. The standard library's list panics where closing it fails: on a
/// network drive that reports an error then, or if the program closes all descriptors meanwhile.
pub fn names_in(folder: &Path) -> io::Result<Vec<OsString>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let entries = Dir::new(rustix::fs::open(folder, flags, Mode::empty())?)?;
    let names = entries.map(|entry| Ok(OsStr::from_bytes(entry?.file_name().to_bytes()).into()));
    names.filter(|name| !name.as_ref().is_ok_and(|name| name == "." || name == "..")).collect()
}

/// Runs `act` once: an open file keeps nobody from it here.
pub fn patiently<T>(mut act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    act()
}

/// Removes the file at `path`; who has it open keeps it, without a name.
pub fn remove(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)
}

fn status_of(data: &Metadata) -> Status {
    Status {
        fingerprint: FileFingerprint {
            device: data.dev(),
            inode: data.ino(),
            size: data.len(),
            modified: super::nanoseconds(data),
        },
        regular: data.is_file(),
        links: data.nlink(),
        mode: data.mode() & 0o7777,
        owner: Some((data.uid(), data.gid())),
    }
}

/// Returns which file it is, and a glance at it.
#[cfg(target_os = "linux")]
pub fn glance(file: &File) -> io::Result<((u64, u64), Glance)> {
    use rustix::fs::{AtFlags, StatxFlags, makedev, statx};
    let wanted = StatxFlags::INO | StatxFlags::SIZE | StatxFlags::NLINK;
    let found = match statx(file, c"", AtFlags::EMPTY_PATH, wanted) {
        Ok(found) => found,
        // Some containers forbid the call.
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => return fully(file),
        Err(error) => return Err(error.into()),
    };
    let device = makedev(found.stx_dev_major, found.stx_dev_minor);
    let glance = Glance { size: found.stx_size, links: u64::from(found.stx_nlink) };
    Ok(((device, found.stx_ino), glance))
}

/// Returns which file it is, and a glance at it.
#[cfg(not(target_os = "linux"))]
pub fn glance(file: &File) -> io::Result<((u64, u64), Glance)> {
    fully(file)
}

fn fully(file: &File) -> io::Result<((u64, u64), Glance)> {
    let data = file.metadata()?;
    Ok(((data.dev(), data.ino()), Glance { size: data.len(), links: data.nlink() }))
}

/// Moves a file to a number above those of the standard streams: a program that closed one of those
/// later opens a file of its own there.
pub fn above_standard_streams(file: File) -> io::Result<File> {
    if file.as_raw_fd() >= FIRST_OWN {
        return Ok(file);
    }
    Ok(rustix::io::fcntl_dupfd_cloexec(&file, FIRST_OWN)?.into())
}

/// Leaves the descriptor to its present owner.
pub fn let_go(file: File) {
    let _ = file.into_raw_fd();
}

pub fn read_at(file: &File, start: u64, into: &mut [u8]) -> io::Result<usize> {
    file.read_at(into, start)
}

pub fn write_at(file: &File, start: u64, bytes: &[u8]) -> io::Result<()> {
    file.write_all_at(bytes, start)
}

/// Never waits, and follows no link.
pub fn for_reading(options: &mut OpenOptions) {
    options.custom_flags(nix::libc::O_NONBLOCK | nix::libc::O_NOFOLLOW);
}

/// Refuses to follow links: another user may have made one that leads to a foreign file.
pub fn no_links(options: &mut OpenOptions) {
    options.custom_flags(nix::libc::O_NONBLOCK | nix::libc::O_NOFOLLOW);
}

pub fn private(options: &mut OpenOptions) {
    options.mode(0o600);
}

pub fn private_folder(builder: &mut DirBuilder) {
    builder.mode(0o700);
}

/// The owner comes first: a change of owner may remove permission bits. Only root may give files
/// away, and a user outside the group cannot give it theirs: then the group gets no rights.
pub fn imitate(file: &File, like: &Status) -> io::Result<()> {
    let Some((user, group)) = like.owner else { return Ok(()) };
    let given = fchown(file, Some(user), Some(group));
    given.or_else(|_| fchown(file, None, Some(group))).ok();
    let shared = file.metadata()?.gid() == group;
    let mode = if shared { like.mode } else { like.mode & !GROUP };
    file.set_permissions(Permissions::from_mode(mode))
}

#[expect(clippy::unnecessary_wraps, reason = "not every system has users")]
pub fn user() -> Option<u32> {
    Some(rustix::process::geteuid().as_raw())
}

pub fn sync_folder(folder: &Path) -> io::Result<()> {
    synced(&File::open(folder)?, File::sync_all)
}

/// Brings a file to the drive by `sync`, one of std's two ways. On Apple's systems both ask for
/// `F_FULLFSYNC`, because a plain `fsync` leaves the data in the drive's cache; a volume without
/// it, such as a network share, gets the plain one.
pub fn synced(file: &File, sync: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    match sync(file) {
        Err(error) if cfg!(target_vendor = "apple") && is_not_for_this_volume(&error) => {
            Ok(rustix::fs::fsync(file)?)
        }
        done => done,
    }
}

/// Tells a volume that cannot sync that way from a drive that failed: a failure stays an error,
/// since a second try may claim success.
fn is_not_for_this_volume(error: &io::Error) -> bool {
    use nix::libc::{EINVAL, ENOTSUP, ENOTTY};
    matches!(error.raw_os_error(), Some(EINVAL | ENOTSUP | ENOTTY))
}

/// Returns how many files this process may have open; `usize::MAX` without a limit.
pub fn most_open_files() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
}

/// Returns whether a descriptor is closed, or was not opened for what was asked of it.
pub fn is_no_descriptor(error: &io::Error) -> bool {
    error.raw_os_error() == Some(nix::libc::EBADF)
}

/// Returns whether there are no more descriptors, in this process or in the system.
pub fn is_exhausted(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(nix::libc::EMFILE | nix::libc::ENFILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A volume without a full sync is distinguished from a drive that failed to do one.
    #[test]
    fn a_failed_drive_is_no_lacking_volume() {
        let error = io::Error::from_raw_os_error;
        assert!(is_not_for_this_volume(&error(nix::libc::ENOTSUP)));
        assert!(!is_not_for_this_volume(&error(nix::libc::EIO)));
        assert!(!is_not_for_this_volume(&error(nix::libc::ENOSPC)));
    }
}

//! The one door to the disk: every operation of the file store, behind a trait that tests can crash.

use std::ffi::OsString;
use std::fmt::Debug;
use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What tells one state of a file from another: a file that was replaced, rewritten or appended to
/// has another identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The device it is on.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// Its length in bytes.
    pub size: u64,
    /// When it was last written to, in nanoseconds since the epoch.
    pub modified: u64,
}

impl Identity {
    /// When the file was last written to.
    pub fn time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.modified)
    }

    /// Four little-endian numbers, in the order of the fields.
    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        let fields = [self.device, self.inode, self.size, self.modified];
        for (place, field) in bytes.chunks_exact_mut(8).zip(fields) {
            place.copy_from_slice(&field.to_le_bytes());
        }
        bytes
    }

    /// The identity that `bytes` hold; `None` if they are not 32.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (fields, []) = bytes.as_chunks::<8>() else { return None };
        let &[device, inode, size, modified] = fields else { return None };
        let [device, inode, size, modified] =
            [device, inode, size, modified].map(u64::from_le_bytes);
        Some(Self { device, inode, size, modified })
    }
}

/// What the system says about a file.
#[derive(Clone, Copy, Debug)]
pub struct Status {
    /// Its state.
    pub identity: Identity,
    /// Whether it is a regular file (no folder, pipe, device).
    pub regular: bool,
    /// How many names it has; 0 if it was removed.
    pub links: u64,
    /// Its permission bits; 0 where there are none.
    pub mode: u32,
    /// Its user and group, where there are such.
    pub owner: Option<(u32, u32)>,
}

/// A file system.
pub trait Fs: Send + Sync + Debug {
    /// The file that `path` leads to through symbolic links, which may not exist yet.
    fn resolve(&self, path: &Path) -> io::Result<PathBuf>;
    /// What stands at `path`.
    fn status(&self, path: &Path) -> io::Result<Status>;
    /// The names in `folder`.
    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>>;
    /// Opens for reading; never waits, not even for the writer of a pipe.
    fn open_read(&self, path: &Path) -> io::Result<Box<dyn Handle>>;
    /// Opens for appending and reading; `create` makes it, private, if it is missing.
    fn open_append(&self, path: &Path, create: bool) -> io::Result<Box<dyn Handle>>;
    /// Makes a new file with the mode and, where allowed, the owner of `like`; private without.
    fn create_new(&self, path: &Path, like: Option<&Status>) -> io::Result<Box<dyn Handle>>;
    /// Opens a file that is only there to be locked, and makes it if it is missing.
    fn open_lock(&self, path: &Path) -> io::Result<File>;
    /// Puts `from` in the place of `to` in one step.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Copies `from` to `to`, which must not exist; a second name will do where there is no room.
    fn copy(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in `folder` survive a loss of power.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// An open file.
pub trait Handle: Send + Sync + Debug {
    /// One `write` at the end of the file; how much of `bytes` it took.
    fn append(&self, bytes: &[u8]) -> io::Result<usize>;
    /// The position behind the last `append`.
    fn position(&self) -> io::Result<u64>;
    /// Its length. It asks for no times, as `status` does: Linux gives a file whose times were asked
    /// for finer ones at the next write, and that write takes nearly twice as long.
    fn size(&self) -> io::Result<u64>;
    /// The bytes from `start` up to `end`, or as many as there are.
    fn read(&self, start: u64, end: u64) -> io::Result<Vec<u8>>;
    /// One `read` of the bytes from `start` on; how many of `into` it filled: 0 at the end.
    fn read_piece(&self, start: u64, into: &mut [u8]) -> io::Result<usize>;
    /// What the system says about it.
    fn status(&self) -> io::Result<Status>;
    /// Makes its contents survive a loss of power.
    fn sync_data(&self) -> io::Result<()>;
}

/// The real one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

/// How many symbolic links are followed before they are taken for a circle.
const LINKS: usize = 40;

impl Fs for Disk {
    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        let mut path = std::path::absolute(path)?;
        for _ in 0..LINKS {
            let Ok(target) = std::fs::read_link(&path) else { return Ok(path) };
            path = path.parent().unwrap_or(Path::new("/")).join(target);
        }
        Err(io::Error::other("too many symbolic links"))
    }

    fn status(&self, path: &Path) -> io::Result<Status> {
        std::fs::metadata(path).map(|data| platform::status(&data))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let mut options = OpenOptions::new();
        platform::never_wait(options.read(true));
        Ok(Box::new(options.open(path)?))
    }

    fn open_append(&self, path: &Path, create: bool) -> io::Result<Box<dyn Handle>> {
        let mut options = OpenOptions::new();
        platform::private(options.read(true).append(true).create(create));
        Ok(Box::new(options.open(path)?))
    }

    fn create_new(&self, path: &Path, like: Option<&Status>) -> io::Result<Box<dyn Handle>> {
        let mut options = OpenOptions::new();
        platform::private(options.read(true).append(true).create_new(true));
        let file = options.open(path)?;
        if let Some(like) = like {
            platform::imitate(&file, like)?;
        }
        Ok(Box::new(file))
    }

    fn open_lock(&self, path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        platform::private(options.read(true).write(true).create(true).truncate(false));
        options.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        let source = File::open(from)?;
        let mut options = OpenOptions::new();
        platform::private(options.write(true).create_new(true));
        let copied = io::copy(&mut &source, &mut &options.open(to)?);
        copied.map(drop).or_else(|_| {
            std::fs::remove_file(to)?;
            std::fs::hard_link(from, to)
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        platform::sync_folder(folder)
    }
}

impl Handle for File {
    fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn position(&self) -> io::Result<u64> {
        (&*self).stream_position()
    }

    /// Moves the position, which neither `append` nor `read` starts from.
    fn size(&self) -> io::Result<u64> {
        (&*self).seek(io::SeekFrom::End(0))
    }

    fn read(&self, start: u64, end: u64) -> io::Result<Vec<u8>> {
        let mut file = self;
        let length = end.saturating_sub(start);
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        file.seek(io::SeekFrom::Start(start))?;
        file.take(length).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn read_piece(&self, start: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut file = self;
        file.seek(io::SeekFrom::Start(start))?;
        Read::read(&mut file, into)
    }

    fn status(&self) -> io::Result<Status> {
        self.metadata().map(|data| platform::status(&data))
    }

    fn sync_data(&self) -> io::Result<()> {
        File::sync_data(self)
    }
}

/// Nanoseconds since the epoch, and 0 for what lies before it.
fn nanoseconds(data: &Metadata) -> u64 {
    let since = data.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or_default()
}

/// Makes the folder of `file`, and those above it, for the user alone, where there is none.
pub fn make_folder_of(file: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    platform::private_folder(builder.recursive(true));
    file.parent().map_or(Ok(()), |folder| builder.create(folder))
}

#[cfg(unix)]
mod platform {
    use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
    use std::path::Path;

    use super::{Identity, Status};

    pub fn status(data: &Metadata) -> Status {
        Status {
            identity: Identity {
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

    pub fn never_wait(options: &mut OpenOptions) {
        options.custom_flags(nix::libc::O_NONBLOCK);
    }

    pub fn private(options: &mut OpenOptions) {
        options.mode(0o600);
    }

    pub fn private_folder(builder: &mut DirBuilder) {
        builder.mode(0o700);
    }

    /// The owner first: a change of owner may take permission bits away.
    pub fn imitate(file: &File, like: &Status) -> io::Result<()> {
        if let Some((user, group)) = like.owner {
            // Only root may give files away; for everybody else the file stays their own.
            drop(fchown(file, Some(user), Some(group)));
        }
        file.set_permissions(Permissions::from_mode(like.mode))
    }

    pub fn sync_folder(folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }
}

#[cfg(not(unix))]
mod platform {
    use std::fs::{DirBuilder, File, Metadata, OpenOptions};
    use std::io;
    use std::path::Path;
    use std::time::UNIX_EPOCH;

    use super::{Identity, Status};

    /// There is no number of a file in the standard library here: the time of its creation tells
    /// a replaced file from the one before.
    pub fn status(data: &Metadata) -> Status {
        let since = data.created().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let created = since.and_then(|since| u64::try_from(since.as_nanos()).ok());
        Status {
            identity: Identity {
                device: 0,
                inode: created.unwrap_or_default(),
                size: data.len(),
                modified: super::nanoseconds(data),
            },
            regular: data.is_file(),
            links: 1,
            mode: 0,
            owner: None,
        }
    }

    pub fn never_wait(_: &mut OpenOptions) {}

    pub fn private(_: &mut OpenOptions) {}

    pub fn private_folder(_: &mut DirBuilder) {}

    pub fn imitate(_: &File, _: &Status) -> io::Result<()> {
        Ok(())
    }

    /// Folders cannot be synced here; the system keeps their order itself.
    pub fn sync_folder(_: &Path) -> io::Result<()> {
        Ok(())
    }
}

//! A disk without room for the page of a lock file.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use outlive::store::fs::{
    Disk, Fs, Handle, LockHandle, LockMode, LockPart, Map, Memory, Status, Taken,
};

/// The real disk, except that a write to a lock file stops halfway and fails.
#[derive(Debug)]
pub struct NoRoom;

#[derive(Debug)]
struct Lock(Box<dyn LockHandle>);

impl Fs for NoRoom {
    fn open_lock(&self, path: &Path, like: Option<&Status>) -> io::Result<Box<dyn LockHandle>> {
        Ok(Box::new(Lock(Disk.open_lock(path, like)?)))
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        Disk.resolve(path)
    }
    fn status(&self, path: &Path) -> io::Result<Status> {
        Disk.status(path)
    }
    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        Disk.list(folder)
    }
    fn open_read(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        Disk.open_read(path)
    }
    fn open_append(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        Disk.open_append(path)
    }
    fn create_new(&self, path: &Path, like: Option<&Status>) -> io::Result<Box<dyn Handle>> {
        Disk.create_new(path, like)
    }
    fn open_emptied(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        Disk.open_emptied(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.rename(from, to)
    }
    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.copy(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        Disk.remove(path)
    }
    fn user(&self) -> Option<u32> {
        Disk.user()
    }
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        Disk.sync_folder(folder)
    }
}

impl LockHandle for Lock {
    fn write_at(&self, start: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_at(start, &bytes[..bytes.len() / 2])?;
        Err(io::ErrorKind::StorageFull.into())
    }

    fn try_lock(&self, part: LockPart, mode: LockMode) -> io::Result<Taken> {
        self.0.try_lock(part, mode)
    }
    fn unlock(&self, part: LockPart) {
        self.0.unlock(part);
    }
    fn status(&self) -> io::Result<Status> {
        self.0.status()
    }
    fn shares_memory(&self) -> bool {
        self.0.shares_memory()
    }
    fn show(&self, map: Map, length: usize) -> io::Result<Box<dyn Memory>> {
        self.0.show(map, length)
    }
}

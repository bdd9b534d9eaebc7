//! The real disk in a mood: while a test says so, it is full, or another process is in the way.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use outlive::store::fs::{
    Disk, Fs, Glance, Handle, LockHandle, LockMode, LockPart, Map, Memory, Status, Taken,
};

/// The mood of a disk.
#[derive(Default)]
pub struct Mood {
    /// Whether it is full, so that nothing can be appended.
    pub full: AtomicBool,
    /// Whether there is no room for a page: a write to a lock file stops halfway and fails.
    pub pageless: AtomicBool,
    /// Whether another process keeps all others out.
    pub crowded: AtomicBool,
    /// The network file system that it is said to be.
    pub network: Mutex<Option<&'static str>>,
    /// What runs before each append.
    pub before: Mutex<Option<Box<dyn Fn() + Send + Sync>>>,
}

impl fmt::Debug for Mood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mood({:?}, {:?})", self.full, self.crowded)
    }
}

/// The real disk, with a mood.
#[derive(Clone, Debug, Default)]
pub struct Moody(pub Arc<Mood>);

#[derive(Debug)]
struct MoodyHandle(Arc<Mood>, Box<dyn Handle>);

#[derive(Debug)]
struct MoodyLock(Arc<Mood>, Box<dyn LockHandle>);

impl Moody {
    fn handle(&self, open: io::Result<Box<dyn Handle>>) -> io::Result<Box<dyn Handle>> {
        Ok(Box::new(MoodyHandle(Arc::clone(&self.0), open?)))
    }
}

impl Fs for Moody {
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
        self.handle(Disk.open_read(path))
    }
    fn open_append(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.handle(Disk.open_append(path))
    }
    fn create_new(&self, path: &Path, like: Option<&Status>) -> io::Result<Box<dyn Handle>> {
        self.handle(Disk.create_new(path, like))
    }
    fn open_emptied(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.handle(Disk.open_emptied(path))
    }
    fn open_lock(&self, path: &Path, like: Option<&Status>) -> io::Result<Box<dyn LockHandle>> {
        Ok(Box::new(MoodyLock(Arc::clone(&self.0), Disk.open_lock(path, like)?)))
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
    fn network(&self, _: &Path) -> Option<&'static str> {
        *self.0.network.lock().expect("nobody panics in here")
    }
    fn user(&self) -> Option<u32> {
        Disk.user()
    }
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        Disk.sync_folder(folder)
    }
}

impl Handle for MoodyHandle {
    fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.full.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        if let Some(before) = &*self.0.before.lock().expect("nobody panics in here") {
            before();
        }
        self.1.append(bytes)
    }

    fn position(&self) -> io::Result<u64> {
        self.1.position()
    }
    fn glance(&self) -> io::Result<Glance> {
        self.1.glance()
    }
    fn read(&self, start: u64, end: u64) -> io::Result<Vec<u8>> {
        self.1.read(start, end)
    }
    fn read_piece(&self, start: u64, into: &mut [u8]) -> io::Result<usize> {
        self.1.read_piece(start, into)
    }
    fn status(&self) -> io::Result<Status> {
        self.1.status()
    }
    fn sync_data(&self) -> io::Result<()> {
        self.1.sync_data()
    }
    fn sync_all(&self) -> io::Result<()> {
        self.1.sync_all()
    }
}

impl LockHandle for MoodyLock {
    fn try_lock(&self, part: LockPart, mode: LockMode) -> io::Result<Taken> {
        let crowded = self.0.crowded.load(Ordering::Relaxed) && part == LockPart::Presence;
        if crowded { Ok(Taken::Busy) } else { self.1.try_lock(part, mode) }
    }

    fn unlock(&self, part: LockPart) {
        self.1.unlock(part);
    }
    fn status(&self) -> io::Result<Status> {
        self.1.status()
    }
    fn write_at(&self, start: u64, bytes: &[u8]) -> io::Result<()> {
        if self.0.pageless.load(Ordering::Relaxed) {
            self.1.write_at(start, &bytes[..bytes.len() / 2])?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.1.write_at(start, bytes)
    }
    fn shares_memory(&self) -> bool {
        self.1.shares_memory()
    }
    fn show(&self, map: Map, length: usize) -> io::Result<Box<dyn Memory>> {
        self.1.show(map, length)
    }
}

//! Power loss: what must have reached the disk before what.
//!
//! The tests run on a disk that logs its operations: whatever was not synced before a promise would
//! be lost with the power.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use outlive::store::fs::{Disk, Fs, Glance, Handle, LockHandle, Status};
use outlive::store::{Durability, FileStore, Item, Options, Store};
use tempfile::TempDir;

use crate::stand::{OPTIONS, item, put};

type Log = Arc<Mutex<Vec<String>>>;

/// The kind of an open file, which a rename changes.
type Kind = Arc<Mutex<String>>;

/// The real disk, a log of the operations that matter to a power loss, and the opened files.
#[derive(Debug)]
struct LoggingDisk(Log, Mutex<Vec<(PathBuf, Kind)>>);

#[derive(Debug)]
struct LoggingHandle(Log, Kind, Box<dyn Handle>);

/// Returns the kind of a file, without what differs from run to run.
fn kind(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let known = ["journal", "tmp", "lock"];
    known.into_iter().find(|kind| name.contains(kind)).unwrap_or("snapshot").to_owned()
}

impl LoggingDisk {
    fn note(&self, what: &str, path: &Path) {
        self.0.lock().unwrap().push(format!("{what} {}", kind(path)));
    }

    fn handle(&self, path: &Path, handle: Box<dyn Handle>) -> Box<dyn Handle> {
        let kind = Arc::new(Mutex::new(kind(path)));
        self.1.lock().unwrap().push((path.to_path_buf(), Arc::clone(&kind)));
        Box::new(LoggingHandle(Arc::clone(&self.0), kind, handle))
    }
}

impl Fs for LoggingDisk {
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
        let handle = Disk.open_append(path)?;
        Ok(self.handle(path, handle))
    }
    fn create_new(&self, path: &Path, like: Option<&Status>) -> io::Result<Box<dyn Handle>> {
        let handle = Disk.create_new(path, like)?;
        Ok(self.handle(path, handle))
    }
    fn open_emptied(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let handle = Disk.open_emptied(path)?;
        Ok(self.handle(path, handle))
    }
    fn open_lock(&self, path: &Path, like: Option<&Status>) -> io::Result<Box<dyn LockHandle>> {
        Disk.open_lock(path, like)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.note("rename to", to);
        for (_, opened) in self.1.lock().unwrap().iter().filter(|(path, _)| path == from) {
            *opened.lock().unwrap() = kind(to);
        }
        Disk.rename(from, to)
    }
    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.copy(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.note("remove", path);
        Disk.remove(path)
    }
    fn user(&self) -> Option<u32> {
        Disk.user()
    }
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.0.lock().unwrap().push("sync folder".to_owned());
        Disk.sync_folder(folder)
    }
}

impl LoggingHandle {
    fn note(&self, what: &str) {
        self.0.lock().unwrap().push(format!("{what} {}", self.1.lock().unwrap()));
    }
}

impl Handle for LoggingHandle {
    fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        self.note("append");
        self.2.append(bytes)
    }
    fn position(&self) -> io::Result<u64> {
        self.2.position()
    }
    fn glance(&self) -> io::Result<Glance> {
        self.2.glance()
    }
    fn read(&self, start: u64, end: u64) -> io::Result<Vec<u8>> {
        self.2.read(start, end)
    }
    fn read_piece(&self, start: u64, into: &mut [u8]) -> io::Result<usize> {
        self.2.read_piece(start, into)
    }
    fn status(&self) -> io::Result<Status> {
        self.2.status()
    }
    fn sync_data(&self) -> io::Result<()> {
        self.note("sync");
        self.2.sync_data()
    }
    fn sync_all(&self) -> io::Result<()> {
        self.note("sync");
        self.2.sync_all()
    }
}

fn store(folder: &Path, durability: Durability) -> (FileStore, Log) {
    let log = Log::default();
    let disk = Arc::new(LoggingDisk(Arc::clone(&log), Mutex::default()));
    let options = Options { durability, ..OPTIONS };
    (FileStore::with_fs(folder.join("c.json"), options, disk), log)
}

fn taken(log: &Log) -> Vec<String> {
    std::mem::take(&mut log.lock().unwrap())
}

/// Returns the position of the first `event` in the log.
fn place(log: &[String], event: &str) -> usize {
    let found = log.iter().position(|noted| noted == event);
    found.unwrap_or_else(|| panic!("no {event:?} in {log:#?}"))
}

/// With `Fsync`, a record and the folder entry of its file are on the disk before the call returns.
#[test]
fn fsync_syncs_before_it_returns() {
    let folder = TempDir::new().unwrap();
    let (store, log) = store(folder.path(), Durability::Fsync);
    store.load();
    store.append(put("a", "1")).unwrap();
    let first = taken(&log);
    assert_eq!(first.last().map(String::as_str), Some("sync journal"), "{first:#?}");
    assert!(place(&first, "rename to journal") < place(&first, "sync folder"), "{first:#?}");
    store.append(put("b", "2")).unwrap();
    assert_eq!(taken(&log), ["append journal", "sync journal"]);
    store.close();
}

/// A process that leaves because others stay syncs what they wrote over its own results: they may not
/// have synced it, or have failed.
#[test]
fn who_leaves_syncs_what_others_wrote() {
    let folder = TempDir::new().unwrap();
    let (one, log) = store(folder.path(), Durability::Fsync);
    let (other, _) = store(folder.path(), Durability::Flush);
    one.load();
    one.append(put("a", "1")).unwrap();
    other.load();
    other.append(put("a", "2")).unwrap();
    taken(&log);
    let mut last = one.begin_close().unwrap().expect("it has written");
    assert!(last.seal().unwrap().is_none(), "another one stays");
    assert_eq!(taken(&log), ["sync journal"]);
    drop(last);
    other.close();
}

/// With `Flush`, a record is written but not synced: it survives the process, not a power loss.
#[test]
fn flush_does_not_wait_for_the_disk() {
    let folder = TempDir::new().unwrap();
    let (store, log) = store(folder.path(), Durability::Flush);
    store.load();
    store.append(put("a", "1")).unwrap();
    taken(&log);
    store.append(put("b", "2")).unwrap();
    assert_eq!(taken(&log), ["append journal"]);
    store.close();
}

/// A save syncs the snapshot before it renames it, and syncs the rename before it removes journals.
#[test]
fn a_save_keeps_its_order() {
    for durability in [Durability::Flush, Durability::Fsync] {
        let folder = TempDir::new().unwrap();
        let (store, log) = store(folder.path(), durability);
        store.load();
        store.append(put("a", "1")).unwrap();
        taken(&log);
        let mut saving = store.begin_save().unwrap().expect("something changed");
        saving.seal().unwrap().expect("there is something to save");
        let items: [Item; 1] = [item("a", "1")];
        saving.write(&items[..].into()).unwrap();
        let log = taken(&log);
        let synced = place(&log, "sync tmp");
        let renamed = place(&log, "rename to snapshot");
        let removed = place(&log, "remove journal");
        assert!(synced < renamed, "{log:#?}");
        assert!(log[renamed..removed].contains(&"sync folder".to_owned()), "{log:#?}");
        store.close();
    }
}

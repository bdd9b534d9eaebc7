//! A disk that fails on purpose, at each operation in turn: once, or from then on.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use outlive::store::fs::{Disk, Fs, Glance, Handle, LockHandle, Status};
use outlive::store::{Change, Store};

use super::stand::{Cache, Entries, apply, entries, item, names, place, put, remove};

/// What happens at the chosen operation.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Trouble {
    /// The process ends: that operation and all later ones do nothing.
    Crash,
    /// The disk is full for that one operation.
    Full,
}

/// Counts operations and makes one fail. A write that fails has written half.
#[derive(Debug)]
struct Plan {
    count: AtomicU64,
    at: u64,
    trouble: Trouble,
}

impl Plan {
    fn fails(&self) -> bool {
        let now = self.count.fetch_add(1, Ordering::Relaxed);
        now == self.at || (self.trouble == Trouble::Crash && now > self.at)
    }

    fn step(&self) -> io::Result<()> {
        if self.fails() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

#[derive(Debug)]
struct FaultyDisk(Arc<Plan>);

#[derive(Debug)]
struct FaultyHandle(Arc<Plan>, Box<dyn Handle>);

impl FaultyDisk {
    fn handle(&self, open: io::Result<Box<dyn Handle>>) -> io::Result<Box<dyn Handle>> {
        Ok(Box::new(FaultyHandle(Arc::clone(&self.0), open?)))
    }
}

impl Fs for FaultyDisk {
    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        self.0.step()?;
        Disk.resolve(path)
    }
    fn status(&self, path: &Path) -> io::Result<Status> {
        self.0.step()?;
        Disk.status(path)
    }
    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        self.0.step()?;
        Disk.list(folder)
    }
    fn open_read(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.0.step()?;
        self.handle(Disk.open_read(path))
    }
    fn open_append(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.0.step()?;
        self.handle(Disk.open_append(path))
    }
    fn create_new(&self, path: &Path, like: Option<&Status>) -> io::Result<Box<dyn Handle>> {
        self.0.step()?;
        self.handle(Disk.create_new(path, like))
    }
    fn open_emptied(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.0.step()?;
        self.handle(Disk.open_emptied(path))
    }
    fn open_lock(&self, path: &Path, like: Option<&Status>) -> io::Result<Box<dyn LockHandle>> {
        self.0.step()?;
        Disk.open_lock(path, like)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.step()?;
        Disk.rename(from, to)
    }
    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.step()?;
        Disk.copy(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.step()?;
        Disk.remove(path)
    }
    fn user(&self) -> Option<u32> {
        Disk.user()
    }
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.0.step()?;
        Disk.sync_folder(folder)
    }
}

impl Handle for FaultyHandle {
    fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        if !self.0.fails() {
            return self.1.append(bytes);
        }
        // A crash, or a full disk, cuts a write in half; after a crash nothing is written.
        if self.0.count.load(Ordering::Relaxed) == self.0.at + 1 {
            return self.1.append(&bytes[..bytes.len() / 2]);
        }
        Err(io::ErrorKind::StorageFull.into())
    }
    fn position(&self) -> io::Result<u64> {
        self.0.step()?;
        self.1.position()
    }
    fn glance(&self) -> io::Result<Glance> {
        self.0.step()?;
        self.1.glance()
    }
    fn read(&self, start: u64, end: u64) -> io::Result<Vec<u8>> {
        self.0.step()?;
        self.1.read(start, end)
    }
    fn read_piece(&self, start: u64, into: &mut [u8]) -> io::Result<usize> {
        self.0.step()?;
        self.1.read_piece(start, into)
    }
    fn status(&self) -> io::Result<Status> {
        self.0.step()?;
        self.1.status()
    }
    fn sync_data(&self) -> io::Result<()> {
        self.0.step()?;
        self.1.sync_data()
    }
    fn sync_all(&self) -> io::Result<()> {
        self.0.step()?;
        self.1.sync_all()
    }
}

/// What may be on the disk after a history of which only some steps were promised.
#[derive(Default)]
struct Promises {
    steps: Vec<(Change, bool)>,
}

impl Promises {
    fn make(&mut self, cache: &mut Cache, change: Change) {
        let promised = cache.change(&change);
        self.steps.push((change, promised));
    }

    /// Fails unless each key has what its last promised step left, or what a later step that failed
    /// was to leave.
    fn check(&self, found: &Entries, place: &str) {
        let keys = ["a", "b", "c", "d", "e", "f"];
        for key in keys {
            let value = found.iter().find(|(name, _)| name == key).map(|(_, text)| text.as_str());
            let allowed = self.allowed(key);
            assert!(
                allowed.iter().any(|text| text.as_deref() == value),
                "{place}: {key} is {value:?}, not one of {allowed:?}"
            );
        }
        assert!(found.iter().all(|(name, _)| keys.contains(&name.as_str())), "{place}: {found:?}");
    }

    fn allowed(&self, key: &str) -> Vec<Option<String>> {
        let mut allowed = vec![None];
        for (change, promised) in &self.steps {
            let value = match change {
                Change::Put(item) if item.key == key => Some(text(&item.text)),
                Change::Remove(name) if name == key => None,
                Change::Clear => None,
                _ => continue,
            };
            if *promised {
                allowed.clear();
            }
            allowed.push(value);
        }
        allowed
    }
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8(bytes.to_vec()).expect("tests use UTF-8")
}

/// Which of the two processes of the story has the faulty disk.
#[derive(Clone, Copy, Debug)]
enum Hit {
    /// The one that closes last.
    One,
    /// The one that closes first.
    Two,
}

/// Runs two processes, one on the faulty disk, with appends, removals, saves, a clear and both
/// closes. Returns the promises, the entries in memory, and whether the file must hold them all.
fn story(path: &Path, plan: &Arc<Plan>, hit: Hit) -> (Promises, Entries, bool) {
    let mut promises = Promises::default();
    let faulty = Arc::new(FaultyDisk(Arc::clone(plan)));
    let (first, second): (Arc<dyn Fs>, Arc<dyn Fs>) = match hit {
        Hit::One => (faulty, Arc::new(Disk)),
        Hit::Two => (Arc::new(Disk), faulty),
    };
    let mut one = Cache::open_on(path, first);
    promises.make(&mut one, put("a", "1"));
    let mut two = Cache::open_on(path, second);
    promises.make(&mut two, put("b", "2"));
    promises.make(&mut one, put("c", "3"));
    one.save();
    promises.make(&mut one, remove("a"));
    promises.make(&mut two, put("d", "4"));
    two.save();
    promises.make(&mut one, put("b", "20"));
    promises.make(&mut one, Change::Clear);
    promises.make(&mut one, put("e", "5"));
    one.save();
    promises.make(&mut one, put("a", "100"));
    two.close();
    promises.make(&mut one, put("f", "6"));
    let closed = one.close() && matches!(hit, Hit::One);
    // A file that could not be read at the start is not written at the end.
    let file = !one.store.notices().iter().any(|notice| notice.contains("not touched"));
    (promises, one.entries(), closed && file)
}

/// Returns the number of operations in the story when nothing fails.
fn length(hit: Hit) -> u64 {
    let (folder, path) = place();
    let plan = Arc::new(Plan { count: 0.into(), at: u64::MAX, trouble: Trouble::Full });
    let (promises, left, _) = story(&path, &plan, hit);
    assert!(promises.steps.iter().all(|(_, promised)| *promised));
    assert_eq!(names(folder.path()), ["cache.json"]);
    assert_eq!(Cache::open(&path).entries(), left);
    plan.count.load(Ordering::Relaxed)
}

fn every_operation() -> impl Iterator<Item = (Hit, u64)> {
    [Hit::One, Hit::Two].into_iter().flat_map(|hit| (0..length(hit)).map(move |at| (hit, at)))
}

/// Removes a lock file, and one for checkpoints, that a process left when it died before it wrote to
/// it. They stay, since other programs leave empty files of such names, too.
fn remove_empty_lock(folder: &Path) {
    let lock = folder.join("cache.json.lock");
    if std::fs::metadata(&lock).is_ok_and(|found| found.len() == 0) {
        std::fs::remove_file(lock).expect("it is there");
        // Where ranges of bytes cannot be locked, it is a file of its own.
        let _ = std::fs::remove_file(folder.join("cache.json.lock-save"));
    }
}

/// Wherever a process crashes, the next one finds every change that was promised and nothing that
/// was never written; its clean exit leaves only the snapshot.
#[test]
fn a_crash_at_any_operation_loses_nothing() {
    for (hit, at) in every_operation() {
        let (folder, path) = place();
        let plan = Arc::new(Plan { count: 0.into(), at, trouble: Trouble::Crash });
        let (promises, ..) = story(&path, &plan, hit);
        let mut next = Cache::open(&path);
        promises.check(&next.entries(), &format!("crash of {hit:?} at {at}"));
        assert!(next.change(&put("new", "1")) && next.change(&remove("new")) && next.close());
        remove_empty_lock(folder.path());
        assert_eq!(names(folder.path()), ["cache.json"], "crash of {hit:?} at {at}");
        let last = Cache::open(&path);
        promises.check(&last.entries(), &format!("folded after a crash of {hit:?} at {at}"));
        assert_eq!(last.entries(), next.entries(), "crash of {hit:?} at {at}");
    }
}

/// A process that only reads removes at its end what two that crashed left: the second may have
/// published its snapshot, so that nothing is to be saved.
#[test]
fn a_reader_clears_away_what_a_crash_left() {
    for (hit, at) in every_operation() {
        let (folder, path) = place();
        let other = folder.path().join("cache.json.tmp-1-2-3");
        std::fs::write(other, "{").expect("the test can write");
        let plan = Arc::new(Plan { count: 0.into(), at, trouble: Trouble::Crash });
        let (promises, ..) = story(&path, &plan, hit);
        let mut reader = Cache::open(&path);
        promises.check(&reader.entries(), &format!("crash of {hit:?} at {at}"));
        assert!(reader.close());
        let left = names(folder.path());
        assert!(!left.iter().any(|name| name.contains(".tmp-")), "{hit:?} at {at}: {left:?}");
    }
}

/// Whichever operation meets a full disk, the program goes on, no promised change is lost, and
/// after a successful close the file holds all that the process does.
#[test]
fn a_full_disk_at_any_operation_loses_nothing() {
    for (hit, at) in every_operation() {
        let (_folder, path) = place();
        let plan = Arc::new(Plan { count: 0.into(), at, trouble: Trouble::Full });
        let (promises, left, closed) = story(&path, &plan, hit);
        let found = Cache::open(&path).entries();
        promises.check(&found, &format!("full of {hit:?} at {at}"));
        if closed {
            let sorted = |mut entries: Entries| {
                entries.sort();
                entries
            };
            assert_eq!(sorted(found), sorted(left), "full of {hit:?} at {at}");
        }
    }
}

/// A failed save leaves the old snapshot as it was, and no temporary file.
#[test]
fn a_failed_save_changes_nothing() {
    let (folder, path) = place();
    let mut cache = Cache::open(&path);
    cache.change(&put("a", "1"));
    assert!(cache.close());
    let before = std::fs::read(&path).expect("it is there");
    let mut failures = 0;
    for at in 0..200 {
        assert!(Cache::open(&path).change(&put("b", "2")));
        let plan = Arc::new(Plan { count: 0.into(), at, trouble: Trouble::Full });
        let mut cache = Cache::open_on(&path, Arc::new(FaultyDisk(plan)));
        if cache.save() {
            std::fs::write(&path, &before).expect("the test can write");
            continue;
        }
        failures += 1;
        let found = names(folder.path());
        assert!(!found.iter().any(|name| name.contains(".tmp-")), "{at}: {found:?}");
        let mut whole = vec![item("a", "1")];
        apply(&mut whole, &put("b", "2"));
        assert_eq!(Cache::open(&path).entries(), entries(&whole), "{at}");
    }
    assert!(failures > 5, "only {failures} operations of a save can fail");
}

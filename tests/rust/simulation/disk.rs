//! A disk in memory: one folder, its files, and which processes have them open and locked.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use outlive::store::PAGE_SIZE;
use outlive::store::fs::{FileFingerprint, LockPart, Status};

use super::fault::Faults;
use super::power::{Fate, Stable};
use super::random::Random;
use super::scheduler::Process;

/// A file's number.
pub type Number = u64;
/// An open file's number.
pub type Description = u64;

/// A file.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// Its contents.
    pub bytes: Vec<u8>,
    /// The time of the last write, in nanoseconds since the epoch.
    pub modified: u64,
    /// The number of its names.
    pub links: u64,
    /// How many times it is open.
    pub opened: u64,
    /// Its permission bits.
    pub mode: u32,
    /// The locks on it.
    pub locks: Vec<Lock>,
    /// Its first bytes, as processes that map it see them.
    shown: Option<Arc<[AtomicU64]>>,
}

impl File {
    fn show(&self) {
        let words = self.shown.iter().flat_map(|shown| shown.iter());
        let (bytes, _) = self.bytes.as_chunks();
        let zeros = std::iter::repeat(&[0; 8]);
        for (word, bytes) in words.zip(bytes.iter().chain(zeros)) {
            word.store(u64::from_ne_bytes(*bytes), Ordering::Release);
        }
    }
}

/// A lock that an open file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lock {
    /// The part of the file.
    pub part: LockPart,
    /// The open file that holds it.
    pub holder: Description,
    /// Whether it excludes all others.
    pub alone: bool,
}

/// The folder and its files.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Debug)]
pub struct Disk {
    /// The names in the folder, in the order in which they were made.
    pub names: Vec<(String, Number)>,
    /// All files that have a name or are open.
    pub files: BTreeMap<Number, File>,
    /// Whether the cache's file is a mount point.
    pub mounted: bool,
    /// Whether the folder exists.
    pub folder: bool,
    /// Its faults.
    pub faults: Faults,
    /// What the faults are drawn from.
    pub random: Random,
    /// The number of faults that each process has met.
    pub struck: BTreeMap<Process, u64>,
    /// Processes that could not read something: what they find proves nothing.
    pub blind: BTreeSet<Process>,
    /// Processes that could not write an announcement.
    mute: BTreeSet<Process>,
    /// What a power loss leaves.
    pub stable: Stable,
    /// The number of power losses.
    pub boots: u64,
    /// Whether the numbers of removed files are used again.
    pub reuses: bool,
    /// Whether keys cannot be locked.
    pub keyless: bool,
    open: BTreeMap<Description, Opened>,
    opened: Description,
    numbers: Number,
}

/// An open file.
#[derive(Clone, Copy, Debug)]
struct Opened {
    number: Number,
    process: Process,
    /// The number of processes that have it: a parent shares it with its child.
    copies: u32,
}

impl Disk {
    /// Returns a disk with an empty folder.
    pub fn new(random: Random) -> Self {
        Self {
            names: Vec::new(),
            files: BTreeMap::new(),
            mounted: false,
            folder: true,
            faults: Faults::default(),
            random,
            struck: BTreeMap::new(),
            blind: BTreeSet::new(),
            mute: BTreeSet::new(),
            stable: Stable::default(),
            boots: 0,
            reuses: true,
            keyless: false,
            open: BTreeMap::new(),
            opened: 0,
            numbers: 1,
        }
    }

    /// Returns the file under `name`.
    pub fn find(&self, name: &str) -> io::Result<Number> {
        let found = self.names.iter().find(|known| known.0 == name);
        found.map(|known| known.1).ok_or(ErrorKind::NotFound.into())
    }

    /// Makes an empty file under `name`, which may get the number of a removed one.
    pub fn make(&mut self, name: &str, now: u64) -> io::Result<Number> {
        if !self.folder {
            return Err(ErrorKind::NotFound.into());
        }
        let number = self.free_number();
        self.stable.make(name, number);
        let file = File { modified: now, links: 1, mode: 0o600, ..File::default() };
        self.files.insert(number, file);
        self.names.push((name.to_owned(), number));
        Ok(number)
    }

    fn free_number(&mut self) -> Number {
        self.numbers += 1;
        let mut free = (2..self.numbers).filter(|number| !self.files.contains_key(number));
        free.next().filter(|_| self.reuses).unwrap_or(self.numbers)
    }

    /// Appends to a file.
    pub fn append(&mut self, number: Number, bytes: &[u8], now: u64) {
        let end = self.file(number).bytes.len();
        self.write_at(number, end, bytes, now);
    }

    /// Writes over the contents of a file from `start` on.
    pub fn write_at(&mut self, number: Number, start: usize, bytes: &[u8], now: u64) {
        let (file, end) = (self.file(number), start + bytes.len());
        file.bytes.resize(file.bytes.len().max(end), 0);
        file.bytes[start..end].copy_from_slice(bytes);
        file.modified = now;
        file.show();
        self.stable.write(number, start, bytes);
    }

    /// Notes whether `process` could write an announcement.
    pub fn note_announced(&mut self, process: Process, written: bool) {
        if written {
            self.mute.remove(&process);
        } else {
            self.mute.insert(process);
        }
    }

    /// Returns whether everything announced can be seen.
    pub fn is_heard(&self) -> bool {
        self.mute.is_empty()
    }

    /// Returns the first bytes of a file as memory that shows whatever is written to it.
    pub fn show(&mut self, number: Number) -> Arc<[AtomicU64]> {
        let file = self.file(number);
        let blank = || (0..PAGE_SIZE / size_of::<u64>()).map(|_| AtomicU64::new(0)).collect();
        let shown = Arc::clone(file.shown.get_or_insert_with(blank));
        file.show();
        shown
    }

    /// Loses the power and gets it back: no file is open, and `fate` decides what is there.
    pub fn lose_power(&mut self, fate: &mut Fate, now: u64) {
        self.boots += 1;
        self.open.clear();
        (self.names, self.files) = (Vec::new(), BTreeMap::new());
        for (name, number, bytes, modified) in self.stable.lose_power(fate) {
            let modified = modified.unwrap_or(now);
            let file = File { bytes, modified, links: 1, mode: 0o600, ..File::default() };
            self.files.insert(number, file);
            self.names.push((name, number));
        }
    }

    /// Removes all files, and the folder if `whole`.
    pub fn sweep_away(&mut self, whole: bool) {
        for (name, _) in self.names.clone() {
            self.unlink(&name).expect("it is there");
        }
        self.folder = !whole;
    }

    /// Opens a file.
    pub fn open(&mut self, number: Number, process: Process) -> Description {
        self.file(number).opened += 1;
        self.opened += 1;
        self.open.insert(self.opened, Opened { number, process, copies: 1 });
        self.opened
    }

    /// Forks a child, which shares all open files of `process`; returns them.
    pub fn fork(&mut self, process: Process) -> Vec<Description> {
        let own = self.open.iter_mut().filter(|(_, opened)| opened.process == process);
        own.map(|(description, opened)| {
            opened.copies += 1;
            *description
        })
        .collect()
    }

    /// Returns whether a parent has this open file, too.
    pub fn is_shared(&self, description: Description) -> bool {
        self.open.get(&description).is_some_and(|opened| opened.copies > 1)
    }

    /// Returns whether an open file has not been closed behind its process's back.
    pub fn is_open(&self, description: Description) -> bool {
        self.open.contains_key(&description)
    }

    /// Closes all descriptors of `process`.
    pub fn close_all(&mut self, process: Process) {
        let own = self.open.iter().filter(|(_, opened)| opened.process == process);
        let own: Vec<Description> = own.map(|(description, _)| *description).collect();
        for description in own {
            self.close(description);
        }
    }

    /// Closes a file and releases its locks.
    pub fn close(&mut self, description: Description) {
        // After a power loss, or if the process closed all descriptors, there is nothing to close.
        let Some(opened) = self.open.get_mut(&description) else { return };
        opened.copies -= 1;
        if opened.copies > 0 {
            return;
        }
        let number = opened.number;
        self.open.remove(&description);
        let file = self.file(number);
        file.opened -= 1;
        file.locks.retain(|lock| lock.holder != description);
        self.sweep(number);
    }

    /// Makes `name` a mount point: a file that holds `bytes`, cannot be removed, and cannot be
    /// replaced by a rename.
    pub fn mount(&mut self, name: &str, bytes: &[u8], now: u64) {
        let number = self.make(name, now).expect("nothing is there yet");
        self.append(number, bytes, now);
        self.mounted = true;
    }

    /// Removes a name.
    pub fn unlink(&mut self, name: &str) -> io::Result<()> {
        let number = self.find(name)?;
        self.names.retain(|known| known.0 != name);
        self.stable.unlink(name);
        self.file(number).links -= 1;
        self.sweep(number);
        Ok(())
    }

    /// Renames the file `from` to `to`.
    pub fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let number = self.find(from)?;
        if let Ok(old) = self.find(to) {
            self.names.retain(|known| known.0 != to);
            self.file(old).links -= 1;
            self.sweep(old);
        }
        self.names.retain(|known| known.0 != from);
        self.stable.rename(from, to, number);
        self.names.push((to.to_owned(), number));
        Ok(())
    }

    /// Returns a file that is open or has a name.
    pub fn file(&mut self, number: Number) -> &mut File {
        self.files.get_mut(&number).expect("it is open or has a name")
    }

    /// Returns what the system says about a file.
    pub fn status(&self, number: Number) -> Status {
        let file = &self.files[&number];
        let size = file.bytes.len() as u64;
        let fingerprint =
            FileFingerprint { device: self.device(), inode: number, size, modified: file.modified };
        Status {
            fingerprint,
            regular: true,
            links: file.links,
            mode: file.mode,
            owner: Some((1, 1)),
        }
    }

    /// Returns the number of the disk, which changes each time the machine starts.
    fn device(&self) -> u64 {
        self.boots + 1
    }

    /// Returns what the system says about the folder.
    pub fn folder_status(&self) -> Status {
        let fingerprint = FileFingerprint { device: self.device(), inode: 1, size: 0, modified: 0 };
        Status { fingerprint, regular: false, links: 2, mode: 0o700, owner: Some((1, 1)) }
    }

    /// Takes a lock for an open file, or changes the one it has; returns whether that was possible.
    pub fn lock(&mut self, number: Number, lock: Lock) -> bool {
        let locks = &mut self.file(number).locks;
        let bars = |other: &Lock| {
            other.part == lock.part && other.holder != lock.holder && (other.alone || lock.alone)
        };
        if locks.iter().any(bars) {
            return false;
        }
        locks.retain(|other| (other.part, other.holder) != (lock.part, lock.holder));
        locks.push(lock);
        true
    }

    /// Releases a lock.
    pub fn unlock(&mut self, number: Number, part: LockPart, holder: Description) {
        let locks = &mut self.file(number).locks;
        locks.retain(|other| (other.part, other.holder) != (part, holder));
    }

    /// Returns the contents of the file under `name`.
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        self.find(name).ok().map(|number| self.files[&number].bytes.clone())
    }

    fn sweep(&mut self, number: Number) {
        let file = &self.files[&number];
        if file.links == 0 && file.opened == 0 {
            self.files.remove(&number);
        }
    }
}

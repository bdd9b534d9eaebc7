//! A disk in memory: one folder, its files, and who has them open and locked.

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
    /// What it holds.
    pub bytes: Vec<u8>,
    /// When it was last written to, in nanoseconds since the epoch.
    pub modified: u64,
    /// How many names it has.
    pub links: u64,
    /// How often it is open.
    pub opened: u64,
    /// Its permission bits.
    pub mode: u32,
    /// Who holds which part of it, and whether alone.
    pub locks: Vec<Lock>,
    /// Its first bytes as those see them who map it.
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
    /// Which part of the file.
    pub part: LockPart,
    /// Who.
    pub holder: Description,
    /// Whether nobody else may hold it.
    pub alone: bool,
}

/// The folder and its files.
#[derive(Debug)]
pub struct Disk {
    /// The names in the folder, in the order of their making.
    pub names: Vec<(String, Number)>,
    /// All files that have a name or are open.
    pub files: BTreeMap<Number, File>,
    /// Whether the cache's file is a mount point.
    pub mounted: bool,
    /// Whether there is a folder.
    pub folder: bool,
    /// Its troubles.
    pub faults: Faults,
    /// What the troubles are drawn from.
    pub random: Random,
    /// How often each process met one.
    pub struck: BTreeMap<Process, u64>,
    /// Who could not read something: what such a process finds is no proof.
    pub blind: BTreeSet<Process>,
    /// Who could not write what it had to announce.
    mute: BTreeSet<Process>,
    /// What a loss of power leaves.
    pub stable: Stable,
    /// How often the power was lost.
    pub boots: u64,
    /// Whether the numbers of files that are gone are used again.
    pub reuses: bool,
    open: BTreeMap<Description, Opened>,
    opened: Description,
    numbers: Number,
}

/// An open file.
#[derive(Clone, Copy, Debug)]
struct Opened {
    number: Number,
    process: Process,
    /// How many processes have it: a parent and its child share it.
    copies: u32,
}

impl Disk {
    /// An empty folder.
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
            open: BTreeMap::new(),
            opened: 0,
            numbers: 1,
        }
    }

    /// The file under `name`.
    pub fn find(&self, name: &str) -> io::Result<Number> {
        let found = self.names.iter().find(|known| known.0 == name);
        found.map(|known| known.1).ok_or(ErrorKind::NotFound.into())
    }

    /// Makes an empty file under `name`. The number of one that is gone is used again.
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

    /// Writes behind the end of a file.
    pub fn append(&mut self, number: Number, bytes: &[u8], now: u64) {
        let end = self.file(number).bytes.len();
        self.write_at(number, end, bytes, now);
    }

    /// Writes over what a file holds from `start` on.
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

    /// Whether all that was announced can be seen.
    pub fn is_heard(&self) -> bool {
        self.mute.is_empty()
    }

    /// The first bytes of a file as memory that shows whatever is written to it.
    pub fn show(&mut self, number: Number) -> Arc<[AtomicU64]> {
        let file = self.file(number);
        let blank = || (0..PAGE_SIZE / size_of::<u64>()).map(|_| AtomicU64::new(0)).collect();
        let shown = Arc::clone(file.shown.get_or_insert_with(blank));
        file.show();
        shown
    }

    /// The power goes and comes back.
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

    /// All files go, and the folder if `whole`.
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

    /// A child is forked, which has all open files of `process`, too; those of the parent.
    pub fn fork(&mut self, process: Process) -> Vec<Description> {
        let own = self.open.iter_mut().filter(|(_, opened)| opened.process == process);
        own.map(|(description, opened)| {
            opened.copies += 1;
            *description
        })
        .collect()
    }

    /// Whether a parent has this open file, too.
    pub fn is_shared(&self, description: Description) -> bool {
        self.open.get(&description).is_some_and(|opened| opened.copies > 1)
    }

    /// Whether an open file has not been closed behind its process's back.
    pub fn is_open(&self, description: Description) -> bool {
        self.open.contains_key(&description)
    }

    /// `process` closes all descriptors.
    pub fn close_all(&mut self, process: Process) {
        let own = self.open.iter().filter(|(_, opened)| opened.process == process);
        let own: Vec<Description> = own.map(|(description, _)| *description).collect();
        for description in own {
            self.close(description);
        }
    }

    /// Closes a file, and gives its locks back.
    pub fn close(&mut self, description: Description) {
        // After a loss of power, or if the process closed all, there is nothing to close.
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

    /// Has `name` be a mount point: a file that holds `bytes`, cannot be removed, and lets nothing
    /// be renamed over it.
    pub fn mount(&mut self, name: &str, bytes: &[u8], now: u64) {
        let number = self.make(name, now).expect("nothing is there yet");
        self.append(number, bytes, now);
        self.mounted = true;
    }

    /// Takes a name away.
    pub fn unlink(&mut self, name: &str) -> io::Result<()> {
        let number = self.find(name)?;
        self.names.retain(|known| known.0 != name);
        self.stable.unlink(name);
        self.file(number).links -= 1;
        self.sweep(number);
        Ok(())
    }

    /// Gives the file `from` the name `to`.
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

    /// An open or named file.
    pub fn file(&mut self, number: Number) -> &mut File {
        self.files.get_mut(&number).expect("it is open or has a name")
    }

    /// What the system says about a file.
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

    /// The number of the disk, which is another one each time that the machine starts.
    fn device(&self) -> u64 {
        self.boots + 1
    }

    /// What the system says about the folder.
    pub fn folder_status(&self) -> Status {
        let fingerprint = FileFingerprint { device: self.device(), inode: 1, size: 0, modified: 0 };
        Status { fingerprint, regular: false, links: 2, mode: 0o700, owner: Some((1, 1)) }
    }

    /// Takes a lock of an open file, or changes the one that it has; whether that could be.
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

    /// Gives a lock back.
    pub fn unlock(&mut self, number: Number, part: LockPart, holder: Description) {
        let locks = &mut self.file(number).locks;
        locks.retain(|other| (other.part, other.holder) != (part, holder));
    }

    /// What stands under `name`.
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

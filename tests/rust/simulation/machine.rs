//! A machine: a disk, a scheduler, and the view that each process has of both.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use outlive::store::fs::{Fs, Glance, Handle, LockHandle, Status, lost};

use super::disk::{Description, Disk, Number};
use super::fault::Effect;
use super::lock::OpenLock;
use super::power::{Fate, Stable};
use super::scheduler::{Process, Scheduler};

/// The folder of the simulated files.
pub const FOLDER: &str = "/simulated";
/// The cache's file.
pub const SNAPSHOT: &str = "c.json";

/// The disk, and the scheduler of those who run on it.
#[derive(Debug)]
pub struct Machine {
    disk: Mutex<Disk>,
    /// The operation before which the power is lost, counted from now; 0: none.
    pub cut: AtomicU64,
    /// Decides what reaches the disk then.
    pub fate: Mutex<Fate>,
    /// What was certain, and what was not, when the power was lost there.
    pub before_cut: Mutex<Option<Stable>>,
    /// Steps the threads.
    pub scheduler: Arc<Scheduler>,
}

impl Machine {
    /// Returns a machine with this disk.
    pub fn new(disk: Disk, fate: Fate, scheduler: Arc<Scheduler>) -> Arc<Self> {
        let (disk, cut, fate) = (Mutex::new(disk), AtomicU64::new(0), Mutex::new(fate));
        Arc::new(Self { disk, cut, fate, before_cut: Mutex::default(), scheduler })
    }

    /// Counts an operation, before which the power may be lost.
    fn count_down(&self) {
        let left = self.cut.load(Ordering::Relaxed);
        self.cut.store(left.saturating_sub(1), Ordering::Relaxed);
        if left == 1 {
            let stable = self.disk().stable.clone();
            *self.before_cut.lock().unwrap_or_else(PoisonError::into_inner) = Some(stable);
            self.lose_power();
        }
    }

    /// Fails the history: a process does with a file what it must not.
    pub fn abused(&self, how: &str) {
        self.scheduler.fail(format!("FORK: {how}"));
    }

    /// Loses the power and gets it back: all processes end except for the first, which directs.
    pub fn lose_power(&self) {
        self.scheduler.note(|| "THE POWER GOES".to_owned());
        self.scheduler.kill_all_but(0);
        let mut fate = self.fate.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.now();
        self.disk().lose_power(&mut fate, now);
    }

    /// Returns the disk, for what no process does.
    pub fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the time as the disk records it.
    pub fn now(&self) -> u64 {
        u64::try_from(self.scheduler.time_of_day().as_nanos()).unwrap_or_default()
    }
}

/// The file system as one process sees it.
#[derive(Clone, Debug)]
pub struct View {
    /// The machine.
    pub machine: Arc<Machine>,
    /// The process.
    pub process: Process,
}

/// An open file of a process.
#[derive(Debug)]
struct Open {
    view: View,
    name: String,
    number: Number,
    description: Description,
    position: Mutex<u64>,
}

impl View {
    /// Steps, then does `act` with the disk, unless the process is dead or the disk has a fault.
    pub fn act<T>(
        &self,
        what: &str,
        name: &str,
        effect: Effect,
        act: impl FnOnce(&mut Disk, u64) -> io::Result<T>,
    ) -> io::Result<T> {
        let machine = &*self.machine;
        machine.scheduler.step();
        machine.count_down();
        self.alive()?;
        let now = machine.now();
        let mut disk = machine.disk();
        let result = match self.trouble(&mut disk, effect) {
            Some(error) => Err(error),
            None => act(&mut disk, now),
        };
        drop(disk);
        self.note(what, name, result.as_ref().err());
        result
    }

    fn note(&self, what: &str, name: &str, error: Option<&io::Error>) {
        self.machine.scheduler.note(|| match error {
            Some(error) => format!("{what} {name}: {error}"),
            None => format!("{what} {name}"),
        });
    }

    /// Fails if the process is dead: nothing that it does reaches the disk.
    pub fn alive(&self) -> io::Result<()> {
        let dead = self.machine.scheduler.is_killed(self.process);
        if dead { Err(io::Error::other("its process is dead")) } else { Ok(()) }
    }

    fn trouble(&self, disk: &mut Disk, effect: Effect) -> Option<io::Error> {
        let Disk { faults, random, struck, blind, .. } = disk;
        let error = faults.strike(effect, random);
        if error.is_some() {
            *struck.entry(self.process).or_default() += 1;
        }
        if error.is_some() && effect == Effect::Look {
            blind.insert(self.process);
        }
        error
    }

    fn open(&self, name: &str, number: Number, disk: &mut Disk) -> Box<dyn Handle> {
        let description = disk.open(number, self.process);
        let (view, name, position) = (self.clone(), name.to_owned(), Mutex::new(0));
        Box::new(Open { view, name, number, description, position })
    }
}

/// Returns the name of `path` in the folder.
pub fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

impl Fs for View {
    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(path.to_path_buf())
    }

    fn status(&self, path: &Path) -> io::Result<Status> {
        let name = name(path);
        self.act("status", &name, Effect::Look, |disk, _| {
            if path == Path::new(FOLDER) && disk.folder {
                return Ok(Status { regular: false, ..disk.folder_status() });
            }
            disk.find(&name).map(|number| disk.status(number))
        })
    }

    fn list(&self, _: &Path) -> io::Result<Vec<OsString>> {
        self.act("list", "", Effect::Look, |disk, _| {
            if !disk.folder {
                return Err(ErrorKind::NotFound.into());
            }
            Ok(disk.names.iter().map(|(name, _)| name.into()).collect())
        })
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let name = name(path);
        self.act("open", &name, Effect::Look, |disk, _| {
            let number = disk.find(&name)?;
            Ok(self.open(&name, number, disk))
        })
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let name = name(path);
        self.act("open to append", &name, Effect::Look, |disk, _| {
            let number = disk.find(&name)?;
            Ok(self.open(&name, number, disk))
        })
    }

    fn open_emptied(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let name = name(path);
        self.act("empty", &name, Effect::Write, |disk, now| {
            let number = disk.find(&name)?;
            let file = disk.file(number);
            file.bytes.clear();
            file.modified = now;
            Ok(self.open(&name, number, disk))
        })
    }

    fn create_new(&self, path: &Path, _: Option<&Status>) -> io::Result<Box<dyn Handle>> {
        let name = name(path);
        self.act("create", &name, Effect::Write, |disk, now| {
            if disk.find(&name).is_ok() {
                return Err(ErrorKind::AlreadyExists.into());
            }
            let number = disk.make(&name, now)?;
            Ok(self.open(&name, number, disk))
        })
    }

    fn open_lock(&self, path: &Path, _: Option<&Status>) -> io::Result<Box<dyn LockHandle>> {
        let name = name(path);
        self.act("open to lock", &name, Effect::Write, |disk, now| {
            let number = disk.find(&name).or_else(|_| disk.make(&name, now))?;
            let (description, boot) = (disk.open(number, self.process), disk.boots);
            Ok(Box::new(OpenLock { view: self.clone(), number, description, boot }) as _)
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (from, to) = (name(from), name(to));
        self.act("rename", &format!("{from} to {to}"), Effect::Name, |disk, _| {
            if disk.mounted && to == SNAPSHOT {
                return Err(ErrorKind::ResourceBusy.into());
            }
            disk.rename(&from, &to)
        })
    }

    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (from, to) = (name(from), name(to));
        self.act("copy", &format!("{from} to {to}"), Effect::Write, |disk, now| {
            let bytes = disk.read(&from).ok_or(ErrorKind::NotFound)?;
            if disk.find(&to).is_ok() {
                return Err(ErrorKind::AlreadyExists.into());
            }
            let number = disk.make(&to, now)?;
            disk.append(number, &bytes, now);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let name = name(path);
        self.act("remove", &name, Effect::Name, |disk, _| {
            if disk.mounted && name == SNAPSHOT {
                return Err(ErrorKind::ResourceBusy.into());
            }
            disk.unlink(&name)
        })
    }

    fn user(&self) -> Option<u32> {
        Some(1)
    }
    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        self.act("sync folder", "", Effect::Sync, |disk, _| {
            disk.stable.sync_names();
            Ok(())
        })
    }
}

impl Open {
    fn act<T>(
        &self,
        what: &str,
        effect: Effect,
        act: impl FnOnce(&mut Disk, u64) -> io::Result<T>,
    ) -> io::Result<T> {
        self.view.act(what, &self.name, effect, |disk, now| {
            if disk.is_open(self.description) { act(disk, now) } else { Err(lost()) }
        })
    }

    fn position(&self) -> MutexGuard<'_, u64> {
        self.position.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handle for Open {
    fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        self.act("append to", Effect::Write, |disk, now| {
            let half = disk.faults.full;
            let taken = if half { disk.random.below(bytes.len()) } else { bytes.len() };
            if half {
                *disk.struck.entry(self.view.process).or_default() += 1;
            }
            if disk.is_shared(self.description) {
                self.view.machine.abused("a child writes through its parent's descriptor");
            }
            disk.append(self.number, &bytes[..taken], now);
            *self.position() = disk.status(self.number).fingerprint.size;
            Ok(taken)
        })
    }

    fn position(&self) -> io::Result<u64> {
        Ok(*self.position())
    }

    fn glance(&self) -> io::Result<Glance> {
        self.act("glance at", Effect::Look, |disk, _| {
            let status = disk.status(self.number);
            Ok(Glance { size: status.fingerprint.size, links: status.links })
        })
    }

    fn read(&self, start: u64, end: u64) -> io::Result<Vec<u8>> {
        self.act("read", Effect::Look, |disk, _| {
            let bytes = &disk.file(self.number).bytes;
            let within = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
            Ok(bytes[within(start)..within(end).max(within(start))].to_vec())
        })
    }

    fn read_piece(&self, start: u64, into: &mut [u8]) -> io::Result<usize> {
        let bytes = self.read(start, start + into.len() as u64)?;
        into[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }

    fn status(&self) -> io::Result<Status> {
        self.act("fstat", Effect::Look, |disk, _| Ok(disk.status(self.number)))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.act("sync", Effect::Sync, |disk, _| {
            disk.stable.sync(self.number, &disk.files[&self.number].bytes);
            Ok(())
        })
    }

    fn sync_all(&self) -> io::Result<()> {
        self.act("sync all of", Effect::Sync, |disk, _| {
            let file = &disk.files[&self.number];
            disk.stable.sync(self.number, &file.bytes);
            disk.stable.sync_time(self.number, file.modified);
            Ok(())
        })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.view.machine.disk().close(self.description);
    }
}

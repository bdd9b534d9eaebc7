//! The folder of a cache file: what lies in it, and what is told of it.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::chain::{Chain, Generation};
use super::notices::Notices;
use super::paths::{Paths, Sibling};
use super::trust;
use crate::error::{Error, Result};
use crate::store::fs::{FileFingerprint, Fs, Handle, Status};
use crate::store::journal::Journal;
use crate::sync::{Arc, Mutex, rank};
use crate::value::write::Charset;

/// How often the folder is read while others save; more often, and it is no save that disturbs.
const LOOKS: u32 = 1000;

/// The files of one cache.
#[derive(Debug)]
pub struct Folder {
    /// The disk it is on.
    pub fs: Arc<dyn Fs>,
    path: PathBuf,
    paths: OnceLock<Paths>,
    /// What the texts of its journals hold.
    pub charset: Charset,
    /// The numbers of other programs' files that are named as journals are.
    strangers: Mutex<BTreeSet<u64>, { rank::LEAF }>,
    /// What the user is to be told of it.
    pub notices: Mutex<Notices, { rank::NOTICES }>,
}

impl Folder {
    /// The folder of the file `path`. Does no I/O.
    pub fn new(fs: Arc<dyn Fs>, path: PathBuf, charset: Charset) -> Self {
        let (strangers, notices) = (Mutex::default(), Mutex::default());
        Self { fs, path, paths: OnceLock::new(), charset, strangers, notices }
    }

    /// The same for the child of a fork; `notices` of the parent's are told.
    pub fn for_child(&self, notices: Notices) -> Self {
        let new = Self::new(Arc::clone(&self.fs), self.path.clone(), self.charset);
        *new.notices.lock() = notices;
        new
    }

    /// Where everything is; symbolic links are looked through at the first call.
    pub fn paths(&self) -> &Paths {
        self.paths.get_or_init(|| {
            let resolved = self.fs.resolve(&self.path);
            Paths::new(resolved.unwrap_or_else(|_| self.path.clone()))
        })
    }

    /// The state of the snapshot; `None` if there is none.
    pub fn fingerprint(&self) -> Option<FileFingerprint> {
        self.like().map(|status| status.fingerprint)
    }

    /// What new files take their mode and owner from.
    pub fn like(&self) -> Option<Status> {
        self.fs.status(&self.paths().snapshot).ok()
    }

    /// The state of the snapshot; `None` if it is not there, for certain.
    pub fn snapshot(&self) -> io::Result<Option<FileFingerprint>> {
        match self.fs.status(&self.paths().snapshot) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            status => status.map(|status| Some(status.fingerprint)),
        }
    }

    /// Whether the snapshot's mode lets nobody write. A rename would get around it, but is not meant.
    pub fn is_write_protected(&self) -> bool {
        self.like().is_some_and(|status| status.mode != 0 && status.mode & 0o222 == 0)
    }

    /// Another process is about to be done with what it does to the files.
    pub fn busy(&self) -> Error {
        self.journal_error("write the journal of")(ErrorKind::WouldBlock.into())
    }

    /// Another process has been in the way for too long.
    pub fn stuck(&self) -> Error {
        let why = "another process, which seems to be stopped, keeps its lock file";
        self.journal_error("write the journal of")(io::Error::new(ErrorKind::TimedOut, why))
    }

    /// An error about the journals of this file.
    pub fn journal_error(&self, doing: &'static str) -> impl Fn(io::Error) -> Error {
        move |source| Error::Io { doing, path: self.paths().snapshot.clone(), source }
    }

    /// The generations in the folder, in order.
    pub fn generations(&self) -> io::Result<Vec<u64>> {
        let names = match self.fs.list(&self.paths().folder) {
            Err(error) if is_absent(&error) => Vec::new(),
            names => names?,
        };
        let siblings = names.iter().filter_map(|name| self.paths().sibling(name));
        let mut generations: Vec<u64> = siblings
            .filter_map(|sibling| match sibling {
                Sibling::Journal(generation) => Some(generation),
                Sibling::Temporary | Sibling::Damaged => None,
            })
            .collect();
        generations.sort_unstable();
        Ok(generations)
    }

    /// Opens a generation that is there.
    pub fn open_generation(&self, generation: u64) -> io::Result<Journal> {
        let path = self.paths().journal(generation);
        let handle = self.fs.open_append(&path);
        let (handle, writable) = match handle {
            // What may not be written can be read all the same.
            Err(error) if is_denied(&error) => (self.fs.open_read(&path)?, false),
            handle => (handle?, true),
        };
        trust::check(&handle.status()?, self.like().as_ref(), self.fs.user())?;
        Journal::new(handle, path, generation, self.charset, writable)
    }

    /// Makes a generation; one that is there already, left by a save that failed, will do.
    pub fn make_generation(&self, generation: u64) -> io::Result<Journal> {
        let path = self.paths().journal(generation);
        match self.fs.create_new(&path, self.journal_like().as_ref()) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                self.open_generation(generation)
            }
            handle => Journal::new(handle?, path, generation, self.charset, true),
        }
    }

    /// What journals and locks take their mode from: the snapshot's, without the right to run it.
    pub fn journal_like(&self) -> Option<Status> {
        self.like().map(|status| Status { mode: status.mode & 0o666 | 0o600, ..status })
    }

    /// Opens and reads all generations. If one disappears meanwhile, a save took it: look again. So
    /// it is if one was read before its last records came, and the next one when it was in use.
    pub fn open_chain(&self) -> io::Result<Chain> {
        let mut left = LOOKS;
        loop {
            left -= 1;
            let numbers = self.generations()?;
            let opened = numbers.iter().filter_map(|&number| self.read_generation(number));
            match opened.collect::<io::Result<Vec<Generation>>>() {
                Err(error) if error.kind() == ErrorKind::NotFound && left > 0 => {}
                Ok(read) if left > 0 && is_passed_too_early(&read) => {}
                generations => return Ok(Chain::new(numbers, generations?)),
            }
        }
    }

    /// Opens one generation and reads it; `None` if it is not ours to read.
    fn read_generation(&self, number: u64) -> Option<io::Result<Generation>> {
        match self.open_generation(number).and_then(Generation::read) {
            Err(error) if trust::is_stranger(&error) => {
                self.strangers.lock().insert(number);
                self.tell_stranger(&self.paths().journal(number), &error);
                None
            }
            read => Some(read),
        }
    }

    /// Removes the generations up to `last`, oldest first. The first that stays ends it: behind it
    /// must stay what says that it counts no more.
    pub fn remove_generations(&self, last: u64) -> io::Result<()> {
        let strangers = self.strangers.lock().clone();
        let counts = |number: &u64| *number <= last && !strangers.contains(number);
        for generation in self.generations()?.into_iter().filter(counts) {
            self.remove(&self.paths().journal(generation))?;
        }
        Ok(())
    }

    /// Removes a file, or finds it gone.
    pub fn remove(&self, path: &Path) -> io::Result<()> {
        match self.fs.remove(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    /// Removes what saves of dead processes left behind. IMPORTANT: under the checkpoint lock.
    pub fn remove_temporary(&self) {
        for name in self.fs.list(&self.paths().folder).unwrap_or_default() {
            if self.paths().sibling(&name) == Some(Sibling::Temporary) {
                // What cannot be removed does no harm.
                drop(self.fs.remove(&self.paths().folder.join(name)));
            }
        }
    }

    /// Reads a file of which nobody changes anything.
    pub fn contents(&self, path: &Path) -> io::Result<(u64, Box<dyn Handle>)> {
        let file = self.fs.open_read(path)?;
        Ok((file.status()?.fingerprint.size, file))
    }

    /// Whether the file at `path` holds what the snapshot does.
    pub fn holds_snapshot(&self, path: &Path) -> bool {
        let both =
            self.contents(&self.paths().snapshot).and_then(|it| Ok((it, self.contents(path)?)));
        let Ok(((size, one), (other_size, other))) = both else { return false };
        let bytes = || Some((one.read(0, size).ok()?, other.read(0, size).ok()?));
        size == other_size && bytes().is_some_and(|(one, other)| one == other)
    }

    /// Makes the names in the folder survive a loss of power.
    pub fn sync(&self) -> Result<()> {
        let path = &self.paths().folder;
        let wrong = |source| Error::Io { doing: "sync", path: path.clone(), source };
        self.fs.sync_folder(path).map_err(wrong)
    }
}

/// Whether a generation would be taken for ended, as the next one is in use, that has grown since.
fn is_passed_too_early(generations: &[Generation]) -> bool {
    let mut pairs = generations.windows(2);
    pairs.any(|pair| pair[1].journal.bytes() > 0 && pair[0].has_grown())
}

fn is_denied(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
}

/// Whether there is no folder to look into.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

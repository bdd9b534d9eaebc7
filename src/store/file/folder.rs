//! The folder of a cache file: the files in it, and the notices about them.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::notices::Notices;
use super::paths::{Paths, Sibling};
use crate::error::{Error, Result};
use crate::store::fs::{FileFingerprint, Fs, Handle, Status};
use crate::sync::{Arc, Mutex, rank};
use crate::value::write::Charset;

/// The files of one cache.
#[derive(Debug)]
pub struct Folder {
    /// The disk that holds it.
    pub fs: Arc<dyn Fs>,
    path: PathBuf,
    paths: OnceLock<Paths>,
    /// The character set of its journals' texts.
    pub charset: Charset,
    /// Notices for the user.
    pub notices: Mutex<Notices, { rank::NOTICES }>,
}

impl Folder {
    /// The folder of the file `path`. Does no I/O.
    pub fn new(fs: Arc<dyn Fs>, path: PathBuf, charset: Charset) -> Self {
        Self { fs, path, paths: OnceLock::new(), charset, notices: Mutex::default() }
    }

    /// The folder for the child of a fork, with its own `notices`.
    pub fn for_child(&self, notices: Notices) -> Self {
        let new = Self::new(Arc::clone(&self.fs), self.path.clone(), self.charset);
        *new.notices.lock() = notices;
        new
    }

    /// Returns the paths of all files; symbolic links are resolved at the first call.
    pub fn paths(&self) -> &Paths {
        self.paths.get_or_init(|| {
            let resolved = self.fs.resolve(&self.path);
            Paths::new(resolved.unwrap_or_else(|_| self.path.clone()))
        })
    }

    /// Makes the folder if there is none; a failure becomes a notice.
    pub fn make(&self) {
        let path = &self.paths().folder;
        let wrong = |source| Error::Io { doing: "make the folder", path: path.clone(), source };
        if let Err(error) = self.fs.make_folder(path) {
            self.tell_no_folder(&wrong(error));
        }
    }

    /// Returns the state of the snapshot; `None` if there is none.
    pub fn fingerprint(&self) -> Option<FileFingerprint> {
        self.like().map(|status| status.fingerprint)
    }

    /// Returns the status from which new files take their mode and owner.
    pub fn like(&self) -> Option<Status> {
        self.fs.status(&self.paths().snapshot).ok()
    }

    /// Returns the state of the snapshot; `None` if it is certain that there is none.
    pub fn snapshot(&self) -> io::Result<Option<FileFingerprint>> {
        match self.fs.status(&self.paths().snapshot) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            status => status.map(|status| Some(status.fingerprint)),
        }
    }

    /// Returns whether the snapshot's mode lets nobody write. A rename would get around that,
    /// against its owner's intention.
    pub fn is_write_protected(&self) -> bool {
        self.like().is_some_and(|status| status.mode != 0 && status.mode & 0o222 == 0)
    }

    /// The error while another process is at work on the files for a moment.
    pub fn busy(&self) -> Error {
        self.journal_error("write the journal of")(ErrorKind::WouldBlock.into())
    }

    /// The error when another process has been in the way for too long.
    pub fn stuck(&self) -> Error {
        let why = "another process, which seems to be stopped, keeps its lock file";
        self.journal_error("write the journal of")(io::Error::new(ErrorKind::TimedOut, why))
    }

    /// Returns a function that makes an error about the journals of this file.
    pub fn journal_error(&self, doing: &'static str) -> impl Fn(io::Error) -> Error {
        move |source| Error::Io { doing, path: self.paths().snapshot.clone(), source }
    }

    /// Returns the status from which journals and locks take their mode: the snapshot's, without
    /// the right to execute.
    pub fn journal_like(&self) -> Option<Status> {
        self.like().map(|status| Status { mode: status.mode & 0o666 | 0o600, ..status })
    }

    /// Removes a file; a missing file is no error.
    pub fn remove(&self, path: &Path) -> io::Result<()> {
        match self.fs.remove(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    /// Returns the names in the folder, those of our own files as we spell them: a file system may
    /// list a name in another case than we use, or take its accents apart (HFS+ does).
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let names = self.fs.list(&self.paths().folder)?;
        Ok(names.into_iter().map(|name| self.own_spelling(name)).collect())
    }

    fn own_spelling(&self, name: OsString) -> OsString {
        let is_there = |ours: &OsString| self.fs.status(&self.paths().folder.join(ours)).is_ok();
        self.paths().respelled(&name).filter(is_there).unwrap_or(name)
    }

    /// Removes temporary files that saves of dead processes left. IMPORTANT: under the checkpoint
    /// lock.
    pub fn remove_temporary(&self) {
        for name in self.names().unwrap_or_default() {
            if self.paths().sibling(&name) == Some(Sibling::Temporary) {
                // A file that cannot be removed does no harm.
                drop(self.fs.remove(&self.paths().folder.join(name)));
            }
        }
    }

    /// Reads a file that nobody changes.
    pub fn contents(&self, path: &Path) -> io::Result<(u64, Box<dyn Handle>)> {
        let file = self.fs.open_read(path)?;
        Ok((file.status()?.fingerprint.size, file))
    }

    /// Returns whether the file at `path` has the contents of the snapshot.
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

//! A cache in a file: a snapshot that everybody can read, and a journal that nothing is lost from.
//!
//! # The life of the files
//! * `NAME.json`, the **snapshot**: only ever replaced as a whole, by a rename.
//! * `NAME.json.journal-<generation>`: all changes since (see [`super::journal`]). Whoever has
//!   something to write appends to the lowest generation that is not sealed; if there is none, a
//!   new chain is begun under the fold lock.
//! * `NAME.json.lock`: there while processes write. Each holds a shared lock on it (*presence*)
//!   from its first append or key lock to its close (see [`super::lock`]). Readers never make a file.
//! * `NAME.json.tmp-<unique>`: a snapshot being written, under the fold lock, so that any other
//!   such file is a dead process's.
//!
//! **Saving** (the fold): take the fold lock; make generation n+1; seal n, so that everybody goes
//! on in n+1; write all entries to a temporary file and sync it; note its fingerprint in n+1; rename;
//! sync the folder; remove the generations up to n. Whatever step is the last one that happens,
//! snapshot and journals together hold everything: replaying a journal over a snapshot that has it
//! already changes nothing.
//!
//! **Closing**: under the fold lock each process asks whether it is alone. If not, it just leaves.
//! If it is, it keeps others out, saves, seals the last generation and removes all but the
//! snapshot. Whoever had one of these files open finds the seal and looks again.
//!
//! **Somebody else's hand** (an editor, a program that rewrites the file in place): the fingerprint of
//! the snapshot is not the one we know; before a save overwrites it, it is read and handed to the
//! cache together with the journals. A removed snapshot is an empty one: only what the journals say
//! still counts.
//!
//! Without locks (some network file systems) the file may be used by one process at a time; a
//! notice says so. Over NFS with locks processes on several machines work together as far as the
//! server keeps appends whole, which NFS does not promise: there a damaged record is possible, and
//! is dropped like any other.

mod append;
mod chain;
mod close;
mod fold;
mod names;
mod notice;
mod snapshot;
mod state;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use self::names::Names;
use self::notice::Notices;
use self::state::State;
use super::fs::{Disk, Fs, Taken};
use super::lock::{CheckpointGuard, LockFile, Map};
use super::{Change, Format, KeyLock, Loaded, News, Saving, Store};
use crate::error::{Error, Result};
use crate::stepping;
use crate::sync::{Arc, Mutex, rank};
use crate::value::write::Charset;

/// How long to wait before another look at files that another process is clearing up.
const A_MOMENT: Duration = Duration::from_millis(1);

/// What an appended change survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// After `append` returns, the change is safe from the end of the process, however it comes.
    #[default]
    Flush,
    /// After `append` returns, the change is safe from a loss of power too (milliseconds each).
    Fsync,
}

/// How a file store behaves.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What the snapshot may hold; texts appended as sound hold nothing else.
    pub charset: Charset,
    /// How a file is laid out that is not there yet.
    pub format: Format,
    /// What an appended change survives.
    pub durability: Durability,
    /// Whether the file is only read: nothing in its folder is made or changed.
    pub read_only: bool,
    /// How to get memory that other processes see.
    pub map: Option<Map>,
}

/// The store of a cache in a JSON file.
#[derive(Debug)]
pub struct FileStore {
    first: Arc<Inner>,
}

/// The store as one process uses it; the child of a fork goes on with another one.
#[derive(Debug)]
struct Inner {
    fs: Arc<dyn Fs>,
    path: PathBuf,
    options: Options,
    names: OnceLock<Names>,
    state: Mutex<State, { rank::FILE }>,
    /// Apart from `state`, as it is held for moments only: a fork must find it free to close it.
    lock: Mutex<Option<Arc<LockFile>>, { rank::LOCK_FILE }>,
    /// The fold lock while this process has it: not on the stack of the thread that saves, where
    /// the child of a fork could not close it.
    fold: Mutex<Option<CheckpointGuard>, { rank::FOLD }>,
    notices: Mutex<Notices, { rank::NOTICES }>,
    /// Whether nothing is to be made in the folder on account of what is read.
    only_reads: AtomicBool,
    /// What the child of a fork uses instead: nothing here is waited for or unlocked again.
    heir: OnceLock<Arc<Inner>>,
}

impl FileStore {
    /// A store in the file `path`, taken from the working directory of this moment. Does no I/O.
    pub fn new(path: PathBuf, options: Options) -> Self {
        Self::with_fs(path, options, Arc::new(Disk))
    }

    /// The same on another file system, for tests.
    pub fn with_fs(path: PathBuf, options: Options, fs: Arc<dyn Fs>) -> Self {
        let path = std::path::absolute(&path).unwrap_or(path);
        Self { first: Arc::new(Inner::new(path, options, fs)) }
    }

    /// The store of this process.
    fn inner(&self) -> &Arc<Inner> {
        let mut inner = &self.first;
        while let Some(heir) = inner.heir.get() {
            inner = heir;
        }
        inner
    }
}

impl Store for FileStore {
    fn only_reads(&self, only: bool) {
        self.inner().only_reads.store(only, Ordering::Relaxed);
    }

    fn load(&self) -> Loaded {
        let inner = self.inner();
        inner.load(&mut inner.state.lock())
    }

    fn news(&self) -> Vec<News> {
        let inner = self.inner();
        let mut state = inner.state.lock();
        if !state.is_quiet() {
            inner.catch_up_or_tell(&mut state);
        }
        std::mem::take(&mut state.pending)
    }

    fn append(&self, change: &Change) -> Result<()> {
        self.inner().append(change)
    }

    fn lock_key(&self, key: &[u8]) -> KeyLock {
        self.inner().lock_key(key)
    }

    fn begin_save(&self) -> Result<Option<Box<dyn Saving>>> {
        self.inner().begin_save()
    }

    fn begin_close(&self) -> Result<Option<Box<dyn Saving>>> {
        self.inner().begin_close()
    }

    fn wants_save(&self) -> bool {
        self.inner().state.lock().has_outgrown()
    }

    fn set_aside(&self, why: &str) {
        self.inner().set_aside(why);
    }

    fn close(&self) {
        self.inner().close();
    }

    fn is_closed(&self) -> bool {
        self.inner().state.lock().is_closed()
    }

    fn notices(&self) -> Vec<String> {
        self.inner().notices.lock().take()
    }

    fn after_fork(&self) {
        self.inner().leave_to_heir();
    }
}

impl Inner {
    fn new(path: PathBuf, options: Options, fs: Arc<dyn Fs>) -> Self {
        Self {
            only_reads: AtomicBool::new(options.read_only),
            fs,
            path,
            options,
            names: OnceLock::new(),
            state: Mutex::default(),
            lock: Mutex::default(),
            fold: Mutex::default(),
            notices: Mutex::default(),
            heir: OnceLock::new(),
        }
    }

    /// Where everything is; symbolic links are looked through at the first call.
    fn names(&self) -> &Names {
        self.names.get_or_init(|| {
            let resolved = self.fs.resolve(&self.path);
            Names::new(resolved.unwrap_or_else(|_| self.path.clone()))
        })
    }

    /// An error of the system about the file `path`.
    fn error(doing: &'static str, path: &std::path::Path, source: std::io::Error) -> Error {
        Error::Io { doing, path: path.to_path_buf(), source }
    }

    /// Joins the processes that write, if this one has not yet; waits while the last of them clears
    /// up.
    fn presence(&self) -> Result<Arc<LockFile>> {
        loop {
            if let Some(lock) = self.try_presence()? {
                return Ok(lock);
            }
            stepping::sleep(A_MOMENT);
        }
    }

    /// The same without waiting. A lock file that the program closed is opened again.
    fn try_presence(&self) -> Result<Option<Arc<LockFile>>> {
        let mut lock = self.lock.lock();
        if let Some(lock) = lock.as_ref().filter(|lock| lock.is_ours()) {
            return Ok(Some(Arc::clone(lock)));
        }
        let path = &self.names().lock;
        let joined = LockFile::join(&*self.fs, path);
        let Some(joined) =
            joined.map_err(|error| Self::error("make the lock file", path, error))?
        else {
            return Ok(None);
        };
        if !joined.supported {
            self.tell_no_locks();
        }
        Ok(Some(Arc::clone(lock.insert(Arc::new(joined)))))
    }

    fn lock_key(&self, key: &[u8]) -> KeyLock {
        if self.options.read_only || self.state.lock().broken.is_some() {
            return KeyLock::Unsupported;
        }
        let lock = match self.presence() {
            Ok(lock) => lock,
            Err(error) => {
                self.tell_unwritable(&error);
                return KeyLock::Unsupported;
            }
        };
        match lock.take_key(key) {
            Ok((Taken::Yes, Some(guard))) => KeyLock::Held(guard),
            Ok((Taken::Busy, _)) => KeyLock::Busy,
            Ok(_) | Err(_) => KeyLock::Unsupported,
        }
    }

    /// In the child of a fork. Locks that another thread of the parent held at that moment are
    /// held for ever here: they are tried, never waited for.
    fn leave_to_heir(&self) {
        let heir = Self::new(self.path.clone(), self.options, Arc::clone(&self.fs));
        if let Some(lock) = self.lock.try_lock().and_then(|mut lock| lock.take()) {
            lock.forget();
        }
        if let Some(fold) = self.fold.try_lock().and_then(|mut fold| fold.take()) {
            fold.forget();
        }
        let notices = self.notices.try_lock().map(|notices| notices.child());
        *heir.notices.lock() = notices.unwrap_or_default();
        heir.only_reads.store(self.only_reads.load(Ordering::Relaxed), Ordering::Relaxed);
        let state = self.state.try_lock().map(|mut state| state.child(&*self.fs));
        *heir.state.lock() = state.unwrap_or_else(|| State { lost: true, ..State::default() });
        // A second call on the same store finds the heir in place and changes nothing.
        drop(self.heir.set(Arc::new(heir)));
    }
}

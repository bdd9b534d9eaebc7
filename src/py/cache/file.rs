//! The state that all `Cache` objects on one file share: its entries, and how they are written.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::PyCache;
use super::bringing::Bringing;
use super::distant::DistantPlace;
use super::errands::Errands;
use super::notifier::Notifier;
use super::{deferred, registry, saving};
use crate::cache::Cache;
use crate::py::value::callbacks;
use crate::py::value::key_interner::InternerPool;
use crate::store::{Durability, FileStore, Format, MemoryStore, Options, Store};
#[cfg(feature = "sqlite")]
use crate::store::{SqliteOptions, SqliteStore};
use crate::value::write::Charset;

/// One file, or one cache in memory.
#[pyclass(frozen, weakref, name = "CacheFile", module = "outlive._core")]
pub struct CacheFile {
    pub(super) cache: Arc<PyCache>,
    pub(in crate::py) charset: Charset,
    pub(in crate::py) path: Option<PathBuf>,
    /// Whether it is an SQLite database.
    #[pyo3(get)]
    pub(super) is_database: bool,
    /// Whether it is on a server, of which `path` is the URL.
    #[pyo3(get)]
    pub(super) is_server: bool,
    /// The way to its place, if that is a mapping of the user's.
    pub(super) distant: Option<DistantPlace>,
    /// The threads that do what would keep an event loop waiting.
    pub(in crate::py) errands: Errands,
    near: Mutex<Option<u64>>,
    /// Whether who finds that the store cannot be used fails.
    raises: AtomicBool,
    /// Whether every result is synced to the disk.
    #[pyo3(get)]
    pub(super) fsync: bool,
    /// `outlive._modes.current`, called only while the mode is overridden somewhere.
    pub(super) overridden: Py<PyAny>,
    /// Issues the warnings about the file.
    pub(in crate::py) notifier: Notifier,
    pub(super) names: InternerPool,
    /// Whether every use must be seen, to know the order of use.
    pub(super) bounded: Arc<AtomicBool>,
    /// How many objects may write to the file.
    writers: AtomicUsize,
    /// The first function whose results have keys that do not name it, and whether there is
    /// another.
    sharing: (OnceLock<u32>, AtomicBool),
    /// The files from which missing entries were borrowed.
    borrowed: Mutex<Vec<PathBuf>>,
}

#[pymethods]
impl CacheFile {
    #[new]
    #[pyo3(signature = (path, *, ascii, fsync, page_size, carrier, overridden, warn, server=None))]
    #[expect(clippy::too_many_arguments, reason = "Python gives them by name, each in one place")]
    fn new(
        mut path: Option<PathBuf>,
        ascii: bool,
        fsync: bool,
        page_size: Option<u32>,
        carrier: Option<Py<PyAny>>,
        overridden: Py<PyAny>,
        warn: Py<PyAny>,
        server: Option<&str>,
    ) -> PyResult<Self> {
        let charset = if ascii { Charset::Ascii } else { Charset::Utf8 };
        super::fork::watch();
        let (distant, store) = match (carrier, server) {
            (Some(carrier), _) => {
                let (distant, store) = DistantPlace::new(carrier);
                (Some(distant), Box::new(store) as Box<dyn Store>)
            }
            (None, Some(url)) => {
                let (store, shown) = super::remote::server(url)?;
                path = Some(shown.into());
                (None, store)
            }
            (None, None) => (None, store(path.as_deref(), charset, fsync, page_size)?),
        };
        // What is in memory of a store that is not loaded whole may go at any time.
        let bounded = Arc::new(AtomicBool::new(store.paged().is_some()));
        let cache = Arc::new(Cache::new(store));
        registry::register(&cache);
        Ok(Self {
            cache,
            charset,
            notifier: Notifier::new(path.clone(), page_size.is_some() || server.is_some(), warn),
            path,
            is_database: page_size.is_some(),
            is_server: server.is_some(),
            distant,
            errands: Errands::default(),
            near: Mutex::default(),
            raises: AtomicBool::new(false),
            fsync,
            overridden,
            names: InternerPool::default(),
            bounded,
            writers: AtomicUsize::new(0),
            sharing: Default::default(),
            borrowed: Mutex::default(),
        })
    }

    /// Returns what carries entries to and from a mapping, if that is where they are.
    #[getter]
    fn carrier(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.distant.as_ref().map(|distant| distant.carrier().clone_ref(py))
    }

    /// How many bytes of a database may be in memory, if that was set.
    #[getter]
    fn get_near(&self) -> Option<u64> {
        *self.near.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[setter]
    fn set_near(&self, most: u64) {
        *self.near.lock().unwrap_or_else(PoisonError::into_inner) = Some(most);
        self.cache.policies().keep_near(most);
    }

    /// Whether a call fails when the server cannot be used; else it is told, and the call goes on.
    #[getter]
    fn get_raises(&self) -> bool {
        self.raises.load(Ordering::Relaxed)
    }

    #[setter]
    fn set_raises(&self, raises: bool) {
        self.raises.store(raises, Ordering::Relaxed);
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.overridden)?;
        self.notifier.traverse(&visit)?;
        self.distant.as_ref().map_or(Ok(()), |distant| distant.traverse(&visit))?;
        self.cache.visit_live(|live| live.traverse(visit))
    }

    fn __clear__(&self) {
        self.cache.forget_unstorable();
    }
}

impl CacheFile {
    /// Notes that one more object may write to the file.
    pub(super) fn add_writer(&self) {
        self.writers.fetch_add(1, Ordering::AcqRel);
        self.cache.set_read_only(false);
    }

    /// Notes that one object fewer may write to the file; returns whether that was the last one.
    pub(super) fn remove_writer(&self) -> bool {
        self.writers.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Returns whether nothing was borrowed from the file at `path` yet: entries forgotten since
    /// stay away.
    pub(super) fn is_first_to_borrow(&self, path: Option<&PathBuf>) -> bool {
        let mut borrowed = self.borrowed.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = path.is_some_and(|path| !borrowed.contains(path));
        borrowed.extend(path.filter(|_| is_first).cloned());
        is_first
    }

    /// Notes a function whose results have keys that do not name it.
    pub(in crate::py) fn add_function(&self, digest: u32) {
        if *self.sharing.0.get_or_init(|| digest) != digest {
            self.sharing.1.store(true, Ordering::Release);
        }
    }

    /// Returns whether there are several such functions.
    pub(in crate::py) fn has_several_functions(&self) -> bool {
        self.sharing.1.load(Ordering::Acquire)
    }

    /// Issues the warnings of the store, once it has written what another process was in the way
    /// of.
    pub(in crate::py) fn tell(&self, py: Python<'_>) -> PyResult<()> {
        let may_wait = self.distant.is_some() || self.cache.saver().is_unsettled();
        if may_wait && !deferred::is_deferred() {
            self.carry_away(py, false)?;
            if self.cache.saver().is_unsettled() {
                saving::settle(py, &self.cache)?;
            }
        }
        self.notifier.tell_notices(py, &self.cache)
    }

    /// An error if the store cannot be used, and that is to be one.
    pub fn expect_store(&self, py: Python<'_>) -> PyResult<()> {
        if !self.raises.load(Ordering::Relaxed) {
            return Ok(());
        }
        match self.cache.trouble() {
            Some(why) => Err(PyErr::from_value(callbacks::store_error(py, &why)?)),
            None => Ok(()),
        }
    }

    /// Returns what brings entries that a step of the cache will ask for.
    #[inline]
    pub(in crate::py) fn bring(&self) -> Bringing<'_> {
        Bringing { distant: self.distant.as_ref(), cache: &self.cache }
    }

    /// Whether its entries are in a mapping of the user's.
    pub(in crate::py) fn is_distant(&self) -> bool {
        self.distant.is_some()
    }

    /// Carries to a mapping what waits for it; what was refused before is tried `again`.
    pub(in crate::py) fn carry_away(&self, py: Python<'_>, again: bool) -> PyResult<()> {
        self.distant.as_ref().map_or(Ok(()), |distant| distant.carry_away(py, again))
    }

    /// Restricts the store to reading while no object may write.
    pub(super) fn restrict(&self) {
        self.cache.set_read_only(self.writers.load(Ordering::Acquire) == 0);
    }

    /// Restricts the store during a load by an object that `is_writer` or not, and that `may_write`
    /// at this moment or not.
    pub(in crate::py) fn restrict_load(&self, is_writer: bool, may_write: bool) {
        let others = self.writers.load(Ordering::Acquire) - usize::from(is_writer);
        self.cache.set_read_only(!may_write && others == 0);
    }
}

fn store(
    path: Option<&Path>,
    charset: Charset,
    fsync: bool,
    page_size: Option<u32>,
) -> PyResult<Box<dyn Store>> {
    let Some(path) = path else { return Ok(Box::new(MemoryStore)) };
    let durability = if fsync { Durability::Fsync } else { Durability::Flush };
    if let Some(page_size) = page_size {
        return database(path, durability, page_size);
    }
    // The drop-in's file is ASCII and flat, as the original's.
    let format = if charset == Charset::Ascii { Format::Flat } else { Format::Annotated };
    let options =
        Options { charset, format, durability, read_only: false, map: Some(crate::py::ffi::share) };
    Ok(Box::new(FileStore::new(path.to_owned(), options)))
}

#[cfg(feature = "sqlite")]
#[expect(clippy::unnecessary_wraps, reason = "a build without SQLite has none")]
fn database(path: &Path, durability: Durability, page_size: u32) -> PyResult<Box<dyn Store>> {
    #[cfg(unix)]
    crate::py::ffi::guard_databases();
    let map = Some(crate::py::ffi::share as crate::store::Map);
    let options = SqliteOptions { durability, page_size, map };
    Ok(Box::new(SqliteStore::new(path.to_owned(), options)))
}

#[cfg(not(feature = "sqlite"))]
fn database(path: &Path, _: Durability, _: u32) -> PyResult<Box<dyn Store>> {
    Err(pyo3::exceptions::PyValueError::new_err(format!(
        "{} is an SQLite database, and this build of outlive is one without SQLite",
        path.display()
    )))
}

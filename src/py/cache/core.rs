//! The cache as Python sees it: values in and out, warnings, modes, forks.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::PyCache;
use super::mode::Mode;
use super::registry;
use crate::cache::Share;
use crate::cache::{Cache, Epoch};
use crate::policy::Limits;
use crate::py::value::key_interner::InternerPool;
use crate::store::{Durability, FileStore, Format, MemoryStore, Options, Store};
use crate::value::write::Charset;

/// The native half of `outlive.Cache`.
#[pyclass(frozen, weakref, name = "Cache", module = "outlive._core")]
pub struct CoreCache {
    pub(in crate::py) cache: Arc<PyCache>,
    charset: Charset,
    path: Option<PathBuf>,
    /// Whether every result is synced to the disk.
    #[pyo3(get)]
    fsync: bool,
    /// Whether the folder of the file is made if there is none.
    makes_folder: bool,
    default_mode: AtomicU8,
    /// `outlive._modes.current`, asked only while somebody overrides the mode.
    overridden: Py<PyAny>,
    /// Called with each sentence that the user should read.
    warn: Py<PyAny>,
    pub(in crate::py) names: InternerPool,
    loaded: AtomicBool,
    /// What digests of secrets are keyed with in mode "off", where the file is not looked at.
    pub(in crate::py) spare_salt: OnceLock<String>,
    /// Whether every use must be seen, to know what was used last.
    pub(in crate::py) bounded: AtomicBool,
}

#[pymethods]
impl CoreCache {
    #[new]
    #[pyo3(signature = (path, *, ascii, fsync, makes_folder, mode, overridden, warn))]
    fn new(
        path: Option<PathBuf>,
        ascii: bool,
        fsync: bool,
        makes_folder: bool,
        mode: &str,
        overridden: Py<PyAny>,
        warn: Py<PyAny>,
    ) -> PyResult<Self> {
        let charset = if ascii { Charset::Ascii } else { Charset::Utf8 };
        super::fork::watch();
        let cache = Arc::new(Cache::new(store(path.as_deref(), charset, fsync)));
        registry::register(&cache);
        let core = Self {
            cache,
            charset,
            path,
            fsync,
            makes_folder,
            default_mode: AtomicU8::new(0),
            overridden,
            warn,
            names: InternerPool::default(),
            loaded: AtomicBool::new(false),
            spare_salt: OnceLock::new(),
            bounded: AtomicBool::new(false),
        };
        core.set_mode(mode)?;
        Ok(core)
    }

    /// The file, or None for a cache in memory.
    #[getter]
    fn path(&self) -> Option<&PathBuf> {
        self.path.as_ref()
    }

    /// The mode that holds where nothing overrides it.
    #[getter]
    fn get_mode(&self) -> &'static str {
        self.default_mode().word()
    }

    #[setter]
    fn set_mode(&self, word: &str) -> PyResult<()> {
        let mode = Mode::from_word(word)?;
        let old = Mode::from_number(self.default_mode.swap(mode as u8, Ordering::AcqRel));
        self.cache.set_read_only(!self.is_writable());
        match (old.serves_hits(), mode.serves_hits()) {
            (true, false) => self.cache.gate().epoch.suspend(),
            (false, true) => self.cache.gate().epoch.resume(),
            _ => {}
        }
        Ok(())
    }

    /// Whether the file was read, or its entries used.
    #[getter]
    fn is_loaded(&self) -> bool {
        self.loaded.load(Ordering::Acquire)
    }

    /// How much the whole cache may hold: entries, bytes; None where there is no limit.
    fn limits(&self) -> (Option<usize>, Option<u64>) {
        let Limits { maxsize, max_bytes } = self.cache.policies().limits();
        (maxsize, max_bytes)
    }

    /// Sets how much the whole cache may hold.
    #[pyo3(signature = (*, maxsize, max_bytes))]
    fn limit(&self, maxsize: Option<usize>, max_bytes: Option<u64>) {
        self.bounded.store(maxsize.is_some() || max_bytes.is_some(), Ordering::Release);
        self.cache.policies().limit(Share::All, Limits { maxsize, max_bytes });
    }

    /// How many entries went because there was no room.
    fn evictions(&self) -> u64 {
        self.cache.policies().evictions(&Share::All)
    }

    /// An override of the mode begins somewhere: hits look at it from now on.
    fn enter(&self) {
        self.cache.gate().epoch.suspend();
    }

    /// It is over.
    fn leave(&self) {
        self.cache.gate().epoch.resume();
    }

    /// Reads the file, unless that was done before.
    pub fn load(slf: &Bound<'_, Self>) -> PyResult<()> {
        let (me, py) = (slf.get(), slf.py());
        if me.loaded.load(Ordering::Acquire) {
            // A closed cache is read again at its next use.
            py.detach(|| me.cache.load());
        } else {
            let may_write = Self::may_write(slf)?;
            if me.makes_folder && may_write {
                // What cannot be made is found missing, and told, by who writes there.
                let _ = me.path.as_deref().map(crate::store::fs::make_folder_of);
            }
            me.cache.set_read_only(!may_write);
            // Whoever comes meanwhile loads, too, which waits for the first without the interpreter.
            py.detach(|| me.cache.load());
            me.cache.set_read_only(!me.is_writable());
            me.loaded.store(true, Ordering::Release);
        }
        me.tell(py)
    }

    /// Writes the file, if anything changed. Says whether all is well.
    fn save(&self, py: Python<'_>) -> PyResult<bool> {
        if !self.is_writable() {
            return Ok(true);
        }
        let saved = self.patiently(py, || self.cache.saver().try_save())?;
        self.tell(py)?;
        Ok(saved.is_ok())
    }

    /// Writes the file, and removes journals and copies of damaged files. Says whether all is well.
    fn erase(&self, py: Python<'_>) -> PyResult<bool> {
        if !self.is_writable() {
            return Ok(true);
        }
        let erased = py.detach(|| self.cache.saver().erase());
        self.tell(py)?;
        Ok(erased.is_ok())
    }

    /// Saves and leaves the file to others.
    pub fn close(&self, py: Python<'_>) -> PyResult<bool> {
        if !self.is_writable() {
            return Ok(true);
        }
        let saved = self.patiently(py, || self.cache.saver().try_close())?;
        if matches!(&saved, Err(error) if error.is_busy()) {
            py.detach(|| self.cache.saver().leave());
        }
        self.tell(py)?;
        Ok(saved.is_ok())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.overridden)?;
        visit.call(&self.warn)?;
        self.cache.visit_live(|live| live.traverse(visit))
    }

    fn __clear__(&self) {
        self.cache.forget_unstorable();
    }
}

/// How long a save waits for another process.
const PATIENCE: Duration = Duration::from_secs(5);

/// Lets others go on for a moment.
fn pause(py: Python<'_>) -> PyResult<()> {
    py.detach(|| std::thread::sleep(Duration::from_millis(2)));
    py.check_signals()
}

fn store(path: Option<&std::path::Path>, charset: Charset, fsync: bool) -> Box<dyn Store> {
    let Some(path) = path else { return Box::new(MemoryStore) };
    let durability = if fsync { Durability::Fsync } else { Durability::Flush };
    // The drop-in's file is ASCII and flat, as the original's.
    let format = if charset == Charset::Ascii { Format::Flat } else { Format::Annotated };
    let options =
        Options { charset, format, durability, read_only: false, map: Some(crate::py::ffi::share) };
    Box::new(FileStore::new(path.to_owned(), options))
}

impl Drop for CoreCache {
    fn drop(&mut self) {
        // Nobody can use this cache any more: leave the folder clean. What goes wrong stays in the
        // journal, for the next process to find.
        if self.is_writable() {
            let closed = self.cache.saver().try_close();
            if closed.is_err_and(|error| error.is_busy()) {
                self.cache.saver().leave();
            }
        }
    }
}

impl CoreCache {
    /// The cache behind it.
    pub fn cache(&self) -> &Arc<PyCache> {
        &self.cache
    }

    /// Reads the file at the first use, and says what was wrong with it.
    pub fn load_once(slf: &Bound<'_, Self>) -> PyResult<()> {
        if slf.get().loaded.load(Ordering::Acquire) {
            return Ok(());
        }
        Self::load(slf)
    }

    /// The charset of its texts.
    pub fn charset(&self) -> Charset {
        self.charset
    }

    /// Whether the file may be written.
    pub fn is_writable(&self) -> bool {
        !matches!(self.default_mode(), Mode::Off | Mode::Readonly)
    }

    /// Whether the file may be written by what this thread or task does here and now.
    pub fn may_write(slf: &Bound<'_, Self>) -> PyResult<bool> {
        Ok(!matches!(Self::mode(slf)?, Mode::Off | Mode::Readonly))
    }

    pub(in crate::py) fn default_mode(&self) -> Mode {
        Mode::from_number(self.default_mode.load(Ordering::Acquire))
    }

    /// The mode that holds for this thread or task, here and now.
    pub fn mode(slf: &Bound<'_, Self>) -> PyResult<Mode> {
        let me = slf.get();
        if Epoch::is_open(me.cache.gate().epoch.current()) {
            return Ok(me.default_mode());
        }
        let word: Option<String> = me.overridden.bind(slf.py()).call1((slf,))?.extract()?;
        word.map_or_else(|| Ok(me.default_mode()), |word| Mode::from_word(&word))
    }

    /// Tries until nobody is in the way, or for some seconds, of which it then warns. The
    /// interpreter is free meanwhile, and Ctrl-C ends it.
    fn patiently(
        &self,
        py: Python<'_>,
        attempt: impl Fn() -> crate::error::Result<()> + Sync,
    ) -> PyResult<crate::error::Result<()>> {
        let begun = Instant::now();
        loop {
            let done = py.detach(&attempt);
            if !matches!(&done, Err(error) if error.is_busy()) {
                return Ok(done);
            }
            if begun.elapsed() > PATIENCE {
                self.warn_stuck(py)?;
                return Ok(done);
            }
            pause(py)?;
        }
    }

    fn warn_stuck(&self, py: Python<'_>) -> PyResult<()> {
        let path = self.path.as_deref().unwrap_or(std::path::Path::new("")).display();
        let sentence = format!(
            "{path}: another process has been saving or closing it for {} s, and may be stopped; the \
             journal beside it holds everything, and goes into the file at the next save",
            PATIENCE.as_secs(),
        );
        self.warn(py, "CacheFileWarning", &sentence)
    }

    /// Writes what another process was in the way of.
    fn settle(&self, py: Python<'_>) -> PyResult<()> {
        while self.cache.saver().settle().is_err_and(|error| error.is_busy()) {
            pause(py)?;
        }
        Ok(())
    }

    /// Warns of what the store has to say.
    pub fn tell(&self, py: Python<'_>) -> PyResult<()> {
        if self.cache.saver().is_unsettled() {
            self.settle(py)?;
        }
        for notice in self.cache.notices() {
            self.warn.bind(py).call1((intern!(py, "CacheFileWarning"), notice))?;
        }
        Ok(())
    }

    /// Warns, of the class with this name.
    pub fn warn(&self, py: Python<'_>, class: &str, sentence: &str) -> PyResult<()> {
        self.warn.bind(py).call1((class, sentence)).map(drop)
    }
}

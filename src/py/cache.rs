//! The cache as Python sees it: values in and out, warnings, modes, forks.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex as StdMutex, OnceLock, PoisonError, Weak};

use bytes::Bytes;
use parking_lot::Mutex;
use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};
use pyo3::{PyTraverseError, PyVisit};

use super::clock;
use super::decode::{Failure, Names, decode, template};
use super::encode::to_text;
use super::live::Live;
use super::text::{from_wtf8, with_wtf8};
use crate::cache::{Cache, Entry};
use crate::policy::Limits;
use crate::store::{Durability, FileStore, MemoryStore, Options, RESERVED_KEY, Store};
use crate::value::write::Charset;

/// A cache whose decoded forms and failures are Python objects.
pub type PyCache = Cache<Arc<Live>, Arc<PyErr>>;

/// What calls do with the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Hits are served, misses computed and kept.
    On,
    /// Calls go straight through; no file is touched.
    Off,
    /// Everything is computed anew and kept.
    Refresh,
    /// Hits are served, a miss raises `CacheMiss`.
    Offline,
    /// Hits are served, misses computed but kept in this process only.
    Readonly,
}

impl Mode {
    /// From the word that users write.
    pub fn from_word(word: &str) -> PyResult<Self> {
        Ok(match word {
            "on" => Self::On,
            "off" => Self::Off,
            "refresh" => Self::Refresh,
            "offline" => Self::Offline,
            "readonly" => Self::Readonly,
            _ => return Err(PyValueError::new_err(format!("no such mode: {word:?}"))),
        })
    }

    /// Whether hits may be served without looking at the mode.
    fn serves_hits(self) -> bool {
        !matches!(self, Self::Off | Self::Refresh)
    }

    /// Whether what is made is written to the file.
    pub fn writes(self) -> bool {
        matches!(self, Self::On | Self::Refresh)
    }

    fn from_number(number: u8) -> Self {
        [Self::On, Self::Off, Self::Refresh, Self::Offline, Self::Readonly][usize::from(number)]
    }
}

/// All caches of the process, for forks.
static CACHES: StdMutex<Vec<Weak<PyCache>>> = StdMutex::new(Vec::new());

/// All caches that are alive.
pub fn all_caches() -> Vec<Arc<PyCache>> {
    let mut caches = CACHES.lock().unwrap_or_else(PoisonError::into_inner);
    caches.retain(|cache| cache.strong_count() > 0);
    caches.iter().filter_map(Weak::upgrade).collect()
}

/// The native half of `outlive.Cache`.
#[pyclass(frozen, weakref, name = "Cache", module = "outlive._core")]
pub struct CoreCache {
    cache: Arc<PyCache>,
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
    names: Mutex<Option<Box<Names>>>,
    loaded: AtomicBool,
    /// What digests of secrets are keyed with in mode "off", where the file is not looked at.
    pub(super) spare_salt: OnceLock<String>,
    /// Whether every use must be seen, to know what was used last.
    pub(super) bounded: AtomicBool,
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
        let _active = crate::sync::active();
        CACHES.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&cache));
        let core = Self {
            cache,
            charset,
            path,
            fsync,
            makes_folder,
            default_mode: AtomicU8::new(0),
            overridden,
            warn,
            names: Mutex::default(),
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
        match self.default() {
            Mode::On => "on",
            Mode::Off => "off",
            Mode::Refresh => "refresh",
            Mode::Offline => "offline",
            Mode::Readonly => "readonly",
        }
    }

    #[setter]
    fn set_mode(&self, word: &str) -> PyResult<()> {
        let mode = Mode::from_word(word)?;
        let old = Mode::from_number(self.default_mode.swap(mode as u8, Ordering::AcqRel));
        self.cache.only_reads(!self.is_writable());
        match (old.serves_hits(), mode.serves_hits()) {
            (true, false) => self.cache.gate().enter(),
            (false, true) => self.cache.gate().leave(),
            _ => {}
        }
        Ok(())
    }

    /// Whether the file was read, or its entries used.
    #[getter]
    fn is_loaded(&self) -> bool {
        self.loaded.load(Ordering::Acquire)
    }

    /// How much the whole cache may hold.
    #[pyo3(signature = (*, maxsize, max_bytes))]
    fn limit(&self, maxsize: Option<usize>, max_bytes: Option<u64>) {
        self.bounded.store(maxsize.is_some() || max_bytes.is_some(), Ordering::Release);
        self.cache.limit(None, Limits { maxsize, max_bytes });
    }

    /// How many entries went because there was no room.
    fn evictions(&self) -> u64 {
        self.cache.evictions(None)
    }

    /// An override of the mode begins somewhere: hits look at it from now on.
    fn enter(&self) {
        self.cache.gate().enter();
    }

    /// It is over.
    fn leave(&self) {
        self.cache.gate().leave();
    }

    /// Reads the file, unless that was done before.
    pub fn load(slf: &Bound<'_, Self>) -> PyResult<()> {
        let (me, py) = (slf.get(), slf.py());
        if !me.loaded.swap(true, Ordering::AcqRel) {
            let may_write = Self::may_write(slf)?;
            if me.makes_folder && may_write {
                // What cannot be made is found missing, and told, by who writes there.
                let _ = me.path.as_deref().map(crate::store::fs::make_folder_of);
            }
            me.cache.only_reads(!may_write);
            py.detach(|| me.cache.load());
            me.cache.only_reads(!me.is_writable());
        }
        py.detach(|| me.cache.load());
        me.tell(py)
    }

    fn __len__(slf: &Bound<'_, Self>) -> PyResult<usize> {
        Self::load(slf)?;
        Ok(slf.get().cache.len())
    }

    fn __contains__(slf: &Bound<'_, Self>, key: &Bound<'_, PyString>) -> PyResult<bool> {
        Self::load(slf)?;
        let text = with_wtf8(key, Bytes::copy_from_slice)?;
        let me = slf.get();
        if !me.cache.contains(&text) {
            // Another process may have it by now.
            me.cache.take_news();
        }
        match me.cache.get(&text) {
            // What is bad must not be found here and missed a moment later.
            Some(entry) if !entry.sound => Ok(me.live(key.py(), &text, &entry)?.is_some()),
            entry => Ok(entry.is_some()),
        }
    }

    /// All keys in order.
    fn keys<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyList>> {
        let py = slf.py();
        Self::load(slf)?;
        let keys: PyResult<Vec<_>> =
            slf.get().cache.keys().iter().map(|key| from_wtf8(py, key)).collect();
        PyList::new(py, keys?)
    }

    fn __getitem__<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::load(slf)?;
        let me = slf.get();
        let text = with_wtf8(key, Bytes::copy_from_slice)?;
        let missing = || PyKeyError::new_err(key.clone().unbind());
        if let Some(value) = me.value(key.py(), &text)? {
            return Ok(value);
        }
        // Another process may have it by now.
        me.cache.take_news();
        me.value(key.py(), &text)?.ok_or_else(missing)
    }

    fn __setitem__(
        slf: &Bound<'_, Self>,
        key: &Bound<'_, PyString>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let me = slf.get();
        Self::load(slf)?;
        let text = with_wtf8(key, Bytes::copy_from_slice)?;
        if text == RESERVED_KEY.as_bytes() {
            let message = format!("the key {RESERVED_KEY:?} is reserved for the file's own data");
            return Err(PyValueError::new_err(message));
        }
        me.put_value(&text, value, Self::may_write(slf)?)
    }

    fn __delitem__(slf: &Bound<'_, Self>, key: &Bound<'_, PyString>) -> PyResult<()> {
        let gone = Self::remove(slf, key)?;
        gone.then_some(()).ok_or_else(|| PyKeyError::new_err(key.clone().unbind()))
    }

    /// Forgets one entry; says whether there was one.
    fn remove(slf: &Bound<'_, Self>, key: &Bound<'_, PyString>) -> PyResult<bool> {
        let (me, durable) = (slf.get(), Self::may_write(slf)?);
        Self::load(slf)?;
        let gone = with_wtf8(key, |key| me.cache.remove(key, durable))?;
        me.tell(key.py())?;
        Ok(gone.is_some())
    }

    /// Forgets everything, in the file too.
    fn clear(slf: &Bound<'_, Self>) -> PyResult<()> {
        let (me, py, durable) = (slf.get(), slf.py(), Self::may_write(slf)?);
        Self::load(slf)?;
        me.cache.clear(durable);
        me.tell(py)
    }

    /// Writes the file, if anything changed. Says whether all is well.
    fn save(&self, py: Python<'_>) -> PyResult<bool> {
        if !self.is_writable() {
            return Ok(true);
        }
        let saved = py.detach(|| self.cache.save());
        self.tell(py)?;
        Ok(saved.is_ok())
    }

    /// Saves and leaves the file to others.
    pub fn close(&self, py: Python<'_>) -> PyResult<bool> {
        if !self.is_writable() {
            return Ok(true);
        }
        let saved = py.detach(|| self.cache.close());
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

fn store(path: Option<&std::path::Path>, charset: Charset, fsync: bool) -> Box<dyn Store> {
    let Some(path) = path else { return Box::new(MemoryStore) };
    let durability = if fsync { Durability::Fsync } else { Durability::Flush };
    Box::new(FileStore::new(path.to_owned(), Options { charset, durability, read_only: false }))
}

impl Drop for CoreCache {
    fn drop(&mut self) {
        // Nobody can use this cache any more: leave the folder clean. What goes wrong stays in the
        // journal, for the next process to find.
        if self.is_writable() {
            let _ = self.cache.close();
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
        !matches!(self.default(), Mode::Off | Mode::Readonly)
    }

    /// Whether the file may be written by what this thread or task does here and now.
    pub fn may_write(slf: &Bound<'_, Self>) -> PyResult<bool> {
        Ok(!matches!(Self::mode(slf)?, Mode::Off | Mode::Readonly))
    }

    fn default(&self) -> Mode {
        Mode::from_number(self.default_mode.load(Ordering::Acquire))
    }

    /// The mode that holds for this thread or task, here and now.
    pub fn mode(slf: &Bound<'_, Self>) -> PyResult<Mode> {
        let me = slf.get();
        if crate::cache::Gate::is_open(me.cache.gate().word()) {
            return Ok(me.default());
        }
        let word: Option<String> = me.overridden.bind(slf.py()).call1((slf,))?.extract()?;
        word.map_or_else(|| Ok(me.default()), |word| Mode::from_word(&word))
    }

    /// Warns of what the store has to say.
    pub fn tell(&self, py: Python<'_>) -> PyResult<()> {
        for notice in self.cache.notices() {
            self.warn.bind(py).call1((intern!(py, "CacheFileWarning"), notice))?;
        }
        Ok(())
    }

    /// Warns, of the class with this name.
    pub fn warn(&self, py: Python<'_>, class: &str, sentence: &str) -> PyResult<()> {
        self.warn.bind(py).call1((class, sentence)).map(drop)
    }

    /// A copy of the value of `key`; None if there is none.
    pub fn value<'py>(&self, py: Python<'py>, key: &Bytes) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(found) = self.cache.get(key) else { return Ok(None) };
        match self.live(py, key, &found)? {
            Some(live) => live.serve(py).map(Some),
            None => Ok(None),
        }
    }

    /// The decoded form of an entry; None if its text is bad (it is dropped, the file kept aside).
    pub fn live(
        &self,
        py: Python<'_>,
        key: &Bytes,
        entry: &Entry<Arc<Live>>,
    ) -> PyResult<Option<Arc<Live>>> {
        if let Some(live) = &entry.live {
            return Ok(Some(Arc::clone(live)));
        }
        let Some(text) = &entry.text else { return Ok(None) };
        match self.template(py, text) {
            Ok(live) => {
                let live = Arc::new(live);
                self.cache.keep_live(key, text, &live);
                Ok(Some(live))
            }
            Err(Failure::Python(error)) => Err(error),
            Err(Failure::Text(error)) => {
                let shown = String::from_utf8_lossy(key);
                let why = format!("the value of {shown:?}: {error}");
                self.cache.discard(key, text, &why, self.is_writable());
                self.tell(py)?;
                Ok(None)
            }
        }
    }

    /// The value of a text.
    pub fn decode<'py>(&self, py: Python<'py>, text: &[u8]) -> Result<Bound<'py, PyAny>, Failure> {
        self.with_names(|names| decode(py, text, names))
    }

    /// What hits on a text are served from.
    pub fn template(&self, py: Python<'_>, text: &[u8]) -> Result<Live, Failure> {
        self.with_names(|names| template(py, text, names))
    }

    fn with_names<R>(&self, decode: impl FnOnce(&mut Names) -> R) -> R {
        // Taken out while Python objects are made: no lock is held, and others do without.
        let mut names = self.names.lock().take().unwrap_or_default();
        let value = decode(&mut names);
        let spare = self.names.lock().replace(names);
        drop(spare);
        value
    }

    /// Keeps `value` under `key`, as a program's own doing; in the file too if `durable`.
    fn put_value(&self, key: &Bytes, value: &Bound<'_, PyAny>, durable: bool) -> PyResult<()> {
        let py = value.py();
        let mut entry = Entry::new(Some(clock::now()));
        entry.transient = !durable;
        match to_text(value, self.charset) {
            Ok(text) => entry.text = Some(text),
            Err(refusal) => {
                entry.live = Some(Arc::new(Live::same(value.clone())));
                let shown = String::from_utf8_lossy(key);
                let sentence = unstorable(&format!("the value of {shown:?}"), &refusal.describe());
                self.warn(py, "UnstorableWarning", &(sentence + HERE_ONLY))?;
            }
        }
        let _ = self.cache.put(key, entry);
        self.tell(py)
    }
}

/// What a warning adds to [`unstorable`]: the value is not lost.
pub const HERE_ONLY: &str = "; it is kept in this process only";

/// The sentence for a value that the file cannot hold.
pub fn unstorable(of: &str, where_: &str) -> String {
    format!(
        "{of} cannot be stored in the file: {where_}; use JSON types (or tuples, sets, bytes, \
         dates, decimals, ...) instead"
    )
}

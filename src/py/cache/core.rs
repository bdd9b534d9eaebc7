//! The cache as Python sees it: values in and out, warnings, modes, forks.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::PyCache;
use super::away::away;
use super::file::CacheFile;
use super::limits::OwnLimits;
use super::mode::Mode;
use super::saving::patiently;
use super::watchers::{Happening, Watchers};
use crate::cache::{Cache, Epoch};
use crate::py::ffi::{call_with, check_memory, renew_reserve};
use crate::py::value::callbacks;
use crate::py::value::classes::Classes;

/// How long a save waits for what event loops have left to threads.
const PATIENCE: Duration = Duration::from_secs(5);

/// The native half of one `outlive.Cache` object: its mode and its limits, over the entries of a
/// file.
#[pyclass(frozen, weakref, name = "Cache", module = "outlive._core")]
pub struct CoreCache {
    /// The part that it shares with the other objects on the same file.
    #[pyo3(get)]
    pub(in crate::py) file: Py<CacheFile>,
    pub(in crate::py) cache: Arc<PyCache>,
    default_mode: AtomicU8,
    /// The limits of the whole cache that a store by this object enforces.
    #[pyo3(get)]
    pub(in crate::py) limits: Py<OwnLimits>,
    loaded: AtomicBool,
    /// A cache that is only read: entries that this one lacks are looked up there.
    fallback: OnceLock<Py<Self>>,
    /// The salt in mode "off", where the file is not looked at.
    pub(in crate::py) spare_salt: OnceLock<String>,
    /// The classes of all functions, for entries that are read without a function.
    classes: OnceLock<Py<PyAny>>,
    /// The calls that its hooks are told of.
    pub(in crate::py) watchers: Watchers,
}

#[pymethods]
impl CoreCache {
    #[new]
    #[pyo3(signature = (file, *, mode))]
    fn new(py: Python<'_>, file: Py<CacheFile>, mode: &str) -> PyResult<Self> {
        let mode = Mode::from_word(mode)?;
        let limits = OwnLimits::new(&file.get().cache, &file.get().bounded);
        let core = Self {
            cache: Arc::clone(&file.get().cache),
            file,
            default_mode: AtomicU8::new(mode as u8),
            limits: Py::new(py, limits)?,
            loaded: AtomicBool::new(false),
            fallback: OnceLock::new(),
            spare_salt: OnceLock::new(),
            classes: OnceLock::new(),
            watchers: Watchers::default(),
        };
        if core.is_writable() {
            core.file.get().add_writer();
        } else {
            core.file.get().restrict();
        }
        Ok(core)
    }

    /// The file, or None for a cache in memory; of one on a server the URL without what is secret.
    #[getter]
    fn get_path<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(path) = &self.file.get().path else { return Ok(None) };
        if self.file.get().is_server {
            return Ok(Some(path.to_string_lossy().into_pyobject(py)?.into_any()));
        }
        path.into_bound_py_any(py).map(Some)
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
        match (old.lets_write(), mode.lets_write()) {
            (false, true) => self.file.get().add_writer(),
            (true, false) => {
                self.file.get().remove_writer();
                self.file.get().restrict();
            }
            _ => {}
        }
        // Tables were filled in the old mode.
        self.cache.gate().epoch.advance();
        Ok(())
    }

    /// Returns whether the file was read, or its entries used.
    #[getter]
    pub fn is_loaded(&self) -> bool {
        self.loaded.load(Ordering::Acquire)
    }

    /// Looks up in `fallback` what this cache lacks; to be called before the first use.
    fn set_fallback(&self, fallback: Py<Self>) {
        let _ = self.fallback.set(fallback);
    }

    /// Sets the owner of the classes of entries that are read without a function; the first stays.
    fn know_classes(&self, owner: Py<PyAny>) {
        let _ = self.classes.set(owner);
    }

    /// Notes that an override of the mode begins somewhere: hits look at it from now on.
    fn enter(&self) {
        self.cache.gate().epoch.suspend();
    }

    /// Notes that an override of the mode has ended.
    fn leave(&self) {
        self.cache.gate().epoch.resume();
    }

    /// Reads the file, unless that was done before.
    pub fn load(slf: &Bound<'_, Self>) -> PyResult<()> {
        check_memory()?;
        let (me, py) = (slf.get(), slf.py());
        if me.loaded.load(Ordering::Acquire) {
            // A closed cache is read again at its next use.
            py.detach(|| me.cache.load());
        } else {
            let may_write = Self::may_write(slf)?;
            if me.default_mode() == Mode::Frozen {
                callbacks::check_frozen(slf.as_any())?;
            }
            let file = me.file.get();
            file.restrict_load(me.is_writable(), may_write);
            // A thread that comes meanwhile loads, too, and waits for the first without the
            // interpreter.
            py.detach(|| me.cache.load());
            file.restrict();
            me.borrow(py)?;
            me.loaded.store(true, Ordering::Release);
        }
        me.tell(py)
    }

    /// Takes in what other processes did.
    fn sync(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::look(slf)?;
        slf.get().tell(slf.py())
    }

    /// Sets which calls the hooks of this object are told of.
    #[pyo3(signature = (*, hits, misses, stores))]
    fn watch(&self, hits: bool, misses: bool, stores: bool) {
        let wanted =
            [(hits, Happening::Hit), (misses, Happening::Miss), (stores, Happening::Store)];
        self.watchers.set(wanted.into_iter().filter_map(|(wanted, what)| wanted.then_some(what)));
        self.cache.gate().epoch.advance();
    }

    /// Evicts what exceeds the limits of this object.
    fn trim(slf: &Bound<'_, Self>) -> PyResult<()> {
        let me = slf.get();
        me.limits.get().keep(None, Self::may_write(slf)?);
        me.tell(slf.py())
    }

    /// Why the store cannot be used as it should at this moment, in words for the user.
    fn trouble(&self, py: Python<'_>) -> Option<String> {
        py.detach(|| self.cache.trouble())
    }

    /// Writes the file if anything changed; returns whether all that was computed is kept.
    fn save(&self, py: Python<'_>) -> PyResult<bool> {
        if !self.is_writable() {
            return Ok(true);
        }
        renew_reserve()?;
        self.finish_away(py)?;
        let saved = patiently(py, &self.file.get().notifier, || self.cache.saver().try_save())?;
        self.tell(py)?;
        self.file.get().notifier.tell_size(py)?;
        Ok(saved.is_ok() && self.cache.trouble().is_none())
    }

    /// Writes the file, and removes journals and copies of damaged files; returns whether all is
    /// well.
    fn erase(&self, py: Python<'_>) -> PyResult<bool> {
        if !self.is_writable() {
            return Ok(true);
        }
        self.file.get().carry_away(py, true)?;
        let erased = py.detach(|| self.cache.saver().erase());
        self.tell(py)?;
        Ok(erased.is_ok())
    }

    /// Saves and leaves the file to others, unless something is computed at this moment; at the end
    /// of the process, in any case.
    #[pyo3(signature = (*, ends=false))]
    pub fn close(&self, py: Python<'_>, ends: bool) -> PyResult<bool> {
        if !self.is_writable() {
            return Ok(true);
        }
        renew_reserve()?;
        self.finish_away(py)?;
        if ends {
            self.cache.saver().end();
        }
        let saved = patiently(py, &self.file.get().notifier, || self.cache.saver().try_close())?;
        if matches!(&saved, Err(error) if error.is_busy()) {
            py.detach(|| self.cache.saver().leave());
        }
        self.tell(py)?;
        self.file.get().notifier.tell_size(py)?;
        Ok(saved.is_ok())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.fallback.get().map_or(Ok(()), |fallback| visit.call(fallback))?;
        self.classes.get().map_or(Ok(()), |owner| visit.call(owner))?;
        visit.call(&self.file)
    }
}

impl Drop for CoreCache {
    fn drop(&mut self) {
        // If no other object may write the file, leave the folder clean. After an error everything
        // is in the journal, for the next process.
        if !self.is_writable() || !self.file.get().remove_writer() {
            return;
        }
        // A server may take its time to answer, and its proxy may be a thread of this very program.
        let close = |cache: &PyCache| cache.saver().try_close();
        let closed = Python::try_attach(|py| away(py, &self.cache, close));
        let closed = closed.unwrap_or_else(|| close(&self.cache));
        if closed.is_err_and(|error| error.is_busy()) {
            self.cache.saver().leave();
        }
        self.file.get().restrict();
    }
}

impl CoreCache {
    /// Returns the cache itself.
    pub fn cache(&self) -> &Arc<PyCache> {
        &self.cache
    }

    /// Returns the classes of entries that are read without a function.
    pub fn classes(&self) -> Classes<'_> {
        self.classes.get().map_or(Classes::default(), Classes::of)
    }

    /// Reads the file at the first use, and reports what was wrong with it; returns whether this
    /// was the first use.
    pub fn load_once(slf: &Bound<'_, Self>) -> PyResult<bool> {
        if slf.get().loaded.load(Ordering::Acquire) {
            return Ok(false);
        }
        Self::load(slf).map(|()| true)
    }

    /// Reads the file, and what other processes have done since.
    pub(super) fn look(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::load(slf)?;
        away(slf.py(), &slf.get().cache, Cache::take_external_changes);
        Ok(())
    }

    /// Borrows from the fallback what this cache lacks.
    fn borrow(&self, py: Python<'_>) -> PyResult<()> {
        let Some(fallback) = self.fallback.get() else { return Ok(()) };
        let (file, behind) = (self.file.get(), fallback.get().file.get());
        if !file.is_first_to_borrow(behind.path.as_ref()) {
            return Ok(());
        }
        Self::load(fallback.bind(py))?;
        if let Some(path) = behind.path.as_ref().filter(|it| !behind.is_server && !it.exists()) {
            let path = path.display();
            let sentence = format!("the fallback {path} is not there: nothing is looked up in it");
            file.notifier.warn(py, "CacheFileWarning", &sentence)?;
        }
        py.detach(|| self.cache.borrow(&behind.cache));
        Ok(())
    }

    /// Returns whether this object may write the file.
    pub fn is_writable(&self) -> bool {
        self.default_mode().lets_write()
    }

    /// Returns whether the code that runs in this thread or task may write the file now.
    pub fn may_write(slf: &Bound<'_, Self>) -> PyResult<bool> {
        Ok(Self::mode(slf)?.lets_write())
    }

    /// Waits for what event loops have left to threads, and writes what waits for a mapping.
    fn finish_away(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.file.get().errands.finish(PATIENCE));
        self.file.get().carry_away(py, true)
    }

    pub(in crate::py) fn default_mode(&self) -> Mode {
        Mode::from_number(self.default_mode.load(Ordering::Acquire))
    }

    /// Returns the mode of this thread or task at this moment.
    pub fn mode(slf: &Bound<'_, Self>) -> PyResult<Mode> {
        let me = slf.get();
        if Epoch::is_open(me.cache.gate().epoch.current()) {
            return Ok(me.default_mode());
        }
        let word: Option<String> =
            call_with(me.file.get().overridden.bind(slf.py()), (slf,))?.extract()?;
        word.map_or_else(|| Ok(me.default_mode()), |word| Mode::from_word(&word))
    }

    /// Issues the warnings of the store.
    pub fn tell(&self, py: Python<'_>) -> PyResult<()> {
        self.file.get().tell(py)
    }
}

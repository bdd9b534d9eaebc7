//! The entries of a cache as a mapping of key texts to values.

use std::sync::Arc;

use bytes::Bytes;
use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};
use pyo3::{PyTraverseError, PyVisit};

use super::PyFound;
use super::away::away;
use super::core::CoreCache;
use super::saving::patiently;
use super::values::Values;
use crate::cache::{Cache, Entry};
use crate::py::value::stored_text::is_error;
use crate::py::value::template::Template;
use crate::py::value::wtf8::{from_wtf8, with_wtf8};
use crate::store::{Code, Notes, RESERVED_KEY};
use crate::value::check::check;

/// The entries of a cache: its keys and values.
#[pyclass(frozen, name = "Entries", module = "outlive._core")]
pub struct CoreEntries {
    core: Py<CoreCache>,
}

#[pymethods]
impl CoreEntries {
    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        let core = self.look(py)?;
        let _brought = core.file.get().bring().count(py, None)?;
        let count = away(py, &core.cache, Cache::len);
        core.file.get().expect_store(py)?;
        Ok(count)
    }

    fn __contains__(&self, py: Python<'_>, key: &Bound<'_, PyString>) -> PyResult<bool> {
        let core = self.look(py)?;
        let text = with_wtf8(key, Bytes::copy_from_slice)?;
        let _brought = core.file.get().bring().entry(py, &text)?;
        match away(py, &core.cache, |cache| cache.peek(&text)).map(|found| found.entry) {
            // A bad entry must not be found here and missed a moment later.
            Some(entry) if !is_sound(&entry) => Ok(self.values(py).live(&text, &entry)?.is_some()),
            entry => Ok(entry.is_some()),
        }
    }

    /// The result under `key`, fresh or not, for a call that replaces it; None if none.
    fn previous<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'py, PyString>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let core = self.core.get();
        let text = with_wtf8(key, Bytes::copy_from_slice)?;
        let _brought = core.file.get().bring().entry(py, &text)?;
        let found = away(py, &core.cache, |cache| cache.peek(&text));
        let found = found.filter(|found| !is_error(found.entry.text.as_ref()));
        let Some(found) = found else { return Ok(None) };
        self.values(py).live(&text, &found.entry)?.map(|live| live.serve(py)).transpose()
    }

    /// All keys in order. A damaged value must not be listed here and missed a moment later.
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let core = self.look(py)?;
        let _brought = core.file.get().bring().all(py)?;
        for key in core.cache.listing().damaged() {
            self.values(py).get(&key)?;
        }
        let keys = away(py, &core.cache, |cache| cache.listing().keys());
        core.file.get().expect_store(py)?;
        let keys: PyResult<Vec<_>> = keys.iter().map(|key| from_wtf8(py, key)).collect();
        PyList::new(py, keys?)
    }

    /// How many keys begin with `start`, the name of a function and a parenthesis.
    fn count_of(&self, py: Python<'_>, start: &Bound<'_, PyString>) -> PyResult<usize> {
        let core = self.look(py)?;
        let name = with_wtf8(start, |start| start.strip_suffix(b"(").map(<[u8]>::to_vec))?;
        let _brought = match name {
            Some(name) => core.file.get().bring().count(py, Some(&name))?,
            None => core.file.get().bring().all(py)?,
        };
        let count = |start: &[u8]| away(py, &core.cache, |cache| cache.listing().count_of(start));
        with_wtf8(start, count)
    }

    /// The keys that begin with `start`, the name of a function and a parenthesis, in order.
    fn keys_of<'py>(
        &self,
        py: Python<'py>,
        start: &Bound<'py, PyString>,
    ) -> PyResult<Vec<Bound<'py, PyString>>> {
        let core = self.look(py)?;
        let _brought = core.file.get().bring().all(py)?;
        let list = |start: &[u8]| away(py, &core.cache, |cache| cache.listing().keys_of(start));
        let keys = with_wtf8(start, list)?;
        keys.iter().map(|key| from_wtf8(py, key)).collect()
    }

    fn __getitem__<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let core = self.look(py)?;
        let text = with_wtf8(key, Bytes::copy_from_slice)?;
        let _brought = core.file.get().bring().entry(py, &text)?;
        let missing = || PyKeyError::new_err(key.clone().unbind());
        let found = self.values(py).get(&text)?;
        if found.is_none() {
            core.file.get().expect_store(py)?;
        }
        found.ok_or_else(missing)
    }

    fn __setitem__(
        &self,
        py: Python<'_>,
        key: &Bound<'_, PyString>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let core = self.load(py)?;
        let text = with_wtf8(key, Bytes::copy_from_slice)?;
        if text == RESERVED_KEY.as_bytes() {
            let message = format!("the key {RESERVED_KEY:?} is reserved for the file's own data");
            return Err(PyValueError::new_err(message));
        }
        self.values(py).put(&text, value, self.may_write(py)?)?;
        core.file.get().expect_store(py)
    }

    /// Stores a value by its JSON text, with what is known of it.
    #[pyo3(signature = (key, text, *, created, took=None, code=None, others=None))]
    fn put_text(
        &self,
        key: &Bound<'_, PyString>,
        text: &Bound<'_, PyString>,
        created: Option<f64>,
        took: Option<f64>,
        code: Option<&str>,
        others: Option<Vec<u8>>,
    ) -> PyResult<()> {
        let py = key.py();
        let me = self.load(py)?;
        let text = with_wtf8(text, Bytes::copy_from_slice)?;
        check(&text).map_err(|error| PyValueError::new_err(error.to_string()))?;
        let mut entry = Entry::new(created);
        entry.text = Some(text);
        (entry.sound, entry.transient) = (false, !self.may_write(py)?);
        let others = others.map(|others| Arc::new(others.into()));
        entry.notes = Notes { took, code: code.and_then(Code::new), others };
        let key = with_wtf8(key, Bytes::copy_from_slice)?;
        // A failure is in the store's notices.
        let _ = away(py, me.cache(), |cache| cache.put(&key, entry));
        me.tell(py)
    }

    fn __delitem__(&self, py: Python<'_>, key: &Bound<'_, PyString>) -> PyResult<()> {
        let gone = self.remove(py, key)?;
        gone.then_some(()).ok_or_else(|| PyKeyError::new_err(key.clone().unbind()))
    }

    /// Forgets one entry; returns whether there was one.
    fn remove(&self, py: Python<'_>, key: &Bound<'_, PyString>) -> PyResult<bool> {
        Ok(self.taken(py, key)?.is_some())
    }

    /// Forgets one entry and returns its value: to one thread, if several ask.
    fn pop<'py>(&self, py: Python<'py>, key: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
        // Checked first: a bad entry is kept in a copy of the file, not forgotten.
        self.__contains__(py, key)?;
        // NOTE: asked even if there is none: somebody may be computing it from what is outdated.
        if let Some(entry) = self.taken(py, key)?
            && let found = (PyFound { entry, first_use: true, claimed: None })
            && let text = with_wtf8(key, Bytes::copy_from_slice)?
            && let Some(source) = self.values(py).source(&text, &found)?
        {
            return source.value(py);
        }
        Err(PyKeyError::new_err(key.clone().unbind()))
    }

    /// Restores entries dropped while the file was left alone, if it may be changed now.
    fn recall(&self, py: Python<'_>) -> PyResult<()> {
        if self.may_write(py)? {
            self.core.get().cache.recall();
        }
        Ok(())
    }

    /// Forgets all entries whose keys begin with `start`, the name of a function and a parenthesis,
    /// in one step; says whether the store has such a step.
    fn clear_named(&self, py: Python<'_>, start: &Bound<'_, PyString>) -> PyResult<bool> {
        let core = self.core.get();
        if !self.may_write(py)? {
            return Ok(false);
        }
        let clear = |start: &[u8]| away(py, &core.cache, |cache| cache.clear_named(start));
        let is_cleared = with_wtf8(start, clear)?;
        core.tell(py)?;
        Ok(is_cleared)
    }

    /// Outdates what is being computed now for keys that match `pattern`, in any process, and what
    /// other processes alone have of them, only with the `tag` if there is one.
    #[pyo3(signature = (pattern, *, tag=None))]
    fn outdate(
        &self,
        py: Python<'_>,
        pattern: &Bound<'_, PyString>,
        tag: Option<&Bound<'_, PyString>>,
    ) -> PyResult<()> {
        let durable = self.may_write(py)?;
        let core = self.core.get();
        let pattern = with_wtf8(pattern, Bytes::copy_from_slice)?;
        let tag = tag.map(|tag| with_wtf8(tag, Bytes::copy_from_slice)).transpose()?;
        let outdate = || core.cache.outdate(&pattern, tag.as_deref(), durable);
        // A failure is in the store's notices.
        let _ = patiently(py, &core.file.get().notifier, outdate)?;
        core.tell(py)
    }

    /// Forgets everything, in the file, too.
    fn clear(&self, py: Python<'_>) -> PyResult<()> {
        let durable = self.may_write(py)?;
        let core = self.load(py)?;
        away(py, &core.cache, |cache| cache.clear(durable));
        core.tell(py)?;
        core.file.get().expect_store(py)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.core)
    }
}

impl CoreEntries {
    /// Returns the entries of `core`.
    pub fn of(core: Py<CoreCache>) -> Self {
        Self { core }
    }

    /// Reads the file, and what other processes have done since; returns the cache.
    fn look(&self, py: Python<'_>) -> PyResult<&CoreCache> {
        CoreCache::look(self.core.bind(py))?;
        Ok(self.core.get())
    }

    /// Reads the file, unless that was done before; returns the cache.
    fn load(&self, py: Python<'_>) -> PyResult<&CoreCache> {
        CoreCache::load(self.core.bind(py))?;
        Ok(self.core.get())
    }

    fn may_write(&self, py: Python<'_>) -> PyResult<bool> {
        CoreCache::may_write(self.core.bind(py))
    }

    /// Returns the values of the cache, for the owner of its classes.
    fn values<'py>(&self, py: Python<'py>) -> Values<'_, 'py> {
        let core = self.core.get();
        Values { core, classes: core.classes(), py }
    }

    /// Returns the value that `key` had until now.
    fn taken(
        &self,
        py: Python<'_>,
        key: &Bound<'_, PyString>,
    ) -> PyResult<Option<Entry<Arc<Template>>>> {
        let durable = self.may_write(py)?;
        let core = self.load(py)?;
        let text = with_wtf8(key, Bytes::copy_from_slice)?;
        let _brought = core.file.get().bring().entry(py, &text)?;
        let gone = away(py, &core.cache, |cache| cache.remove(&text, durable));
        core.tell(py)?;
        core.file.get().expect_store(py)?;
        Ok(gone)
    }
}

/// Returns whether the text of an entry is a value, or there is none.
fn is_sound(entry: &Entry<Arc<Template>>) -> bool {
    entry.sound || entry.text.as_ref().is_none_or(|text| check(text).is_ok())
}

//! The cache as a mapping of key texts to values.

use std::sync::Arc;

use bytes::Bytes;
use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};

use super::PyFound;
use super::away::away;
use super::copying::SLICE;
use super::core::CoreCache;
use super::entries::Values;
use super::saving::patiently;
use crate::cache::{Cache, Entry, Share};
use crate::py::value::stored_text::is_error;
use crate::py::value::template::Template;
use crate::py::value::wtf8::{from_wtf8, with_wtf8};
use crate::store::RESERVED_KEY;
use crate::value::check::check;

#[pymethods]
impl CoreCache {
    fn __len__(slf: &Bound<'_, Self>) -> PyResult<usize> {
        Self::look(slf)?;
        let _brought = slf.get().file.get().bring().count(slf.py(), None)?;
        let count = away(slf.py(), &slf.get().cache, Cache::len);
        slf.get().file.get().expect_store(slf.py())?;
        Ok(count)
    }

    fn __contains__(slf: &Bound<'_, Self>, key: &Bound<'_, PyString>) -> PyResult<bool> {
        Self::look(slf)?;
        let text = with_wtf8(key, Bytes::copy_from_slice)?;
        let me = slf.get();
        let _brought = me.file.get().bring().entry(slf.py(), &text)?;
        match away(key.py(), &me.cache, |cache| cache.peek(&text)).map(|found| found.entry) {
            // A bad entry must not be found here and missed a moment later.
            Some(entry) if !is_sound(&entry) => {
                Ok(me.own_values(key.py()).live(&text, &entry)?.is_some())
            }
            entry => Ok(entry.is_some()),
        }
    }

    /// The keys of all entries with further members, with those as JSON.
    fn notes<'py>(slf: &Bound<'py, Self>) -> PyResult<Vec<(Bound<'py, PyString>, Vec<u8>)>> {
        let py = slf.py();
        Self::look(slf)?;
        let _brought = slf.get().file.get().bring().all(py)?;
        let all = away(py, &slf.get().cache, |cache| cache.listing().notes());
        all.into_iter().map(|(key, notes)| Ok((from_wtf8(py, &key)?, notes.to_vec()))).collect()
    }

    /// The keys of all entries made before `time`, in seconds since the epoch; by functions with
    /// this name if there is one.
    fn made_before<'py>(
        slf: &Bound<'py, Self>,
        time: f64,
        name: Option<&str>,
    ) -> PyResult<Vec<Bound<'py, PyString>>> {
        Self::look(slf)?;
        let _brought = slf.get().file.get().bring().all(slf.py())?;
        let share = name.map_or(Share::All, |name| Share::Name(name.as_bytes().to_vec()));
        let cache = slf.get().cache();
        let keys = away(slf.py(), cache, |cache| cache.policies().made_before(time, &share));
        keys.iter().map(|key| from_wtf8(slf.py(), key)).collect()
    }

    /// Takes in what other processes did.
    fn sync(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::look(slf)?;
        slf.get().tell(slf.py())
    }

    /// Copies all entries of `other`, with their times.
    fn update(slf: &Bound<'_, Self>, other: &Bound<'_, Self>) -> PyResult<()> {
        let transient = !Self::may_write(slf)?;
        Self::look(slf)?;
        Self::look(other)?;
        let _brought = other.get().file.get().bring().all(slf.py())?;
        let py = slf.py();
        let keys = away(py, other.get().cache(), |theirs| theirs.listing().keys());
        for keys in keys.chunks(SLICE) {
            slf.get().copy_entries(py, other.get(), keys, transient);
        }
        slf.get().limits.get().keep(None, !transient);
        slf.get().tell(slf.py())
    }

    /// The result under `key`, fresh or not, for a call that replaces it; None if none.
    fn previous<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyString>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (me, py) = (slf.get(), key.py());
        let text = with_wtf8(key, Bytes::copy_from_slice)?;
        let _brought = me.file.get().bring().entry(py, &text)?;
        let found = away(py, &me.cache, |cache| cache.peek(&text));
        let found = found.filter(|found| !is_error(found.entry.text.as_ref()));
        let Some(found) = found else { return Ok(None) };
        me.own_values(py).live(&text, &found.entry)?.map(|live| live.serve(py)).transpose()
    }

    /// All keys in order. A damaged value must not be listed here and missed a moment later.
    fn keys<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyList>> {
        let py = slf.py();
        Self::look(slf)?;
        let me = slf.get();
        let _brought = me.file.get().bring().all(py)?;
        for key in me.cache.listing().damaged() {
            me.own_values(py).get(&key)?;
        }
        let keys = away(py, &me.cache, |cache| cache.listing().keys());
        me.file.get().expect_store(py)?;
        let keys: PyResult<Vec<_>> = keys.iter().map(|key| from_wtf8(py, key)).collect();
        PyList::new(py, keys?)
    }

    /// How many keys begin with `start`, the name of a function and a parenthesis.
    fn count_of(slf: &Bound<'_, Self>, start: &Bound<'_, PyString>) -> PyResult<usize> {
        Self::look(slf)?;
        let name = with_wtf8(start, |start| start.strip_suffix(b"(").map(<[u8]>::to_vec))?;
        let me = slf.get();
        let _brought = match name {
            Some(name) => me.file.get().bring().count(slf.py(), Some(&name))?,
            None => me.file.get().bring().all(slf.py())?,
        };
        let count =
            |start: &[u8]| away(slf.py(), &me.cache, |cache| cache.listing().count_of(start));
        with_wtf8(start, count)
    }

    /// The keys that begin with `start`, the name of a function and a parenthesis, in order.
    fn keys_of<'py>(
        slf: &Bound<'py, Self>,
        start: &Bound<'py, PyString>,
    ) -> PyResult<Vec<Bound<'py, PyString>>> {
        Self::look(slf)?;
        let _brought = slf.get().file.get().bring().all(slf.py())?;
        let list =
            |start: &[u8]| away(slf.py(), &slf.get().cache, |cache| cache.listing().keys_of(start));
        let keys = with_wtf8(start, list)?;
        keys.iter().map(|key| from_wtf8(slf.py(), key)).collect()
    }

    fn __getitem__<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::look(slf)?;
        let text = with_wtf8(key, Bytes::copy_from_slice)?;
        let _brought = slf.get().file.get().bring().entry(slf.py(), &text)?;
        let missing = || PyKeyError::new_err(key.clone().unbind());
        let found = slf.get().own_values(slf.py()).get(&text)?;
        if found.is_none() {
            slf.get().file.get().expect_store(slf.py())?;
        }
        found.ok_or_else(missing)
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
        me.own_values(slf.py()).put(&text, value, Self::may_write(slf)?)?;
        me.file.get().expect_store(slf.py())
    }

    fn __delitem__(slf: &Bound<'_, Self>, key: &Bound<'_, PyString>) -> PyResult<()> {
        let gone = Self::remove(slf, key)?;
        gone.then_some(()).ok_or_else(|| PyKeyError::new_err(key.clone().unbind()))
    }

    /// Forgets one entry; returns whether there was one.
    fn remove(slf: &Bound<'_, Self>, key: &Bound<'_, PyString>) -> PyResult<bool> {
        Ok(Self::taken(slf, key)?.is_some())
    }

    /// Forgets one entry and returns its value: to one thread, if several ask.
    fn pop<'py>(slf: &Bound<'py, Self>, key: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
        let (me, py) = (slf.get(), key.py());
        // Checked first: a bad entry is kept in a copy of the file, not forgotten.
        Self::__contains__(slf, key)?;
        // NOTE: asked even if there is none: somebody may be computing it from what is outdated.
        if let Some(entry) = Self::taken(slf, key)?
            && let found = (PyFound { entry, first_use: true, claimed: None })
            && let text = with_wtf8(key, Bytes::copy_from_slice)?
            && let Some(source) = me.own_values(py).source(&text, &found)?
        {
            return source.value(py);
        }
        Err(PyKeyError::new_err(key.clone().unbind()))
    }

    /// Restores entries dropped while the file was left alone, if it may be changed now.
    fn recall(slf: &Bound<'_, Self>) -> PyResult<()> {
        if Self::may_write(slf)? {
            slf.get().cache.recall();
        }
        Ok(())
    }

    /// Forgets all entries whose keys begin with `start`, the name of a function and a parenthesis,
    /// in one step; says whether the store has such a step.
    fn clear_named(slf: &Bound<'_, Self>, start: &Bound<'_, PyString>) -> PyResult<bool> {
        let (me, py) = (slf.get(), slf.py());
        if !Self::may_write(slf)? {
            return Ok(false);
        }
        let clear = |start: &[u8]| away(py, &me.cache, |cache| cache.clear_named(start));
        let is_cleared = with_wtf8(start, clear)?;
        me.tell(py)?;
        Ok(is_cleared)
    }

    /// Outdates what is being computed now for keys that match `pattern`, in any process, and what
    /// other processes alone have of them, only with the `tag` if there is one.
    #[pyo3(signature = (pattern, *, tag=None))]
    fn outdate(
        slf: &Bound<'_, Self>,
        pattern: &Bound<'_, PyString>,
        tag: Option<&Bound<'_, PyString>>,
    ) -> PyResult<()> {
        let durable = Self::may_write(slf)?;
        let (me, py, pattern) = (slf.get(), slf.py(), with_wtf8(pattern, Bytes::copy_from_slice)?);
        let tag = tag.map(|tag| with_wtf8(tag, Bytes::copy_from_slice)).transpose()?;
        let outdate = || me.cache.outdate(&pattern, tag.as_deref(), durable);
        // A failure is in the store's notices.
        let _ = patiently(py, &me.file.get().notifier, outdate)?;
        me.tell(py)
    }

    /// Forgets everything, in the file, too.
    fn clear(slf: &Bound<'_, Self>) -> PyResult<()> {
        let (me, py, durable) = (slf.get(), slf.py(), Self::may_write(slf)?);
        Self::load(slf)?;
        away(py, &me.cache, |cache| cache.clear(durable));
        me.tell(py)?;
        me.file.get().expect_store(py)
    }
}

impl CoreCache {
    /// Returns the values of the cache, for the owner of its classes.
    fn own_values<'py>(&self, py: Python<'py>) -> Values<'_, 'py> {
        Values { core: self, classes: self.classes(), py }
    }

    /// Reads the file, and what other processes have done since.
    pub(super) fn look(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::load(slf)?;
        away(slf.py(), &slf.get().cache, Cache::take_external_changes);
        Ok(())
    }

    /// Returns the value that `key` had until now.
    fn taken(
        slf: &Bound<'_, Self>,
        key: &Bound<'_, PyString>,
    ) -> PyResult<Option<Entry<Arc<Template>>>> {
        let (me, durable) = (slf.get(), Self::may_write(slf)?);
        Self::load(slf)?;
        let text = with_wtf8(key, Bytes::copy_from_slice)?;
        let _brought = me.file.get().bring().entry(slf.py(), &text)?;
        let gone = away(key.py(), &me.cache, |cache| cache.remove(&text, durable));
        me.tell(key.py())?;
        me.file.get().expect_store(key.py())?;
        Ok(gone)
    }
}

/// Returns whether the text of an entry is a value, or there is none.
fn is_sound(entry: &Entry<Arc<Template>>) -> bool {
    entry.sound || entry.text.as_ref().is_none_or(|text| check(text).is_ok())
}

//! Copying entries of one cache into another, whatever their stores.

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};

use super::away::{away, both_away};
use super::core::CoreCache;
use super::salt::CoreSalt;
use super::{PyCache, PyEntry, PyFound};
use crate::py::value::wtf8::with_wtf8;

/// How many entries are copied before Ctrl-C is looked for.
const SLICE: usize = 100;

/// Copies all entries of `other` into `into`, with their times.
#[pyfunction]
pub fn copy_all(into: &Bound<'_, CoreCache>, other: &Bound<'_, CoreCache>) -> PyResult<()> {
    let py = into.py();
    let transient = !CoreCache::may_write(into)?;
    CoreCache::look(into)?;
    CoreCache::look(other)?;
    let (into, other) = (into.get(), other.get());
    let _brought = other.file.get().bring().all(py)?;
    let keys = away(py, other.cache(), |theirs| theirs.listing().keys());
    for keys in keys.chunks(SLICE) {
        copy(py, into.cache(), other.cache(), keys, transient);
    }
    into.limits.get().keep(None, !transient);
    into.tell(py)
}

/// Copies the entries of `other` under these keys into `into`, with their times.
#[pyfunction]
pub fn copy_keys(
    into: &Bound<'_, CoreCache>,
    other: &Bound<'_, CoreCache>,
    keys: &Bound<'_, PyList>,
) -> PyResult<()> {
    let py = into.py();
    CoreCache::load(into)?;
    let transient = !CoreCache::may_write(into)?;
    let (into, other) = (into.get(), other.get());
    let text = |key: Bound<'_, PyAny>| with_wtf8(key.cast::<PyString>()?, Bytes::copy_from_slice);
    let keys = keys.iter().map(text).collect::<PyResult<Vec<_>>>()?;
    for keys in keys.chunks(SLICE) {
        let brought = keys.iter().map(|key| other.file.get().bring().entry(py, key));
        let _brought = brought.collect::<PyResult<Vec<_>>>()?;
        copy(py, into.cache(), other.cache(), keys, transient);
    }
    into.tell(py)
}

/// Copies the entries of `other` that `into` lacks or has otherwise; returns how many.
#[pyfunction]
pub fn copy_news(into: &Bound<'_, CoreCache>, other: &Bound<'_, CoreCache>) -> PyResult<usize> {
    let py = into.py();
    let (cache, theirs) = (into.get().cache(), other.get().cache());
    let transient = !CoreCache::may_write(into)?;
    other.get().tell(py)?;
    CoreCache::load_once(other)?;
    let bringing = other.get().file.get().bring();
    let _salt = bringing.salt(py)?;
    away(py, theirs, PyCache::take_external_changes);
    share_salt(into, theirs)?;
    let into = into.get();
    let mut count = 0;
    let _brought = bringing.all(py)?;
    let keys = away(py, theirs, |theirs| theirs.listing().keys());
    for keys in keys.chunks(SLICE) {
        let found = away(py, theirs, |theirs| theirs.peek_many(keys));
        let found = keys.iter().zip(found).filter_map(|(key, found)| Some((key, found?.entry)));
        for (key, entry) in found.filter(|(_, entry)| entry.is_copy()) {
            let _brought = into.file.get().bring().entry(py, key)?;
            let add = |cache: &_| add(cache, key, entry, transient);
            count += usize::from(away(py, cache, add));
        }
        into.tell(py)?;
        py.check_signals()?;
    }
    into.limits.get().keep(None, !transient);
    into.tell(py)?;
    Ok(count)
}

/// Copies the entries of `keys` that `other` has, with their times.
fn copy(py: Python<'_>, into: &PyCache, other: &PyCache, keys: &[Bytes], transient: bool) {
    both_away(py, into, other, |cache, theirs| {
        for (key, found) in keys.iter().zip(theirs.peek_many(keys)) {
            if let Some(found) = found {
                // A failure is in the store's notices.
                let _ = cache.put(key, found.entry.for_another_cache(transient));
            }
        }
    });
}

/// Digests of secrets in copied keys were made with the salt of their own cache.
fn share_salt(into: &Bound<'_, CoreCache>, theirs: &PyCache) -> PyResult<()> {
    if let Some(salt) = theirs.salts().get(true) {
        CoreSalt::of(into.clone().unbind()).offer(into.py(), salt)?;
    }
    Ok(())
}

/// Copies an entry, unless it is there already; returns whether it was not.
fn add(cache: &PyCache, key: &Bytes, entry: PyEntry, transient: bool) -> bool {
    let is_same = |it: &PyFound| it.entry.text == entry.text && it.entry.created == entry.created;
    if cache.peek(key).as_ref().is_some_and(is_same) {
        return false;
    }
    // A failure is in the store's notices.
    let _ = cache.put_again(key, entry.for_another_cache(transient));
    true
}

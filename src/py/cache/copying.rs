//! Copying all entries of one cache into another, whatever their stores.

use bytes::Bytes;
use pyo3::prelude::*;

use super::away::{away, both_away};
use super::core::CoreCache;
use super::{PyCache, PyEntry, PyFound};

/// How many entries are copied before Ctrl-C is looked for.
pub(super) const SLICE: usize = 100;

#[pymethods]
impl CoreCache {
    /// Copies the entries of `other` that this cache lacks or has otherwise; returns how many.
    fn copy_from(slf: &Bound<'_, Self>, other: &Bound<'_, Self>) -> PyResult<usize> {
        let (cache, theirs) = (slf.get().cache(), other.get().cache());
        let transient = !Self::may_write(slf)?;
        other.get().file.get().tell(slf.py())?;
        Self::load_once(other)?;
        let _salt = other.get().file.get().bring().salt(slf.py())?;
        away(slf.py(), theirs, PyCache::take_external_changes);
        Self::share_salt(slf, theirs)?;
        let mut count = 0;
        let _brought = other.get().file.get().bring().all(slf.py())?;
        let keys = away(slf.py(), theirs, |theirs| theirs.listing().keys());
        for keys in keys.chunks(SLICE) {
            let found = away(slf.py(), theirs, |theirs| theirs.peek_many(keys));
            let found = keys.iter().zip(found).filter_map(|(key, found)| Some((key, found?.entry)));
            for (key, entry) in found.filter(|(_, entry)| entry.is_copy()) {
                let _brought = slf.get().file.get().bring().entry(slf.py(), key)?;
                let add = |cache: &_| add(cache, key, entry, transient);
                count += usize::from(away(slf.py(), cache, add));
            }
            slf.get().tell(slf.py())?;
            slf.py().check_signals()?;
        }
        slf.get().limits.get().keep(None, !transient);
        slf.get().tell(slf.py())?;
        Ok(count)
    }
}

impl CoreCache {
    /// Copies the entries of `keys` that `other` has, with their times.
    pub(super) fn copy_entries(
        &self,
        py: Python<'_>,
        other: &Self,
        keys: &[Bytes],
        transient: bool,
    ) {
        both_away(py, self.cache(), other.cache(), |cache, theirs| {
            for (key, found) in keys.iter().zip(theirs.peek_many(keys)) {
                if let Some(found) = found {
                    // A failure is in the store's notices.
                    let _ = cache.put(key, found.entry.for_another_cache(transient));
                }
            }
        });
    }

    /// Digests of secrets in copied keys were made with the salt of their own cache.
    fn share_salt(slf: &Bound<'_, Self>, theirs: &PyCache) -> PyResult<()> {
        if let Some(salt) = theirs.salts().get(true) {
            Self::offer_salt(slf, salt)?;
        }
        Ok(())
    }
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

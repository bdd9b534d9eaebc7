//! Copying all entries of one cache into another, whatever their stores.

use bytes::Bytes;
use pyo3::prelude::*;

use super::away::{away, both_away};
use super::core::CoreCache;
use super::{PyCache, PyFound};

/// How many entries are copied before Ctrl-C is looked for.
const SLICE: usize = 100;

#[pymethods]
impl CoreCache {
    /// Copies the entries of `other` that this cache lacks or has otherwise; returns how many.
    fn copy_from(slf: &Bound<'_, Self>, other: &Bound<'_, Self>) -> PyResult<usize> {
        let (cache, theirs) = (slf.get().cache(), other.get().cache());
        let transient = !Self::may_write(slf)?;
        other.get().file.get().tell(slf.py())?;
        Self::load_once(other)?;
        let _salt = other.get().bring_salt(slf.py())?;
        away(slf.py(), theirs, PyCache::take_external_changes);
        Self::share_salt(slf, theirs)?;
        let mut count = 0;
        let _brought = other.get().bring_all(slf.py())?;
        let keys = away(slf.py(), theirs, |theirs| theirs.listing().keys());
        for keys in keys.chunks(SLICE) {
            for key in keys {
                let _brought = slf.get().bring(slf.py(), key)?;
                let add = |cache: &_, theirs: &_| add(cache, theirs, key, transient);
                count += usize::from(both_away(slf.py(), cache, theirs, add));
            }
            slf.get().tell(slf.py())?;
            slf.py().check_signals()?;
        }
        slf.get().keep_limits(None, !transient);
        slf.get().tell(slf.py())?;
        Ok(count)
    }
}

impl CoreCache {
    /// Copies the entry of `key`, if `other` has one, with its times.
    pub(super) fn copy_entry(&self, py: Python<'_>, other: &Self, key: &Bytes, transient: bool) {
        both_away(py, self.cache(), other.cache(), |cache, theirs| {
            if let Some(found) = theirs.peek(key) {
                // A failure is in the store's notices.
                let _ = cache.put(key, found.entry.for_another_cache(transient));
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

/// Copies the entry of `key`, unless it is there already; returns whether it was not.
fn add(cache: &PyCache, theirs: &PyCache, key: &Bytes, transient: bool) -> bool {
    let Some(PyFound { entry, .. }) = theirs.peek(key).filter(|it| it.entry.is_copy()) else {
        return false;
    };
    let is_same = |it: &PyFound| it.entry.text == entry.text && it.entry.created == entry.created;
    if cache.peek(key).as_ref().is_some_and(is_same) {
        return false;
    }
    // A failure is in the store's notices.
    let _ = cache.put_again(key, entry.for_another_cache(transient));
    true
}

//! Copying all entries of one cache into another, whatever their stores.

use bytes::Bytes;
use pyo3::prelude::*;

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
        theirs.take_external_changes();
        Self::share_salt(slf, theirs)?;
        let mut count = 0;
        let _brought = other.get().bring_all(slf.py())?;
        for keys in theirs.listing().keys().chunks(SLICE) {
            for key in keys {
                let _brought = slf.get().bring(slf.py(), key)?;
                count += usize::from(copy(cache, theirs, key, transient));
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
    /// Digests of secrets in copied keys were made with the salt of their own cache.
    fn share_salt(slf: &Bound<'_, Self>, theirs: &PyCache) -> PyResult<()> {
        if let Some(salt) = theirs.salts().get(true) {
            Self::offer_salt(slf, salt)?;
        }
        Ok(())
    }
}

/// Copies one entry, unless it is there already.
fn copy(cache: &PyCache, theirs: &PyCache, key: &Bytes, transient: bool) -> bool {
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

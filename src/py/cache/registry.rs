//! All caches of the process, for forks.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::PyCache;

static CACHES: Mutex<Vec<Weak<PyCache>>> = Mutex::new(Vec::new());

/// Notes a new cache.
pub fn register(cache: &Arc<PyCache>) {
    let _active = crate::sync::active();
    CACHES.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(cache));
}

/// All caches that are alive.
pub fn all_caches() -> Vec<Arc<PyCache>> {
    let mut caches = CACHES.lock().unwrap_or_else(PoisonError::into_inner);
    caches.retain(|cache| cache.strong_count() > 0);
    caches.iter().filter_map(Weak::upgrade).collect()
}

//! All caches of the process: for forks, and for modes that hold for all of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use pyo3::prelude::*;

use super::PyCache;

/// The caches that are alive, and some that were.
struct Registry {
    caches: Vec<Weak<PyCache>>,
    /// Whether the modes of all caches are overridden, also of future ones.
    overridden: bool,
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry { caches: Vec::new(), overridden: false });

/// Notes a new cache.
pub fn register(cache: &Arc<PyCache>) {
    let _active = crate::sync::active();
    let mut registry = lock();
    registry.caches.push(Arc::downgrade(cache));
    if registry.overridden {
        cache.gate().epoch.suspend();
    }
}

/// All caches that are alive.
pub fn all_caches() -> Vec<Arc<PyCache>> {
    alive(&mut lock())
}

/// Notes that an override of the mode of all caches begins or ends.
#[pyfunction]
pub fn override_all(begins: bool) {
    let caches;
    let _active = crate::sync::active();
    let mut registry = lock();
    if registry.overridden == begins {
        return;
    }
    registry.overridden = begins;
    caches = alive(&mut registry);
    for cache in &caches {
        let epoch = &cache.gate().epoch;
        if begins { epoch.suspend() } else { epoch.resume() }
    }
}

fn alive(registry: &mut Registry) -> Vec<Arc<PyCache>> {
    registry.caches.retain(|cache| cache.strong_count() > 0);
    registry.caches.iter().filter_map(Weak::upgrade).collect()
}

fn lock() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

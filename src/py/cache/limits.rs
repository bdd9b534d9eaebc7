//! The limits of one `outlive.Cache` object, which its own stores enforce.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use pyo3::prelude::*;

use super::PyCache;
use crate::cache::Share;
use crate::policy::Limits;

/// The limits of the whole cache that a store by one object enforces.
#[pyclass(frozen, name = "Limits", module = "outlive._core")]
pub struct OwnLimits {
    cache: Arc<PyCache>,
    /// Whether any object of the file has limits, so that every use must be seen.
    is_bounded: Arc<AtomicBool>,
    limits: Mutex<Limits>,
}

#[pymethods]
impl OwnLimits {
    /// Returns the limits: entries, bytes; None for no limit.
    fn get(&self) -> (Option<usize>, Option<u64>) {
        let Limits { maxsize, max_bytes } = *self.own();
        (maxsize, max_bytes)
    }

    /// Sets the limits; nothing is evicted before the next store.
    #[pyo3(signature = (*, maxsize, max_bytes))]
    fn set(&self, maxsize: Option<usize>, max_bytes: Option<u64>) {
        let limits = Limits { maxsize, max_bytes };
        if limits != Limits::default() {
            // Before the limits: who sees these not is not asked for them.
            self.is_bounded.store(true, Ordering::Release);
        }
        *self.own() = limits;
        if limits != Limits::default() {
            self.cache.policies().limit(Share::All, Limits::default());
        }
    }

    /// The number of entries that were evicted, by any object.
    fn evictions(&self) -> u64 {
        self.cache.policies().evictions(&Share::All)
    }
}

impl OwnLimits {
    /// Makes the limits of an object on `cache`: none at first.
    pub fn new(cache: &Arc<PyCache>, is_bounded: &Arc<AtomicBool>) -> Self {
        Self {
            cache: Arc::clone(cache),
            is_bounded: Arc::clone(is_bounded),
            limits: Mutex::default(),
        }
    }

    /// Returns whether entries may be evicted.
    pub fn may_evict(&self) -> bool {
        self.is_bounded.load(Ordering::Relaxed)
    }

    /// Evicts what exceeds the limits, after the object stored `newest`.
    pub fn keep(&self, newest: Option<&Bytes>, durable: bool) {
        if let Some(limits) = self.any() {
            self.cache.policies().trim(limits, newest, durable);
        }
    }

    /// Returns the `size` of a text in bytes with the `max_bytes` that it exceeds: such a value is
    /// not kept.
    pub fn outgrown(&self, size: Option<u64>) -> Option<(u64, u64)> {
        let most = self.any()?.max_bytes?;
        size.filter(|&size| size > most).map(|size| (size, most))
    }

    /// Returns the limits if there are any; without a look at them where no object of the file has
    /// some.
    fn any(&self) -> Option<Limits> {
        let limits = self.may_evict().then(|| *self.own())?;
        (limits != Limits::default()).then_some(limits)
    }

    fn own(&self) -> MutexGuard<'_, Limits> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

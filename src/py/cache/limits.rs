//! The limits of one `outlive.Cache` object, which its own stores enforce.

use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};

use bytes::Bytes;
use pyo3::prelude::*;

use super::core::CoreCache;
use crate::cache::Share;
use crate::policy::Limits;

#[pymethods]
impl CoreCache {
    /// The limits that a store by this object enforces: entries, bytes; None for no limit.
    fn limits(&self) -> (Option<usize>, Option<u64>) {
        let Limits { maxsize, max_bytes } = *self.own_limits();
        (maxsize, max_bytes)
    }

    /// Sets the limits that a store by this object enforces; nothing is evicted before.
    #[pyo3(signature = (*, maxsize, max_bytes))]
    fn set_limits(&self, maxsize: Option<usize>, max_bytes: Option<u64>) {
        let limits = Limits { maxsize, max_bytes };
        if limits != Limits::default() {
            // Before the limits: who sees these not is not asked for them.
            self.file.get().bounded.store(true, Ordering::Release);
        }
        *self.own_limits() = limits;
        if limits != Limits::default() {
            self.cache.policies().limit(Share::All, Limits::default());
        }
    }

    /// Evicts what exceeds the limits of this object.
    fn trim(slf: &Bound<'_, Self>) -> PyResult<()> {
        slf.get().keep_limits(None, Self::may_write(slf)?);
        slf.get().tell(slf.py())
    }

    /// The number of evicted entries.
    fn evictions(&self) -> u64 {
        self.cache.policies().evictions(&Share::All)
    }
}

impl CoreCache {
    /// Returns whether entries may be evicted.
    pub fn is_bounded(&self) -> bool {
        self.file.get().bounded.load(Ordering::Relaxed)
    }

    /// Evicts what exceeds the limits of this object, after it stored `newest`.
    pub fn keep_limits(&self, newest: Option<&Bytes>, durable: bool) {
        if let Some(limits) = self.limits_if_any() {
            self.cache.policies().trim(limits, newest, durable);
        }
    }

    /// Returns the `size` of a text in bytes with the `max_bytes` that it exceeds: such a value is
    /// not kept.
    pub fn outgrown(&self, size: Option<u64>) -> Option<(u64, u64)> {
        let most = self.limits_if_any()?.max_bytes?;
        size.filter(|&size| size > most).map(|size| (size, most))
    }

    /// Returns the limits of this object, if it has any; without a look at them where no object of
    /// the file has some.
    fn limits_if_any(&self) -> Option<Limits> {
        let limits = self.is_bounded().then(|| *self.own_limits())?;
        (limits != Limits::default()).then_some(limits)
    }

    fn own_limits(&self) -> MutexGuard<'_, Limits> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

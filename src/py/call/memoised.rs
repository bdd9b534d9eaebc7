//! A memoised function: what its calls share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use pyo3::prelude::*;

use super::code_note::CodeRecord;
use super::manner::Manner;
use super::options::Options;
use super::told::Told;
use crate::cache::Gate;
use crate::py::cache::core::CoreCache;
use crate::py::ffi::Slot;
use crate::py::hits::Attached;
use crate::py::hits::table::Hits;
use crate::py::key::arguments::Call;
use crate::py::key::maker::KeyMaker;

/// A function whose results are kept.
#[pyclass(frozen, dict, weakref, name = "Memoised", module = "outlive._core")]
pub struct Memoised {
    pub(in crate::py) slot: Slot,
    pub(in crate::py) hits: Attached<Hits>,
    pub(in crate::py) gate: Arc<Gate>,
    pub(in crate::py) function: Py<PyAny>,
    pub(in crate::py) core: Py<CoreCache>,
    pub(in crate::py) keys: KeyMaker,
    pub(in crate::py) options: Mutex<Arc<Options>>,
    /// `module.qualname`, for messages.
    pub(in crate::py) name: String,
    /// How its calls go: whole, or in steps that Python takes.
    pub(in crate::py) manner: Manner,
    /// What tells this function from others that share its keys.
    pub(in crate::py) id: u64,
    pub(in crate::py) counters: Counters,
    pub(in crate::py) told: Told,
    /// What answers calls in its place while its cache works on another file.
    pub(in crate::py) stand_in: Mutex<Option<Py<PyAny>>>,
    /// What results record about the function's code.
    pub(in crate::py) code: CodeRecord,
    /// Whether an earlier function of this name is still called, whose results are not ours.
    pub(in crate::py) is_contested: Arc<AtomicBool>,
    /// Whether what it returned last could be used only once.
    pub(in crate::py) used_up: AtomicBool,
    /// Whether it was given its options, so that calls of it may be under way.
    pub(in crate::py) configured: AtomicBool,
    /// `outlive._registration.Registration`: its own options, and its place in the cache.
    pub(in crate::py) registration: Py<PyAny>,
}

/// Counts of the calls that no table answered.
#[derive(Debug, Default)]
pub struct Counters {
    /// Served from the cache.
    hits: AtomicU64,
    /// Computed.
    misses: AtomicU64,
    /// Found too old.
    expired: AtomicU64,
}

impl Counters {
    /// Counts a call that is served from the cache.
    pub fn hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a call that is computed; `expired` if it was found too old.
    pub fn miss(&self, expired: bool) {
        self.misses.fetch_add(1, Ordering::Relaxed);
        self.expired.fetch_add(expired.into(), Ordering::Relaxed);
    }

    /// Returns the hits, the misses, and how many were found too old.
    pub fn counts(&self) -> [u64; 3] {
        [&self.hits, &self.misses, &self.expired].map(|count| count.load(Ordering::Relaxed))
    }

    /// Sets all counts to zero.
    pub fn reset(&self) {
        for count in [&self.hits, &self.misses, &self.expired] {
            count.store(0, Ordering::Relaxed);
        }
    }
}

impl Memoised {
    /// Returns whether what may wait is left to threads: an event loop would stand still meanwhile.
    pub fn is_away(&self) -> bool {
        self.manner == Manner::Task && self.core.get().cache().is_paged()
    }

    /// Returns how results are kept and served.
    pub fn options(&self) -> Arc<Options> {
        Arc::clone(&self.options.lock())
    }

    /// Warns about its calls.
    pub(in crate::py) fn warn(&self, py: Python<'_>, class: &str, sentence: &str) -> PyResult<()> {
        self.core.get().file.get().notifier.warn_of(py, class, sentence, &self.function)
    }

    /// Calls the function itself.
    pub fn invoke<'py>(
        &self,
        py: Python<'py>,
        call: &Call<'_, 'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        call.invoke(self.function.bind(py))
    }

    /// Clears the table of hits: it is outdated, and would be kept until the next call that no
    /// table answers.
    #[inline(never)]
    pub fn release(&self, py: Python<'_>) {
        let dropped = self.hits.for_all(py, Hits::clear);
        drop(dropped);
    }
}

//! Caches whose store is on another machine, perhaps.

use pyo3::prelude::*;

use super::PyCache;

/// Does something with a cache; if that may wait for another machine, the interpreter is free meanwhile.
#[inline]
pub fn away<T: Send>(py: Python<'_>, cache: &PyCache, run: impl FnOnce(&PyCache) -> T + Send) -> T {
    if cache.is_remote() { py.detach(|| run(cache)) } else { run(cache) }
}

//! Caches whose store may be on another machine.

use pyo3::prelude::*;

use super::PyCache;

/// Runs an operation on a cache; if it may wait for another machine, the interpreter is released
/// meanwhile.
#[inline]
pub fn away<T: Send>(py: Python<'_>, cache: &PyCache, run: impl FnOnce(&PyCache) -> T + Send) -> T {
    if cache.is_remote() { detached(py, cache, run) } else { run(cache) }
}

/// Runs an operation on two caches, of which either may wait for another machine.
pub fn both_away<T: Send>(
    py: Python<'_>,
    one: &PyCache,
    other: &PyCache,
    run: impl FnOnce(&PyCache, &PyCache) -> T + Send,
) -> T {
    let remote = if one.is_remote() { one } else { other };
    away(py, remote, |_| run(one, other))
}

/// Out of line: the operation is inlined once, where it waits for nobody.
#[cold]
#[inline(never)]
fn detached<T: Send>(py: Python<'_>, cache: &PyCache, run: impl FnOnce(&PyCache) -> T + Send) -> T {
    py.detach(|| run(cache))
}

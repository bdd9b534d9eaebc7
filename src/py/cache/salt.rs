//! The salt of secrets: made when first needed, kept in the file, the same for all its processes.

use std::time::Duration;

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::PyCache;
use super::away::away;
use super::core::CoreCache;
use super::mode::Mode;
use crate::store::{KeyGuard, KeyLock, RESERVED_KEY};

/// The salt of a cache, for digests of secrets.
#[pyclass(frozen, name = "Salt", module = "outlive._core")]
pub struct CoreSalt {
    core: Py<CoreCache>,
}

#[pymethods]
impl CoreSalt {
    /// Returns the salt; None if `offer` must make it first.
    fn get(&self, py: Python<'_>) -> PyResult<Option<String>> {
        let core = self.core.bind(py);
        let mode = CoreCache::mode(core)?;
        if mode == Mode::Off {
            return Ok(core.get().spare_salt.get().cloned());
        }
        CoreCache::load_once(core)?;
        Ok(core.get().cache().salts().get(mode.writes()))
    }

    /// Proposes `salt`; returns the one in force, the same in all processes.
    pub fn offer(&self, py: Python<'_>, salt: String) -> PyResult<String> {
        let core = self.core.bind(py);
        let mode = CoreCache::mode(core)?;
        if mode == Mode::Off {
            return Ok(core.get().spare_salt.get_or_init(|| salt).clone());
        }
        CoreCache::load_once(core)?;
        let core = core.get();
        let _alone = mode.writes().then(|| lock(py, core.cache()));
        let _brought = core.file.get().bring().salt(py)?;
        let salt = away(py, core.cache(), |cache| {
            cache.take_external_changes();
            cache.salts().offer(salt, mode.writes())
        });
        core.tell(py)?;
        Ok(salt)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.core)
    }
}

impl CoreSalt {
    /// Returns the salt of `core`.
    pub fn of(core: Py<CoreCache>) -> Self {
        Self { core }
    }
}

/// Keeps other processes from making a salt; that takes a moment, so nobody waits long.
fn lock(py: Python<'_>, cache: &PyCache) -> Option<KeyGuard> {
    for _ in 0..1000 {
        match away(py, cache, |cache| cache.lock_key(RESERVED_KEY.as_bytes())) {
            KeyLock::Held(lock) => return Some(lock),
            KeyLock::Unsupported => return None,
            KeyLock::Busy => py.detach(|| std::thread::sleep(Duration::from_millis(1))),
        }
    }
    None
}

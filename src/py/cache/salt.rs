//! The salt of secrets: made when first needed, kept in the file, the same for all its processes.

use std::time::Duration;

use pyo3::prelude::*;

use super::away::away;
use super::core::CoreCache;
use super::mode::Mode;
use crate::store::{KeyGuard, KeyLock, RESERVED_KEY};

#[pymethods]
impl CoreCache {
    /// The salt of the digests of secrets; None if `offer_salt` must make it first.
    fn salt(slf: &Bound<'_, Self>) -> PyResult<Option<String>> {
        let (me, mode) = (slf.get(), Self::mode(slf)?);
        if mode == Mode::Off {
            return Ok(me.spare_salt.get().cloned());
        }
        Self::load_once(slf)?;
        Ok(me.cache().salts().get(mode.writes()))
    }

    /// Proposes `salt`; returns the one in force, the same in all processes.
    pub(super) fn offer_salt(slf: &Bound<'_, Self>, salt: String) -> PyResult<String> {
        let (me, mode, py) = (slf.get(), Self::mode(slf)?, slf.py());
        if mode == Mode::Off {
            return Ok(me.spare_salt.get_or_init(|| salt).clone());
        }
        Self::load_once(slf)?;
        let _alone = mode.writes().then(|| me.lock_salt(py));
        let _brought = me.file.get().bring().salt(py)?;
        let salt = away(py, me.cache(), |cache| {
            cache.take_external_changes();
            cache.salts().offer(salt, mode.writes())
        });
        me.tell(py)?;
        Ok(salt)
    }
}

impl CoreCache {
    /// Keeps other processes from making a salt; that takes a moment, so nobody waits long.
    fn lock_salt(&self, py: Python<'_>) -> Option<KeyGuard> {
        for _ in 0..1000 {
            match away(py, self.cache(), |cache| cache.lock_key(RESERVED_KEY.as_bytes())) {
                KeyLock::Held(lock) => return Some(lock),
                KeyLock::Unsupported => return None,
                KeyLock::Busy => py.detach(|| std::thread::sleep(Duration::from_millis(1))),
            }
        }
        None
    }
}

//! What a step of the cache will ask of a mapping is brought before the step. Other stores are
//! asked by the step itself.

use bytes::Bytes;
use pyo3::prelude::*;

use super::core::CoreCache;
use crate::store::{Asking, Listed};

impl CoreCache {
    /// Brings the entry of `key`, which is there as long as what is returned.
    pub fn bring(&self, py: Python<'_>, key: &Bytes) -> PyResult<Option<Asking>> {
        let distant = self.file.get().distant.as_ref();
        distant.map_or(Ok(None), |distant| distant.bring(py, &self.cache, key))
    }

    /// Brings the salt.
    pub(super) fn bring_salt(&self, py: Python<'_>) -> PyResult<Option<Asking>> {
        let distant = self.file.get().distant.as_ref();
        distant.map_or(Ok(None), |distant| distant.bring_salt(py, &self.cache))
    }

    /// Brings all entries, which are there as long as what is returned.
    pub(super) fn bring_all(&self, py: Python<'_>) -> PyResult<Option<Listed>> {
        self.file.get().distant.as_ref().map(|distant| distant.bring_all(py)).transpose()
    }

    /// Brings how many entries there are, of the function with this name if one is given.
    pub(super) fn bring_count(
        &self,
        py: Python<'_>,
        name: Option<&[u8]>,
    ) -> PyResult<Option<Listed>> {
        let distant = self.file.get().distant.as_ref();
        distant.map(|distant| distant.bring_count(py, &self.cache, name)).transpose()
    }
}

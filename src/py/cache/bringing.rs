//! What a step of the cache will ask of a mapping is brought before the step. Other stores are
//! asked by the step itself.

use bytes::Bytes;
use pyo3::prelude::*;

use super::PyCache;
use super::distant::DistantPlace;
use crate::store::{Asking, Listed};

/// Brings entries from a mapping, if that is where those of a cache are.
#[derive(Clone, Copy)]
pub struct Bringing<'a> {
    /// The way to the mapping.
    pub distant: Option<&'a DistantPlace>,
    /// The cache that will ask.
    pub cache: &'a PyCache,
}

impl Bringing<'_> {
    /// Brings the entry of `key`, which is there as long as what is returned.
    #[inline]
    pub fn entry(self, py: Python<'_>, key: &Bytes) -> PyResult<Option<Asking>> {
        self.distant.map_or(Ok(None), |distant| distant.bring(py, self.cache, key))
    }

    /// Brings the salt.
    pub fn salt(self, py: Python<'_>) -> PyResult<Option<Asking>> {
        self.distant.map_or(Ok(None), |distant| distant.bring_salt(py, self.cache))
    }

    /// Brings all entries, which are there as long as what is returned.
    pub fn all(self, py: Python<'_>) -> PyResult<Option<Listed>> {
        self.distant.map(|distant| distant.bring_all(py)).transpose()
    }

    /// Brings how many entries there are, of the function with this name if one is given.
    pub fn count(self, py: Python<'_>, name: Option<&[u8]>) -> PyResult<Option<Listed>> {
        self.distant.map(|distant| distant.bring_count(py, self.cache, name)).transpose()
    }
}

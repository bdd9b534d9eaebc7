//! The parts of a cache by which Python reaches what is in it.

use pyo3::prelude::*;

use super::core::CoreCache;
use super::entries::CoreEntries;
use super::facts::CoreFacts;
use super::salt::CoreSalt;

#[pymethods]
impl CoreCache {
    /// The keys and the values.
    #[getter]
    fn entries(slf: &Bound<'_, Self>) -> CoreEntries {
        CoreEntries::of(slf.clone().unbind())
    }

    /// What is known of the entries beside their values.
    #[getter]
    fn facts(slf: &Bound<'_, Self>) -> CoreFacts {
        CoreFacts::of(slf.clone().unbind())
    }

    /// The salt of the digests of secrets.
    #[getter]
    fn salt(slf: &Bound<'_, Self>) -> CoreSalt {
        CoreSalt::of(slf.clone().unbind())
    }
}

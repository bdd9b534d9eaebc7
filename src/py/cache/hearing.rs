//! The calls that the hooks of one `outlive.Cache` object are told of.

use pyo3::prelude::*;

use super::core::CoreCache;
use super::watchers::{Happening, hits_are_logged};

#[pymethods]
impl CoreCache {
    /// Sets which calls the hooks of this object are told of.
    #[pyo3(signature = (*, hits, misses, stores))]
    fn watch(&self, hits: bool, misses: bool, stores: bool) {
        let wanted =
            [(hits, Happening::Hit), (misses, Happening::Miss), (stores, Happening::Store)];
        self.watchers.set(wanted.into_iter().filter_map(|(wanted, what)| wanted.then_some(what)));
        self.cache.gate().epoch.advance();
    }
}

impl CoreCache {
    /// Returns whether a hook of this object is told of this.
    pub fn watches(&self, what: Happening) -> bool {
        self.watchers.want(what)
    }

    /// Returns whether every hit must be seen.
    pub fn watches_hits(&self) -> bool {
        self.watches(Happening::Hit) || hits_are_logged()
    }
}

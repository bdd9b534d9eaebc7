//! What the hooks of one `outlive.Cache` object hear of.

use pyo3::prelude::*;

use super::core::CoreCache;
use super::watchers::{Happening, hits_are_logged};

#[pymethods]
impl CoreCache {
    /// Says what the hooks of this object want to hear of.
    #[pyo3(signature = (*, hits, misses, stores))]
    fn watch(&self, hits: bool, misses: bool, stores: bool) {
        let wanted =
            [(hits, Happening::Hit), (misses, Happening::Miss), (stores, Happening::Store)];
        self.watchers.set(wanted.into_iter().filter_map(|(wanted, what)| wanted.then_some(what)));
        self.cache.gate().epoch.advance();
    }
}

impl CoreCache {
    /// Whether a hook of this object wants to hear of this.
    pub fn watches(&self, what: Happening) -> bool {
        self.watchers.want(what)
    }

    /// Whether every hit must be seen.
    pub fn watches_hits(&self) -> bool {
        self.watches(Happening::Hit) || hits_are_logged()
    }
}

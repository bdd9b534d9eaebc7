//! Limits of functions and of the whole cache, by the names that their keys begin with.

use std::collections::HashMap;

use bytes::Bytes;

use crate::policy::{Limits, Mark, Recency, Scope};
use crate::sync::Arc;

/// What was used last, and how much there may be.
#[derive(Debug, Default)]
pub struct Bounds {
    recency: Recency,
    /// Functions with limits of their own: what stands before the parenthesis of their keys.
    functions: HashMap<Vec<u8>, Scope>,
}

impl Bounds {
    /// Sets the limits of the function `name`, or of the whole cache; the keys that go.
    pub fn limit(&mut self, name: Option<&[u8]>, limits: Limits) -> Vec<Bytes> {
        let Some(name) = name else { return self.recency.set_limits(Scope::CACHE, limits) };
        let recency = &mut self.recency;
        let scope = self.functions.entry(name.to_vec());
        let scope = *scope.or_insert_with(|| recency.add_scope(Limits::default()));
        self.recency.set_limits(scope, limits)
    }

    /// An entry came, or came again; the keys that go for it.
    pub fn insert(&mut self, key: &Bytes, bytes: u64, mark: &Arc<Mark>) -> Vec<Bytes> {
        let scope = self.scope(key);
        self.recency.insert(key, bytes, scope, mark)
    }

    /// An entry went.
    pub fn remove(&mut self, key: &[u8]) {
        self.recency.remove(key);
    }

    /// All entries went.
    pub fn clear(&mut self) {
        self.recency.clear();
    }

    /// How many entries went for the limits of the function `name`, or of the whole cache.
    pub fn evictions(&self, name: Option<&[u8]>) -> u64 {
        let scope = name.map_or(Some(Scope::CACHE), |name| self.functions.get(name).copied());
        scope.map_or(0, |scope| self.recency.evictions(scope))
    }

    fn scope(&self, key: &[u8]) -> Scope {
        let name = memchr::memchr(b'(', key).map(|end| &key[..end]);
        name.and_then(|name| self.functions.get(name).copied()).unwrap_or(Scope::CACHE)
    }
}

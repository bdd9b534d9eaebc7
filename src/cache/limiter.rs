//! Limits of functions and of the whole cache, by the names that their keys begin with.

use std::collections::HashMap;

use bytes::Bytes;

use crate::policy::{Limits, Liveness, Lru, Scope};
use crate::sync::Arc;

/// What was used last, and how much there may be.
#[derive(Debug, Default)]
pub struct Limiter {
    lru: Lru,
    /// Functions with limits of their own: what stands before the parenthesis of their keys.
    functions: HashMap<Vec<u8>, Scope>,
}

impl Limiter {
    /// Sets the limits of the function `name`, or of the whole cache; the keys that go.
    pub fn limit(&mut self, name: Option<&[u8]>, limits: Limits) -> Vec<Bytes> {
        let Some(name) = name else { return self.lru.set_limits(Scope::CACHE, limits) };
        let lru = &mut self.lru;
        let scope = self.functions.entry(name.to_vec());
        let scope = *scope.or_insert_with(|| lru.add_scope(Limits::default()));
        self.lru.set_limits(scope, limits)
    }

    /// An entry came, or came again; the keys that go for it.
    pub fn insert(&mut self, key: &Bytes, bytes: u64, liveness: &Arc<Liveness>) -> Vec<Bytes> {
        let scope = self.scope(key);
        self.lru.insert(key, bytes, scope, liveness)
    }

    /// An entry went.
    pub fn remove(&mut self, key: &[u8]) {
        self.lru.remove(key);
    }

    /// All entries went.
    pub fn clear(&mut self) {
        self.lru.clear();
    }

    /// How many entries went for the limits of the function `name`, or of the whole cache.
    pub fn evictions(&self, name: Option<&[u8]>) -> u64 {
        let scope = name.map_or(Some(Scope::CACHE), |name| self.functions.get(name).copied());
        scope.map_or(0, |scope| self.lru.evictions(scope))
    }

    fn scope(&self, key: &[u8]) -> Scope {
        let name = memchr::memchr(b'(', key).map(|end| &key[..end]);
        name.and_then(|name| self.functions.get(name).copied()).unwrap_or(Scope::CACHE)
    }
}

//! Evicts the least recently used entries first.
//!
//! A use is noted in the entry's [`Liveness`] and nowhere else, so that it costs next to nothing.
//! The orders are corrected when an entry must be evicted: an entry that was used since it was put
//! in order gets its new place then.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use foldhash::fast::RandomState;

use super::liveness::Liveness;
use crate::sync::Arc;

/// The limits of a scope; `None`: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Number of entries.
    pub maxsize: Option<usize>,
    /// Sum of the entries' sizes in bytes.
    pub max_bytes: Option<u64>,
}

impl Limits {
    fn exceeded_by(self, entries: usize, bytes: u64) -> bool {
        self.maxsize.is_some_and(|most| entries > most)
            || self.max_bytes.is_some_and(|most| bytes > most)
    }
}

/// Entries that share limits: those of one function, or all of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope(usize);

impl Scope {
    /// Every entry of the cache, whatever its function.
    pub const CACHE: Self = Self(0);
}

#[derive(Debug)]
struct Node {
    bytes: u64,
    scope: Scope,
    liveness: Arc<Liveness>,
    /// The use that decides its place in the orders: the last one, or an earlier one.
    placed: u64,
}

impl Node {
    /// The scopes in which it counts: the whole cache, and its own.
    fn scopes(&self) -> impl Iterator<Item = Scope> + use<> {
        let own = (self.scope != Scope::CACHE).then_some(self.scope);
        [Scope::CACHE].into_iter().chain(own)
    }
}

/// The entries of one scope.
#[derive(Debug, Default)]
struct ScopeState {
    /// The least recently used first; equal uses in the order of the keys.
    order: BTreeSet<(u64, Bytes)>,
    limits: Limits,
    bytes: u64,
    evictions: u64,
}

impl ScopeState {
    fn exceeds(&self, limits: Limits) -> bool {
        limits.exceeded_by(self.order.len(), self.bytes)
    }
}

/// The exact order of use of a cache's entries, in several scopes at once. Every step takes
/// logarithmic time; an eviction also reorders the entries that were used since the last one.
#[derive(Debug)]
pub struct Lru {
    entries: HashMap<Bytes, Node, RandomState>,
    scopes: Vec<ScopeState>,
}

impl Default for Lru {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Lru {
    /// Makes an empty order, with `limits` for the whole cache.
    pub fn new(limits: Limits) -> Self {
        let cache = ScopeState { limits, ..ScopeState::default() };
        Self { entries: HashMap::default(), scopes: vec![cache] }
    }

    /// Adds a scope within the cache, with limits of its own.
    pub fn add_scope(&mut self, limits: Limits) -> Scope {
        self.scopes.push(ScopeState { limits, ..ScopeState::default() });
        Scope(self.scopes.len() - 1)
    }

    /// Changes the limits of a scope; returns the keys to evict, oldest first.
    pub fn set_limits(&mut self, scope: Scope, limits: Limits) -> Vec<Bytes> {
        self.scope_mut(scope).limits = limits;
        self.trim(scope, limits, None)
    }

    /// Evicts the oldest entries of a scope until it keeps `limits`, instead of its own; returns
    /// their keys. If `newest` alone is too large, it is evicted, and no other entry for it.
    pub fn trim(&mut self, scope: Scope, limits: Limits, newest: Option<&Bytes>) -> Vec<Bytes> {
        let mut gone = Vec::new();
        let bytes = newest.and_then(|key| self.entries.get(key)).map(|entry| entry.bytes);
        if let Some((key, _)) = newest.zip(bytes).filter(|(_, bytes)| limits.exceeded_by(1, *bytes))
        {
            self.remove(key);
            self.scope_mut(scope).evictions += 1;
            gone.push(key.clone());
        }
        self.evict(scope, limits, &mut gone);
        gone
    }

    /// Adds an entry of `bytes` bytes to its scope and to the cache, in place of an earlier one
    /// with its key; returns the keys to evict for it, oldest first. `liveness` tells when it is
    /// used.
    ///
    /// An entry that alone is too large for a scope is evicted at once, and no other entry for it.
    pub fn insert(
        &mut self,
        key: &Bytes,
        bytes: u64,
        scope: Scope,
        liveness: &Arc<Liveness>,
    ) -> Vec<Bytes> {
        self.remove(key);
        for tight in [scope, Scope::CACHE] {
            if self.scope_mut(tight).limits.exceeded_by(1, bytes) {
                self.scope_mut(tight).evictions += 1;
                return vec![key.clone()];
            }
        }
        let entry = Node { bytes, scope, liveness: Arc::clone(liveness), placed: liveness.used() };
        for scope in entry.scopes() {
            let scope = self.scope_mut(scope);
            scope.bytes += bytes;
            scope.order.insert((entry.placed, key.clone()));
        }
        self.entries.insert(key.clone(), entry);
        let mut gone = Vec::new();
        for scope in [scope, Scope::CACHE] {
            self.evict(scope, self.scopes[scope.0].limits, &mut gone);
        }
        gone
    }

    /// Forgets an entry; returns whether there was one. It does not count as evicted.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        let Some((key, entry)) = self.entries.remove_entry(key) else { return false };
        let place = (entry.placed, key);
        for scope in entry.scopes() {
            let scope = self.scope_mut(scope);
            scope.bytes -= entry.bytes;
            scope.order.remove(&place);
        }
        true
    }

    /// Forgets all entries; scopes, limits and counts of evictions stay.
    pub fn clear(&mut self) {
        self.entries.clear();
        for scope in &mut self.scopes {
            scope.order.clear();
            scope.bytes = 0;
        }
    }

    /// The number of entries of a scope.
    pub fn len(&self, scope: Scope) -> usize {
        self.scopes[scope.0].order.len()
    }

    /// The number of bytes of the entries of a scope.
    pub fn bytes(&self, scope: Scope) -> u64 {
        self.scopes[scope.0].bytes
    }

    /// The number of entries evicted for the limits of this scope.
    pub fn evictions(&self, scope: Scope) -> u64 {
        self.scopes[scope.0].evictions
    }

    fn scope_mut(&mut self, scope: Scope) -> &mut ScopeState {
        &mut self.scopes[scope.0]
    }

    /// Evicts the oldest entries of a scope until it keeps `limits`.
    fn evict(&mut self, scope: Scope, limits: Limits, gone: &mut Vec<Bytes>) {
        while self.scope_mut(scope).exceeds(limits) {
            let Some((_, key)) = self.scope_mut(scope).order.first().cloned() else { return };
            if self.was_used(&key) {
                continue;
            }
            self.remove(&key);
            self.scope_mut(scope).evictions += 1;
            gone.push(key);
        }
    }

    /// Moves an entry to its new place if it was used since it got its place; returns whether it
    /// was.
    fn was_used(&mut self, key: &Bytes) -> bool {
        let Some(entry) = self.entries.get_mut(key) else { return false };
        let used = entry.liveness.used();
        let old = std::mem::replace(&mut entry.placed, used);
        for scope in entry.scopes().filter(|_| used != old) {
            let order = &mut self.scopes[scope.0].order;
            order.remove(&(old, key.clone()));
            order.insert((used, key.clone()));
        }
        used != old
    }
}

//! Limits of functions and of the whole cache, and counts of evicted entries.

use std::collections::HashMap;

use bytes::Bytes;

use super::entry::Origin;
use crate::key::name_of;
use crate::policy::{Limits, Liveness, Lru, Scope};
use crate::sync::Arc;

/// The entries that share a limit: all, or those of one function.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Share {
    /// All of the cache.
    All,
    /// Those whose keys begin with this name and a parenthesis.
    Name(Vec<u8>),
    /// Those that the function with this number made, if keys do not tell.
    Number(u64),
}

impl Share {
    /// Returns the share of the function that made an entry, as far as can be told.
    pub fn of(key: &[u8], origin: Option<Origin>) -> Option<Self> {
        match origin {
            Some(origin) => Some(Self::Number(origin.function)),
            None => name_of(key).map(|name| Self::Name(name.to_vec())),
        }
    }
}

/// The order of use, and the limits.
#[derive(Debug, Default)]
pub struct Limiter {
    lru: Lru,
    /// Functions with limits of their own.
    limited: HashMap<Share, Scope>,
    /// The number of evicted entries of each function.
    evicted: HashMap<Share, u64>,
    evicted_in_all: u64,
}

impl Limiter {
    /// Sets limits; returns the keys to evict.
    pub fn limit(&mut self, share: Share, limits: Limits) -> Vec<Bytes> {
        let lru = &mut self.lru;
        let scope = match share {
            Share::All => Scope::CACHE,
            share => *self.limited.entry(share).or_insert_with(|| lru.add_scope(Limits::default())),
        };
        self.lru.set_limits(scope, limits)
    }

    /// Returns the keys to evict until the whole cache keeps `limits`, after `newest` was put.
    pub fn trim(&mut self, limits: Limits, newest: Option<&Bytes>) -> Vec<Bytes> {
        self.lru.trim(Scope::CACHE, limits, newest)
    }

    /// Records an entry that is new or put again; returns the keys to evict for it.
    pub fn insert(
        &mut self,
        key: &Bytes,
        bytes: u64,
        origin: Option<Origin>,
        liveness: &Arc<Liveness>,
    ) -> Vec<Bytes> {
        let scope = self.scope(key, origin);
        self.lru.insert(key, bytes, scope, liveness)
    }

    /// Records that an entry was removed.
    pub fn remove(&mut self, key: &[u8]) {
        self.lru.remove(key);
    }

    /// Records that all entries were removed.
    pub fn clear(&mut self) {
        self.lru.clear();
    }

    /// Counts an evicted entry.
    pub fn count_evicted(&mut self, key: &[u8], origin: Option<Origin>) {
        self.evicted_in_all += 1;
        if let Some(share) = Share::of(key, origin) {
            *self.evicted.entry(share).or_default() += 1;
        }
    }

    /// The number of evicted entries.
    pub fn evictions(&self, share: &Share) -> u64 {
        match share {
            Share::All => self.evicted_in_all,
            share => self.evicted.get(share).copied().unwrap_or(0),
        }
    }

    fn scope(&self, key: &[u8], origin: Option<Origin>) -> Scope {
        if self.limited.is_empty() {
            return Scope::CACHE;
        }
        let share = Share::of(key, origin);
        share.and_then(|share| self.limited.get(&share).copied()).unwrap_or(Scope::CACHE)
    }
}

/// Returns the name of the function that made the entry of `key`, as far as the key alone tells: in
/// the drop-in's file a string such as an address is no call.
pub(super) fn function_of(key: &[u8]) -> Option<&[u8]> {
    name_of(key).filter(|name| is_function(name) && key.ends_with(b")"))
}

/// Whether what stands before a parenthesis can be the name of a function.
pub(super) fn is_function(name: &[u8]) -> bool {
    let is_one = |byte: &u8| !matches!(byte, b' ' | b'/' | b'{');
    !name.is_empty() && (name.starts_with(b"\"") || name.iter().all(is_one))
}

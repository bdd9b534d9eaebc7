//! The limits of a cache, and what its file keeps for the sake of expiry.

use bytes::Bytes;

use super::fitting::room;
use super::ledger::Ledger;
use super::lifetimes::Lifetime;
use super::limiter::Share;
use crate::policy::Limits;
use crate::store::Room;
use crate::sync::{self, Arc};

/// Sets the limits of a cache, and what its file keeps for the sake of expiry.
pub struct Policies<L>(Arc<Ledger<L>>);

impl<L: Clone> Policies<L> {
    /// The policies of a cache with this ledger.
    pub(super) fn new(ledger: Arc<Ledger<L>>) -> Self {
        Self(ledger)
    }

    /// Sets limits, and evicts what exceeds them.
    pub fn limit(&self, share: Share, limits: Limits) {
        let (evicted, _forgotten);
        let _active = sync::active();
        let _history = self.0.history.lock();
        if let Some(paged) = self.0.store.paged() {
            _forgotten = self.0.limit_stored(paged, &share, limits);
            return;
        }
        evicted = self.0.state.lock().rows.limit(share, limits);
        self.0.write_off(&evicted);
        self.0.gate.epoch.advance();
    }

    /// Evicts the least recently used entries until the whole cache keeps `limits`. `newest` was
    /// just put; if it alone is too large, no other entry is evicted for it. Unless this is
    /// `durable`, the store keeps what is evicted.
    pub fn trim(&self, limits: Limits, newest: Option<&Bytes>, durable: bool) {
        let (evicted, _forgotten);
        let _active = sync::active();
        let _history = self.0.history.lock();
        if let Some(paged) = self.0.store.paged() {
            let newest = newest.map(|key| &key[..]);
            let room = if durable { room(limits) } else { Room::default() };
            _forgotten = self.0.fit(paged, None, room, newest);
            return;
        }
        let mut state = self.0.state.lock();
        evicted = state.rows.trim(limits, newest);
        self.0.let_go(state, &evicted, durable);
    }

    /// The number of evicted entries.
    pub fn evictions(&self, share: &Share) -> u64 {
        let _active = sync::active();
        if self.0.store.paged().is_some() {
            return self.0.paging.evictions(share);
        }
        self.0.state.lock().rows.evictions(share)
    }

    /// Sets how long the file keeps the results of a function; None: for ever. Later results are
    /// dropped when a snapshot is written.
    pub fn expire(&self, share: Share, lifetime: Option<Lifetime>) {
        let _active = sync::active();
        if let Some(paged) = self.0.store.paged() {
            if let Share::Name(name) = share {
                let own_clock = lifetime.is_some_and(|lifetime| lifetime.own_clock);
                paged.expire(&name, lifetime.map(|lifetime| lifetime.seconds), own_clock);
            }
            return;
        }
        self.0.state.lock().lifetimes.set(share, lifetime);
    }

    /// Sets how many bytes of a store that is not loaded whole may be in memory.
    pub fn keep_near(&self, most: u64) {
        let _displaced;
        let _active = sync::active();
        let mut state = self.0.state.lock();
        state.rows.limit_near(most);
        _displaced = state.rows.trim_near();
    }

    /// Returns the keys of all entries made before `time`, by the functions of `share` if it names
    /// one.
    pub fn made_before(&self, time: f64, share: &Share) -> Vec<Bytes> {
        let _active = sync::active();
        match (self.0.store.paged(), share) {
            (None, _) => self.0.loaded().made_before(time, share),
            (Some(paged), Share::Name(name)) => paged.keys(Some(name), Some(time)),
            (Some(paged), _) => paged.keys(None, Some(time)),
        }
    }

    /// Keeps creation times in the file from now on: a function with an expiry needs them.
    pub fn keep_times(&self) {
        let _active = sync::active();
        self.0.state.lock().keeps_times = true;
        self.0.gate.track_liveness();
    }
}

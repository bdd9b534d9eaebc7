//! Limits and uses where the store, which is not loaded whole, enforces the limits.

use std::collections::HashMap;

use bytes::Bytes;

use super::bounded_table::Displaced;
use super::gate::Gate;
use super::limiter::Share;
use crate::key::name_of;
use crate::store::{Room, Store};
use crate::sync::{Arc, Mutex, rank};

/// How many uses of entries that are no longer in memory are collected before the store is told.
const MANY_USES: usize = 1000;

/// The limits that the store enforces, and what was evicted for them.
#[derive(Debug, Default)]
pub struct Paging(Mutex<Limited, { rank::LEAF }>);

#[derive(Debug, Default)]
struct Limited {
    /// The limits of each function that has any.
    rooms: HashMap<Vec<u8>, Room>,
    evicted: HashMap<Vec<u8>, u64>,
    evicted_in_all: u64,
    /// Whether there is any limit: then the order of use matters.
    any: bool,
    /// The last uses of copies that are no longer in memory, which the store does not know yet.
    uses: HashMap<Bytes, u64>,
}

impl Paging {
    /// The paging of a cache over `store`, whose uses `gate` counts.
    pub fn over(store: &dyn Store, gate: &Arc<Gate>) -> Self {
        if let Some(paged) = store.paged() {
            let gate = Arc::clone(gate);
            paged.count_uses(Box::new(move || gate.uses.clock.tick()));
        }
        Self::default()
    }

    /// How many entries were evicted.
    pub fn evictions(&self, share: &Share) -> u64 {
        let limited = self.0.lock();
        match share {
            Share::Name(name) => limited.evicted.get(name).copied().unwrap_or(0),
            Share::All | Share::Number(_) => limited.evicted_in_all,
        }
    }

    pub fn room_of(&self, name: &[u8]) -> Option<Room> {
        let limited = self.0.lock();
        // Nearly always there are none.
        if limited.rooms.is_empty() { None } else { limited.rooms.get(name).copied() }
    }

    /// Records the last uses of copies that leave memory, if they matter; returns all recorded uses
    /// for the store once they are many.
    pub fn note_gone<L>(&self, gone: &Displaced<L>) -> Option<Vec<(Bytes, u64)>> {
        if gone.is_empty() {
            return None;
        }
        let mut limited = self.0.lock();
        if !limited.any {
            return None;
        }
        let uses = gone.iter().map(|(key, entry)| (key.clone(), entry.used_at()));
        limited.uses.extend(uses);
        let is_much = limited.uses.len() >= MANY_USES;
        is_much.then(|| std::mem::take(&mut limited.uses).into_iter().collect())
    }

    pub fn count_evicted(&self, keys: &[Bytes]) {
        let mut limited = self.0.lock();
        limited.evicted_in_all += keys.len() as u64;
        for name in keys.iter().filter_map(|key| name_of(key)) {
            *limited.evicted.entry(name.to_vec()).or_default() += 1;
        }
    }

    /// Sets the limits of a function.
    pub fn limit(&self, name: &[u8], room: Room) {
        let mut limited = self.0.lock();
        if room == Room::default() {
            limited.rooms.remove(name);
        } else {
            limited.rooms.insert(name.to_vec(), room);
        }
    }

    /// Notes that there is a limit.
    pub fn note_limit(&self) {
        self.0.lock().any = true;
    }

    /// Returns whether there is a limit.
    pub fn is_limited(&self) -> bool {
        self.0.lock().any
    }

    /// Returns when a copy of `key` that is no longer in memory was last used.
    pub fn use_of(&self, key: &[u8]) -> Option<u64> {
        self.0.lock().uses.get(key).copied()
    }

    /// Takes all such uses, for the store.
    pub fn take_uses(&self) -> Vec<(Bytes, u64)> {
        std::mem::take(&mut self.0.lock().uses).into_iter().collect()
    }
}

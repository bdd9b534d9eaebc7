//! What is kept of limits and uses where the store, which is not loaded whole, keeps the limits.

use std::collections::HashMap;

use bytes::Bytes;

use super::bounded_table::Displaced;
use super::gate::Gate;
use super::limiter::Share;
use crate::key::name_of;
use crate::store::{Room, Store};
use crate::sync::{Arc, Mutex, rank};

/// So many uses of entries that are in memory no longer are told to the store at once.
const MANY_USES: usize = 1000;

/// The limits that are kept in the store, and what went for them.
#[derive(Debug, Default)]
pub struct Paging(Mutex<Limited, { rank::LEAF }>);

#[derive(Debug, Default)]
struct Limited {
    /// How much there may be of functions that have limits.
    rooms: HashMap<Vec<u8>, Room>,
    evicted: HashMap<Vec<u8>, u64>,
    evicted_in_all: u64,
    /// Whether anybody has a limit: then the order of use matters.
    any: bool,
    /// When copies were last used that are no longer in memory, and the store does not know it.
    uses: HashMap<Bytes, u64>,
}

impl Paging {
    /// That of a cache over `store`, whose uses `gate` counts.
    pub fn over(store: &dyn Store, gate: &Arc<Gate>) -> Self {
        if let Some(paged) = store.paged() {
            let gate = Arc::clone(gate);
            paged.count_uses(Box::new(move || gate.uses.clock.tick()));
        }
        Self::default()
    }

    /// How many entries went for want of room.
    pub fn evictions(&self, share: &Share) -> u64 {
        let limited = self.0.lock();
        match share {
            Share::Name(name) => limited.evicted.get(name).copied().unwrap_or(0),
            Share::All | Share::Number(_) => limited.evicted_in_all,
        }
    }

    pub fn room_of(&self, name: &[u8]) -> Option<Room> {
        let limited = self.0.lock();
        // Nearly always there is none.
        if limited.rooms.is_empty() { None } else { limited.rooms.get(name).copied() }
    }

    /// Notes the last uses of copies that go from memory, if they matter; what there is to tell the store
    /// by now, if that is much.
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

    /// Sets how much there may be of a function.
    pub fn limit(&self, name: &[u8], room: Room) {
        let mut limited = self.0.lock();
        if room == Room::default() {
            limited.rooms.remove(name);
        } else {
            limited.rooms.insert(name.to_vec(), room);
        }
    }

    /// Notes that somebody has a limit.
    pub fn note_limit(&self) {
        self.0.lock().any = true;
    }

    /// Whether somebody has a limit.
    pub fn is_limited(&self) -> bool {
        self.0.lock().any
    }

    /// When the copy of `key` was last used that is no longer in memory.
    pub fn use_of(&self, key: &[u8]) -> Option<u64> {
        self.0.lock().uses.get(key).copied()
    }

    /// All such uses, which the store is told now.
    pub fn take_uses(&self) -> Vec<(Bytes, u64)> {
        std::mem::take(&mut self.0.lock().uses).into_iter().collect()
    }
}

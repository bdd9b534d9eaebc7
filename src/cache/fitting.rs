//! Limits that a store enforces which is not loaded whole: only it knows all entries, and only this
//! process knows when it used its copies last.

use bytes::Bytes;

use super::bounded_table::Displaced;
use super::ledger::Ledger;
use super::limiter::Share;
use super::state::State;
use crate::error::Result;
use crate::key::name_of;
use crate::policy::Limits;
use crate::store::{Cause, Change, Item, Paged, Room};

impl<L: Clone> Ledger<L> {
    /// Makes the store keep `limits`. The history is locked.
    pub fn limit_stored(&self, paged: &dyn Paged, share: &Share, limits: Limits) -> Displaced<L> {
        // A limit for the whole cache will apply to each store.
        self.paging.note_limit();
        let Share::Name(name) = share else { return Displaced::new() };
        let room = room(limits);
        self.paging.limit(name, room);
        if !self.state.lock().is_loaded() {
            return Displaced::new();
        }
        self.fit(paged, Some(name), room, None)
    }

    /// Makes the store keep the limits of the function that made `key`, and drops copies that take
    /// too much memory; they are added to `displaced`. The history is locked.
    pub fn make_room(&self, key: &[u8], transient: bool, displaced: &mut Displaced<L>) {
        let Some(paged) = self.store.paged() else { return };
        let mut gone = self.state.lock().rows.trim_near();
        if let Some(uses) = self.paging.note_gone(&gone) {
            paged.note_uses(&uses);
        }
        let name = name_of(key).filter(|_| !transient);
        if let Some((name, room)) = name.and_then(|name| Some((name, self.paging.room_of(name)?))) {
            gone.extend(self.fit(paged, Some(name), room, Some(key)));
        }
        displaced.extend(gone);
    }

    /// Writes a result to the store, and makes it fit if its function has a limit; the keys of what
    /// goes are added to `gone`. The history is locked.
    pub fn write_fitting(
        &self,
        paged: &dyn Paged,
        item: Item,
        cause: Cause,
        gone: &mut Vec<Bytes>,
    ) -> Result<bool> {
        let room = name_of(&item.key).and_then(|name| self.paging.room_of(name));
        let change = Change::Put(item);
        let Some(room) = room else { return self.store.append_as(change, cause) };
        let written = {
            let state = self.state.lock();
            let last_use = |key: &[u8]| self.last_use(&state, key);
            paged.append_within(&change, cause, room, &last_use, gone)
        };
        let written = written.unwrap_or_else(|| self.store.append_as(change, cause));
        if written.is_err() {
            paged.remember_uses(self.uses());
        }
        written
    }

    /// Takes note of what the store dropped under limits.
    pub fn lose(&self, evicted: &[Bytes]) -> Displaced<L> {
        if evicted.is_empty() {
            return Displaced::new();
        }
        self.paging.count_evicted(evicted);
        self.forget(evicted)
    }

    /// Returns when `key` was last used in this process, if that is known.
    fn last_use(&self, state: &State<L>, key: &[u8]) -> Option<u64> {
        match state.table().get(key) {
            Some(entry) => Some(entry.used_at()),
            None => self.paging.use_of(key),
        }
    }

    /// Returns the last uses of copies in memory.
    fn uses(&self) -> Vec<(Bytes, u64)> {
        let state = self.state.lock();
        let copies = state.table().touched().filter(|(_, entry)| entry.is_copy());
        copies.map(|(key, entry)| (key.clone(), entry.used_at())).collect()
    }

    /// Makes the store drop its least recently used entries until the rest has `room`. The history
    /// is locked.
    pub fn fit(
        &self,
        paged: &dyn Paged,
        name: Option<&[u8]>,
        room: Room,
        newest: Option<&[u8]>,
    ) -> Displaced<L> {
        if room == Room::default() {
            return Displaced::new();
        }
        self.paging.note_limit();
        let evicted = {
            let state = self.state.lock();
            let last_use = |key: &[u8]| self.last_use(&state, key);
            paged.make_fit(name, room, newest, &last_use)
        };
        self.lose(&evicted)
    }

    /// Tells the store when copies in memory were last used, if that matters.
    pub fn note_uses(&self) {
        let Some(paged) = self.store.paged().filter(|_| self.paging.is_limited()) else { return };
        let _history = self.history.lock();
        let mut uses = self.uses();
        uses.extend(self.paging.take_uses());
        paged.note_uses(&uses);
    }
}

/// Returns limits in the store's terms.
pub(super) fn room(limits: Limits) -> Room {
    let Limits { maxsize, max_bytes } = limits;
    Room { maxsize, max_bytes }
}

//! Entries of a store that is not loaded whole: memory holds copies of the recently used ones.

use std::collections::HashSet;

use bytes::Bytes;

use super::asking::Found;
use super::bounded_table::Displaced;
use super::entry::{Entry, Origin};
use super::ledger::Ledger;
use super::state::State;
use super::versions::Asked;
use crate::key::name_of;
use crate::store::{Item, Known, Paged, Purge};

impl<L: Clone> Ledger<L> {
    /// Returns the entry of `key` and records its use; what is dropped from memory for it is added
    /// to `displaced`.
    pub fn hit(
        &self,
        key: &[u8],
        origin: Option<Origin>,
        displaced: &mut Displaced<L>,
    ) -> Option<Found<L>> {
        let mut state = self.loaded();
        // Not the whole `Option`: to copy one that is empty takes as long.
        if let Some(found) = state.hit(key, origin) {
            return Some(found);
        }
        drop(state);
        self.store.paged().and_then(|paged| self.page_in(paged, key, origin, displaced))
    }

    #[inline(never)]
    fn page_in(
        &self,
        paged: &dyn Paged,
        key: &[u8],
        origin: Option<Origin>,
        displaced: &mut Displaced<L>,
    ) -> Option<Found<L>> {
        let history = self.history_at_hand();
        let version = self.versions.of(key);
        let item = self.item(paged, key);
        let asked = Asked { known: item.map(Known::Item), version };
        let found = self.take_up(asked, key, origin, displaced);
        drop(history);
        found
    }

    /// Returns the entry of `key` and records its use, after the store was asked for it.
    pub(super) fn take_up(
        &self,
        Asked { known, version }: Asked,
        key: &[u8],
        origin: Option<Origin>,
        displaced: &mut Displaced<L>,
    ) -> Option<Found<L>> {
        let mut state = self.state.lock();
        let is_outdated = self.versions.of(key) != version;
        let is_new = match known {
            // Another thread may have brought it meanwhile, or made one.
            Some(Known::Item(item)) if !state.withheld.hides(key) && !is_there(&state, &item) => {
                let old = state.page_in(item);
                displaced.extend(old.map(|old| (Bytes::copy_from_slice(key), old)));
                true
            }
            // The news of it have not arrived.
            Some(Known::Nothing) if !is_outdated => {
                displaced.extend(state.drop_copy(&Bytes::copy_from_slice(key)));
                false
            }
            _ => false,
        };
        let found = state.hit(key, origin);
        // After the lookup: a copy that may not be kept, or is too large, is dropped at once.
        if is_new && is_outdated {
            displaced.extend(state.drop_copy(&Bytes::copy_from_slice(key)));
        }
        let gone = state.rows.trim_near();
        drop(state);
        if let (Some(uses), Some(paged)) = (self.paging.note_gone(&gone), self.store.paged()) {
            paged.note_uses(&uses);
        }
        displaced.extend(gone);
        found
    }

    /// Returns what the store holds under `key` and memory does not. The history is locked.
    fn item(&self, paged: &dyn Paged, key: &[u8]) -> Option<Item> {
        if self.holds(key) { None } else { paged.get(key) }
    }

    /// Returns the entry of `key` without a use.
    pub fn peek(&self, key: &[u8]) -> Option<Found<L>> {
        let found = self.loaded().peek(key);
        let (None, Some(paged)) = (&found, self.store.paged()) else { return found };
        let _history = self.history_at_hand();
        let Some(item) = self.item(paged, key) else { return self.state.lock().peek(key) };
        Some(unused(item))
    }

    /// Returns the entries of `keys`, in their order, each without a use.
    pub fn peek_many(&self, keys: &[Bytes]) -> Vec<Option<Found<L>>> {
        let peek = |state: &State<L>| keys.iter().map(|key| state.peek(key)).collect::<Vec<_>>();
        let known = self.loaded();
        let Some(paged) = self.store.paged() else { return peek(&known) };
        drop(known);
        let _history = self.history_at_hand();
        let state = self.state.lock();
        let mut found = peek(&state);
        let is_missing = |at: &usize| found[*at].is_none() && !state.withheld.hides(&keys[*at]);
        let missing: Vec<usize> = (0..keys.len()).filter(is_missing).collect();
        drop(state);
        let asked: Vec<Bytes> = missing.iter().map(|&at| keys[at].clone()).collect();
        let items = if asked.is_empty() { Vec::new() } else { paged.get_many(&asked) };
        for (at, item) in missing.into_iter().zip(items) {
            found[at] = item.map(unused);
        }
        found
    }

    /// Returns whether `key` has an entry.
    pub fn contains(&self, key: &[u8]) -> bool {
        let state = self.loaded();
        let is_known = state.table().contains(key);
        let Some(paged) = self.store.paged() else { return is_known };
        let is_hidden = state.withheld.hides(key);
        drop(state);
        is_known || !is_hidden && paged.contains(key)
    }

    /// Returns whether memory says what there is under `key`, so that the store need not be asked.
    pub fn holds(&self, key: &[u8]) -> bool {
        let state = self.state.lock();
        state.table().contains(key) || state.withheld.hides(key)
    }

    /// Returns the entry that only the store has under `key`.
    pub fn unloaded(&self, key: &[u8]) -> Option<Entry<L>> {
        self.store.paged()?.get(key).map(|item| Entry::from_item(item).1)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        let state = self.loaded();
        match self.store.paged() {
            None => state.table().len(),
            Some(paged) => {
                drop(state);
                self.count_in(paged, None)
            }
        }
    }

    /// Returns all keys in order, of the function with this `name` if one is given.
    pub fn keys_named(&self, paged: &dyn Paged, name: Option<&[u8]>) -> Vec<Bytes> {
        drop(self.loaded());
        // No lock is held: a list may take long.
        let mut keys = paged.keys(name, None);
        let state = self.state.lock();
        if is_mirror(&state) {
            return keys;
        }
        let table = state.table();
        keys.retain(|key| !state.withheld.hides(key) || table.contains(key));
        let is_named = |key: &[u8]| name.is_none() || name_of(key) == name;
        let originals = table.iter().filter(|(key, entry)| !entry.is_copy() && is_named(key));
        let listed: HashSet<&Bytes> = keys.iter().collect();
        let others = originals.filter(|(key, _)| !listed.contains(&**key));
        let others: Vec<_> = others.map(|(key, _)| key.into_owned()).collect();
        drop(state);
        keys.extend(others);
        keys
    }

    /// Whether every entry is one of the store's, and the other way round.
    pub fn is_mirror(&self) -> bool {
        is_mirror(&self.loaded())
    }

    /// How many entries a function has.
    pub fn count_named(&self, paged: &dyn Paged, name: &[u8]) -> usize {
        self.count_in(paged, Some(name))
    }

    fn count_in(&self, paged: &dyn Paged, name: Option<&[u8]>) -> usize {
        if self.is_mirror() { paged.count(name) } else { self.keys_named(paged, name).len() }
    }

    /// Forgets all entries of a function, here and in the store, in one step; what went from
    /// memory, or `None` if the store has no such step.
    pub fn clear_named(&self, name: &[u8]) -> Option<Displaced<L>> {
        let paged = self.store.paged()?;
        let _history = self.in_order();
        if !self.state.lock().withheld.is_empty() || !paged.clear_named(name) {
            return None;
        }
        self.purges.purge(&Purge::of_function(name));
        let state = self.state.lock();
        self.versions.advance_all();
        let keys = state.table().iter().map(|(key, _)| key);
        let own = keys.filter(|key| name_of(key) == Some(name));
        let keys: Vec<_> = own.map(std::borrow::Cow::into_owned).collect();
        drop(state);
        let gone = self.forget(&keys);
        self.gate.epoch.advance();
        Some(gone)
    }

    /// Drops copies of entries that the store no longer holds.
    pub fn forget(&self, keys: &[Bytes]) -> Displaced<L> {
        let mut state = self.state.lock();
        let gone = keys.iter().filter_map(|key| state.remove(key).map(|old| (key.clone(), old)));
        gone.collect()
    }
}

/// Returns the name of a function if `start` is the common beginning of its keys.
pub(super) fn name_in(start: &[u8]) -> Option<&[u8]> {
    let name = start.strip_suffix(b"(")?;
    (name_of(start) == Some(name)).then_some(name)
}

/// An entry of the store's that memory does not hold.
fn unused<L>(item: Item) -> Found<L> {
    Found { entry: Entry::from_item(item).1, first_use: true, claimed: None }
}

/// Returns whether every entry is one of the store's, and the other way round.
fn is_mirror<L: Clone>(state: &State<L>) -> bool {
    state.rows.originals() == 0 && state.withheld.is_empty()
}

/// Returns whether memory holds what the store answered, or something that no store holds.
fn is_there<L: Clone>(state: &State<L>, item: &Item) -> bool {
    let created = |time: Option<f64>| time.map(f64::to_bits);
    state
        .table()
        .get(&item.key)
        .is_some_and(|entry| !entry.is_copy() || created(entry.created) == created(item.created))
}

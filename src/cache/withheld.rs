//! Entries that the file still holds although this process does not serve them.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;

use super::entry::Entry;
use crate::store::Item;

/// Entries that this process replaced or dropped in a mode that leaves the file alone.
#[derive(Debug, Default)]
pub struct Withheld {
    items: HashMap<Bytes, Item>,
    /// If everything was dropped, of a store that is not loaded whole: all its entries but these.
    all_but: Option<HashSet<Bytes>>,
}

impl Withheld {
    /// Keeps `old`, the entry of `key`, for the file.
    pub fn keep<L>(&mut self, key: &[u8], old: &Entry<L>) {
        let key = Bytes::copy_from_slice(key);
        if let Some(item) = old.to_item(&key) {
            self.insert(item);
        }
    }

    /// Keeps `item` for the file.
    pub fn insert(&mut self, item: Item) {
        if let Some(others) = &mut self.all_but {
            others.remove(&item.key);
        }
        self.items.insert(item.key.clone(), item);
    }

    /// Makes this process ignore everything that the store holds, which is not loaded.
    pub fn withhold_all(&mut self) {
        self.all_but = Some(HashSet::new());
    }

    /// Returns whether this process ignores what the store holds under `key`.
    pub fn hides(&self, key: &[u8]) -> bool {
        let not_shown = |shown: &HashSet<Bytes>| !shown.contains(key);
        self.items.contains_key(key) || self.all_but.as_ref().is_some_and(not_shown)
    }

    /// Lets the file lose what it holds under `key`; returns that.
    pub fn release(&mut self, key: &[u8]) -> Option<Item> {
        // Nearly always there is nothing, and hashing the key would take longer than asking.
        if let Some(others) = &mut self.all_but {
            others.insert(Bytes::copy_from_slice(key));
        }
        if self.items.is_empty() { None } else { self.items.remove(key) }
    }

    /// Returns whether the file keeps nothing that this process lacks.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.all_but.is_none()
    }

    /// Lets the file lose everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Takes out everything that the file keeps.
    pub fn take(&mut self) -> impl Iterator<Item = Item> + use<> {
        std::mem::take(self).items.into_values()
    }

    /// Returns what the file keeps.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.items.values()
    }
}

//! What the file goes on to hold although this process does without it.

use std::collections::HashMap;

use bytes::Bytes;

use super::entry::Entry;
use crate::store::Item;

/// Entries that this process replaced or dropped in a mode that leaves the file alone.
#[derive(Debug, Default)]
pub struct Withheld(HashMap<Bytes, Item>);

impl Withheld {
    /// Keeps `old`, the entry of `key`, for the file.
    pub fn keep<L>(&mut self, key: &[u8], old: &Entry<L>) {
        let key = Bytes::copy_from_slice(key);
        if let Some(item) = old.to_item(&key) {
            self.0.insert(key, item);
        }
    }

    /// Keeps `item` for the file.
    pub fn insert(&mut self, item: Item) {
        self.0.insert(item.key.clone(), item);
    }

    /// Lets the file lose what it holds under `key`, and hands that out.
    pub fn release(&mut self, key: &[u8]) -> Option<Item> {
        // Nearly always there is nothing, and then it would take longer to hash the key than to ask.
        if self.0.is_empty() { None } else { self.0.remove(key) }
    }

    /// Whether the file keeps nothing that this process does not have.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Lets the file lose everything.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Takes out everything that the file keeps.
    pub fn take(&mut self) -> impl Iterator<Item = Item> + use<> {
        std::mem::take(&mut self.0).into_values()
    }

    /// What the file keeps.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.0.values()
    }
}

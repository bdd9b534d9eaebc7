//! Replays a history over the entries that it started from.

use std::collections::HashMap;

use bytes::Bytes;

use super::{Change, Item};

/// The final state of one key.
struct Last {
    /// Its result, or `None` if it was removed.
    item: Option<Item>,
    /// Whether the key lost its place in the order, because it was removed in between.
    moved: bool,
    /// The position in the history at which the key took its place.
    at: usize,
}

/// Applies `changes` to `items` as a Python dict would: a key keeps its place until it is removed.
/// The items are made only if they are not cleared.
pub(super) fn replay(items: impl FnOnce() -> Vec<Item>, changes: Vec<Change>) -> Vec<Item> {
    let mut last: HashMap<Bytes, Last, foldhash::fast::RandomState> = HashMap::default();
    let mut cleared = false;
    for (at, change) in changes.into_iter().enumerate() {
        match change {
            Change::Clear => {
                last.clear();
                cleared = true;
            }
            Change::Remove(key) => {
                last.insert(key, Last { item: None, moved: true, at });
            }
            Change::Put(item) => put(&mut last, item, at),
        }
    }
    let mut items = if cleared { Vec::new() } else { items() };
    if !last.is_empty() {
        replace(&mut items, &mut last);
    }
    items.extend(in_order(last));
    items
}

/// Records a result in the place of the key's former one.
fn put(last: &mut HashMap<Bytes, Last, foldhash::fast::RandomState>, item: Item, at: usize) {
    let entry = last.entry(item.key.clone()).or_insert(Last { item: None, moved: false, at });
    if entry.item.is_none() {
        entry.at = at;
    }
    entry.item = Some(item);
}

/// Puts new results in the places of old ones and removes the removed ones.
fn replace(items: &mut Vec<Item>, last: &mut HashMap<Bytes, Last, foldhash::fast::RandomState>) {
    items.retain_mut(|item| match last.get(&item.key) {
        None => true,
        Some(found) if found.moved => false,
        Some(_) => {
            if let Some(new) = last.remove(&item.key).and_then(|found| found.item) {
                *item = new;
            }
            true
        }
    });
}

/// The remaining results have no place among the old entries: they follow them in the order of the
/// history.
fn in_order(last: HashMap<Bytes, Last, foldhash::fast::RandomState>) -> impl Iterator<Item = Item> {
    let mut rest: Vec<Last> = last.into_values().collect();
    rest.sort_unstable_by_key(|found| found.at);
    rest.into_iter().filter_map(|found| found.item)
}

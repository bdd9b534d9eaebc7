//! What changes that were not written yet make of a store's entries.

use std::collections::HashSet;

use bytes::Bytes;

use super::known::Known;
use super::{Change, Item};

/// Returns what the last of `changes` that concerns `key` makes of it; `None` if none concerns it.
pub fn last_of<'c>(
    changes: impl DoubleEndedIterator<Item = &'c Change>,
    key: &[u8],
) -> Option<Known> {
    changes.rev().find_map(|change| match change {
        Change::Put(item) => (item.key == key).then(|| Known::Item(item.clone())),
        Change::Remove(removed) => (removed == key).then_some(Known::Nothing),
        Change::Clear => Some(Known::Nothing),
    })
}

/// Applies `changes` to `keys`, which are a store's; adds keys of entries that pass `is_meant`.
pub fn applied<'c>(
    changes: impl ExactSizeIterator<Item = &'c Change>,
    mut keys: Vec<Bytes>,
    is_meant: impl Fn(&Item) -> bool,
) -> Vec<Bytes> {
    if changes.len() == 0 {
        return keys;
    }
    let mut known: HashSet<Bytes> = keys.iter().cloned().collect();
    for change in changes {
        match change {
            Change::Put(item) if is_meant(item) && known.insert(item.key.clone()) => {
                keys.push(item.key.clone());
            }
            Change::Put(_) => {}
            Change::Remove(key) => {
                known.remove(key);
                keys.retain(|it| it != key);
            }
            Change::Clear => {
                known.clear();
                keys.clear();
            }
        }
    }
    keys
}

/// Returns what tags or later versions added to the entries that `changes` put.
pub fn notes_of<'c>(
    changes: impl Iterator<Item = &'c Change>,
) -> impl Iterator<Item = (Bytes, Bytes)> {
    changes.filter_map(|change| match change {
        Change::Put(item) => Some((item.key.clone(), item.notes.others.as_deref()?.clone())),
        Change::Remove(_) | Change::Clear => None,
    })
}

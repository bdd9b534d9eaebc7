//! Changes that wait to be carried away.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;

use crate::store::known::Known;
use crate::store::{Change, Item};

/// How many changes that were refused are kept, and how many bytes of them.
const MOST_REFUSED: usize = 1000;
const MOST_BYTES: usize = 16 << 20;

/// Changes in the order in which they were made, each under a number of its own.
#[derive(Debug, Default)]
pub struct Waiting {
    last: u64,
    changes: BTreeMap<u64, Waiter>,
    /// The number of the last change of each key.
    of_key: HashMap<Bytes, u64>,
    /// The number of the change that clears everything.
    clears: Option<u64>,
}

#[derive(Debug)]
struct Waiter {
    change: Change,
    is_refused: bool,
}

impl Waiting {
    /// Adds a change, and drops those that it makes needless.
    pub fn push(&mut self, change: Change) {
        self.last += 1;
        if let Some(key) = change.key() {
            if let Some(old) = self.of_key.insert(key.clone(), self.last) {
                self.changes.remove(&old);
            }
        } else {
            self.changes.clear();
            self.of_key.clear();
            self.clears = Some(self.last);
        }
        self.changes.insert(self.last, Waiter { change, is_refused: false });
    }

    /// Returns what the changes make of `key`; `None` if none concerns it.
    pub fn of(&self, key: &[u8]) -> Option<Known> {
        let last = self.of_key.get(key).and_then(|number| self.changes.get(number));
        match last.map(|waiter| &waiter.change) {
            Some(Change::Put(item)) => Some(Known::Item(item.clone())),
            Some(_) => Some(Known::Nothing),
            None => self.clears.map(|_| Known::Nothing),
        }
    }

    /// Returns the entries that the changes make.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.changes.values().filter_map(|waiter| match &waiter.change {
            Change::Put(item) => Some(item),
            Change::Remove(_) | Change::Clear => None,
        })
    }

    /// Returns the number of the last change.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Returns the first change after number `after`; one that was refused before only if those are
    /// to be tried `again`.
    pub fn first(&self, after: u64, again: bool) -> Option<(u64, Change)> {
        let mut behind = self.changes.range(after + 1..);
        let found = behind.find(|(_, waiter)| again || !waiter.is_refused)?;
        Some((*found.0, found.1.change.clone()))
    }

    /// Notes that the change with this number is carried away.
    pub fn done(&mut self, number: u64) {
        let Some(Waiter { change, .. }) = self.changes.remove(&number) else { return };
        match change {
            Change::Put(Item { key, .. }) | Change::Remove(key) => {
                if self.of_key.get(&key) == Some(&number) {
                    self.of_key.remove(&key);
                }
            }
            Change::Clear => self.clears = self.clears.filter(|last| *last != number),
        }
    }

    /// Notes that the change with this number was refused: it waits for a later time, unless there
    /// are too many.
    pub fn refused(&mut self, number: u64) {
        if let Some(waiter) = self.changes.get_mut(&number) {
            waiter.is_refused = true;
        }
        while let Some(oldest) = self.oldest_of_too_many() {
            self.done(oldest);
        }
    }

    fn oldest_of_too_many(&self) -> Option<u64> {
        let size = |change: &Change| match change {
            Change::Put(item) => item.key.len() + item.text.len(),
            Change::Remove(_) | Change::Clear => 0,
        };
        let refused = || self.changes.iter().filter(|(_, waiter)| waiter.is_refused);
        let (count, bytes) = refused()
            .fold((0, 0), |(count, bytes), (_, waiter)| (count + 1, bytes + size(&waiter.change)));
        if count <= MOST_REFUSED && bytes <= MOST_BYTES {
            return None;
        }
        refused().next().map(|(number, _)| *number)
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, Known, MOST_REFUSED, Waiting};
    use crate::store::{Item, Notes};
    use bytes::Bytes;

    fn put(key: &str) -> Change {
        let (key, text) = (Bytes::copy_from_slice(key.as_bytes()), Bytes::from_static(b"1"));
        let notes = Notes::default();
        Change::Put(Item { key, text, sound: true, created: None, timed: false, notes })
    }

    /// The last change of a key counts, and what it makes needless is never carried away.
    #[test]
    fn the_last_change_counts() {
        let mut waiting = Waiting::default();
        waiting.push(put("a"));
        waiting.push(put("b"));
        waiting.push(Change::Remove(Bytes::from_static(b"a")));
        assert_eq!(waiting.of(b"a"), Some(Known::Nothing));
        assert!(matches!(waiting.of(b"b"), Some(Known::Item(_))));
        assert_eq!(waiting.of(b"c"), None);
        assert_eq!(waiting.first(0, false), Some((2, put("b"))));
        waiting.done(2);
        assert_eq!((waiting.of(b"b"), waiting.first(3, false)), (None, None));
        waiting.push(Change::Clear);
        assert_eq!(
            (waiting.of(b"c"), waiting.first(0, false)),
            (Some(Known::Nothing), Some((4, Change::Clear)))
        );
    }

    /// A change that comes while an older one of its key is carried away follows it.
    #[test]
    fn a_change_under_way() {
        let mut waiting = Waiting::default();
        waiting.push(put("a"));
        let (number, _) = waiting.first(0, false).unwrap();
        waiting.push(put("a"));
        waiting.done(number);
        assert_eq!(waiting.first(number, false), Some((2, put("a"))));
    }

    /// What was refused waits for somebody who tries again; if there is too much, the oldest goes.
    #[test]
    fn refusals() {
        let mut waiting = Waiting::default();
        for at in 0..=MOST_REFUSED {
            waiting.push(put(&at.to_string()));
            waiting.refused(waiting.last());
        }
        assert_eq!(waiting.first(0, false), None);
        assert_eq!(waiting.first(0, true), Some((2, put("1"))));
        assert_eq!(waiting.of(b"0"), None);
    }
}

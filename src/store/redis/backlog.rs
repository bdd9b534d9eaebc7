//! Changes that the server has not taken yet, in order.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::store::known::Known;
use crate::store::pending::{applied, last_of, notes_of};
use crate::store::{Cause, Change, Item};

/// How many changes may wait.
const MOST: usize = 1000;
/// How many bytes their texts may have together.
const MOST_BYTES: usize = 16_000_000;

/// The waiting changes, within bounds: the oldest are dropped first.
#[derive(Debug, Default)]
pub struct Backlog {
    changes: VecDeque<(Change, Cause)>,
    bytes: usize,
    /// The number of the first one, counted from the beginning.
    first: u64,
    /// How many were dropped for want of room.
    dropped: usize,
}

impl Backlog {
    /// Returns whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Adds a change; drops those that a clear makes pointless.
    pub fn push(&mut self, change: Change, cause: Cause) {
        if change == Change::Clear {
            self.clear();
        }
        self.bytes += size(&change);
        self.changes.push_back((change, cause));
        while self.changes.len() > MOST || self.bytes > MOST_BYTES && self.changes.len() > 1 {
            self.drop_oldest();
        }
    }

    /// Drops the oldest result; a removal is dropped only if there is nothing else, because a
    /// server that was away still holds the entry.
    fn drop_oldest(&mut self) {
        let is_put = |(change, _): &(Change, Cause)| matches!(change, Change::Put(_));
        let last = self.changes.len() - 1;
        let at = self.changes.iter().take(last).position(is_put).unwrap_or(0);
        if let Some((change, _)) = self.changes.remove(at) {
            self.bytes -= size(&change);
            self.first += 1;
            self.dropped += 1;
        }
    }

    fn pop(&mut self) {
        if let Some((change, _)) = self.changes.pop_front() {
            self.bytes -= size(&change);
            self.first += 1;
        }
    }

    /// Forgets all changes.
    pub fn clear(&mut self) {
        self.first += self.changes.len() as u64;
        self.changes.clear();
        self.bytes = 0;
    }

    /// Returns up to `most` of the oldest, and the number of the first of these.
    pub fn oldest(&self, most: usize) -> (u64, Vec<(Change, Cause)>) {
        (self.first, self.changes.iter().take(most).cloned().collect())
    }

    /// Notes that those before the one with this number were taken.
    pub fn taken(&mut self, before: u64) {
        while self.first < before && !self.changes.is_empty() {
            self.pop();
        }
    }

    /// Returns how many were dropped since the last call.
    pub fn take_dropped(&mut self) -> usize {
        std::mem::take(&mut self.dropped)
    }

    /// Returns what the last change that concerns `key` makes of it; `None` if none concerns it.
    pub fn waiting(&self, key: &[u8]) -> Option<Known> {
        last_of(self.all(), key)
    }

    /// Applies the changes to `keys`; adds keys of entries that pass `is_meant`.
    pub fn with_waiting(&self, keys: Vec<Bytes>, is_meant: impl Fn(&Item) -> bool) -> Vec<Bytes> {
        applied(self.all(), keys, is_meant)
    }

    /// Returns what tags or later versions added to waiting entries.
    pub fn notes(&self) -> impl Iterator<Item = (Bytes, Bytes)> {
        notes_of(self.all())
    }

    fn all(&self) -> impl DoubleEndedIterator<Item = &Change> + ExactSizeIterator {
        self.changes.iter().map(|(change, _)| change)
    }
}

fn size(change: &Change) -> usize {
    match change {
        Change::Put(item) => item.key.len() + item.text.len(),
        Change::Remove(key) => key.len(),
        Change::Clear => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::{Backlog, Known, MOST, MOST_BYTES};
    use crate::store::{Cause, Change, Item, Notes};
    use bytes::Bytes;

    fn put(key: String, bytes: usize) -> Change {
        let text = vec![b'1'; bytes].into();
        let key = Bytes::from(key);
        let notes = Notes::default();
        Change::Put(Item { key, text, sound: true, created: None, timed: false, notes })
    }

    /// The oldest changes are dropped when there are too many, or too large ones, and are counted.
    #[test]
    fn bounds() {
        let mut backlog = Backlog::default();
        for number in 0..MOST + 5 {
            backlog.push(put(number.to_string(), 1), Cause::Computed);
        }
        assert_eq!((backlog.take_dropped(), backlog.take_dropped()), (5, 0));
        assert!(backlog.waiting(b"4").is_none() && backlog.waiting(b"5").is_some());
        backlog.push(put("large".to_owned(), MOST_BYTES), Cause::Computed);
        assert_eq!(backlog.oldest(9).1.len(), 1);
        assert_eq!(backlog.take_dropped(), MOST);
    }

    /// Changes that were taken are removed; later ones stay.
    #[test]
    fn taken_from_the_front() {
        let mut backlog = Backlog::default();
        for key in ["a", "b"] {
            backlog.push(put(key.to_owned(), 1), Cause::Given);
        }
        let (first, oldest) = backlog.oldest(50);
        backlog.push(Change::Remove(Bytes::from("a")), Cause::Given);
        backlog.taken(first + oldest.len() as u64);
        assert!(backlog.waiting(b"b").is_none() && backlog.waiting(b"a") == Some(Known::Nothing));
        backlog.push(Change::Clear, Cause::Given);
        assert_eq!(backlog.oldest(50).1, [(Change::Clear, Cause::Given)]);
        assert_eq!(backlog.waiting(b"x"), Some(Known::Nothing));
    }
}

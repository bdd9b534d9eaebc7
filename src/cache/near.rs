//! How much of a store that is not loaded whole may be in memory.

use bytes::Bytes;

use super::entry::Entry;
use crate::policy::{Limits, Liveness, Lru, Scope};
use crate::sync::Arc;

/// How many bytes memory may hold by default.
const DEFAULT: u64 = 64 << 20;
/// The part of it that a single entry may take, as a divisor.
const SHARE_OF_ONE: u64 = 16;
/// What an entry takes beside its key and text: rows, orders, the row in a table of hits.
const OVERHEAD: u64 = 512;
/// How much larger decoded objects are than their text, as a rule.
const DECODED: u64 = 5;

/// The copies of a store's entries that are in memory, and those that have to go.
#[derive(Debug)]
pub struct Near {
    copies: Lru,
    most: u64,
    /// Copies that are dropped as soon as they can be taken out.
    over: Vec<Bytes>,
}

impl Default for Near {
    fn default() -> Self {
        Self { copies: Lru::new(limits(DEFAULT)), most: DEFAULT, over: Vec::new() }
    }
}

impl Near {
    /// Sets how many bytes there may be.
    pub fn limit(&mut self, most: u64) {
        self.most = most;
        let over = self.copies.set_limits(Scope::CACHE, limits(most));
        self.over.extend(over);
    }

    /// Counts a copy that was added or has grown. A result that lives in this process only is no
    /// copy.
    pub fn insert<L>(&mut self, key: &Bytes, entry: &Entry<L>, liveness: &Arc<Liveness>) {
        if !entry.is_copy() {
            self.copies.remove(key);
            return;
        }
        let bytes = size(key, entry);
        if bytes > self.most / SHARE_OF_ONE {
            self.copies.remove(key);
            self.over.push(key.clone());
        } else {
            let over = self.copies.insert(key, bytes, Scope::CACHE, liveness);
            self.over.extend(over);
        }
    }

    /// Notes that a copy was removed.
    pub fn remove(&mut self, key: &[u8]) {
        self.copies.remove(key);
    }

    /// Notes that all copies were removed.
    pub fn clear(&mut self) {
        self.copies.clear();
    }

    /// How many copies there are.
    pub fn len(&self) -> usize {
        self.copies.len(Scope::CACHE)
    }

    /// Takes the keys of copies that have to go.
    pub fn take_over(&mut self) -> Vec<Bytes> {
        std::mem::take(&mut self.over)
    }
}

fn limits(most: u64) -> Limits {
    Limits { maxsize: None, max_bytes: Some(most) }
}

/// About how many bytes an entry takes.
fn size<L>(key: &[u8], entry: &Entry<L>) -> u64 {
    let decoded = if entry.live.is_some() { DECODED * entry.size() } else { 0 };
    key.len() as u64 + entry.size() + decoded + OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::{Arc, Bytes, Entry, Liveness, Near};

    fn insert(near: &mut Near, key: &'static str, bytes: usize, used: u64) {
        let mut entry: Entry<()> = Entry::new(None);
        entry.text = Some(vec![b'1'; bytes].into());
        near.insert(&Bytes::from(key), &entry, &Arc::new(Liveness::new(used)));
    }

    /// The least recently used copy is dropped when there is no room; a copy that alone would take
    /// too much is dropped at once.
    #[test]
    fn what_has_to_go() {
        let mut near = Near::default();
        near.limit(32_000);
        for (used, key) in (1..).zip(["a", "b", "c"]) {
            insert(&mut near, key, 1_000, used);
        }
        assert!(near.take_over().is_empty());
        insert(&mut near, "large", 3_000, 4);
        assert_eq!((near.take_over(), near.len()), (vec![Bytes::from("large")], 3));
        near.limit(3_100);
        assert_eq!((near.take_over(), near.len()), (vec![Bytes::from("a")], 2));
    }

    /// An entry that no store holds is not dropped.
    #[test]
    fn what_stays() {
        let mut near = Near::default();
        near.limit(0);
        let mut entry: Entry<()> = Entry::new(None);
        entry.transient = true;
        entry.text = Some(Bytes::from("1"));
        near.insert(&Bytes::from("a"), &entry, &Arc::new(Liveness::new(0)));
        assert!(near.take_over().is_empty());
    }
}

//! An index of keys: the row of a list that holds the entry of a key.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::memory::OutOfMemory;

/// Numbers of rows by the hashes of keys. The keys themselves are in the rows, which the caller
/// has: the caller says whether a row is the one that is meant.
#[derive(Debug, Default)]
pub struct Index {
    slots: HashTable<Slot>,
    hasher: RandomState,
}

/// The part of a hash that tells one key from most others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hash(u32);

/// The hash is kept beside the number, so that no row is looked at when the index grows or when
/// different keys are told apart.
#[derive(Clone, Copy, Debug)]
struct Slot {
    hash: Hash,
    row: u32,
}

impl Hash {
    /// Spreads the hash over all bits, as the table needs it.
    #[inline]
    fn spread(self) -> u64 {
        u64::from(self.0).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

impl Index {
    /// How many keys there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Returns whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Makes room for `more` keys, or unwinds with [`OutOfMemory`].
    pub fn reserve(&mut self, more: usize) {
        if self.slots.try_reserve(more, |slot| slot.hash.spread()).is_err() {
            OutOfMemory::unwind();
        }
    }

    /// The hash of `key`, in this index.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the upper half is folded in")]
    pub fn hash(&self, key: &[u8]) -> Hash {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(key);
        let hash = hasher.finish();
        Hash((hash ^ hash >> 32) as u32)
    }

    /// Returns the row for which `is_it` holds, among those with this hash.
    #[inline]
    pub fn find(&self, hash: Hash, mut is_it: impl FnMut(usize) -> bool) -> Option<usize> {
        let same = |slot: &Slot| slot.hash == hash && is_it(slot.row as usize);
        self.slots.find(hash.spread(), same).map(|slot| slot.row as usize)
    }

    /// Finds the row of a key, or records `row` for it if there is none.
    ///
    /// # Panics
    /// With more than 2^32 rows, which fit in no memory.
    #[inline]
    pub fn find_or_insert(
        &mut self,
        hash: Hash,
        row: usize,
        mut is_it: impl FnMut(usize) -> bool,
    ) -> Option<usize> {
        let same = |slot: &Slot| slot.hash == hash && is_it(slot.row as usize);
        match self.slots.entry(hash.spread(), same, |slot| slot.hash.spread()) {
            Entry::Occupied(found) => Some(found.get().row as usize),
            Entry::Vacant(place) => {
                place.insert(Slot::new(hash, row));
                None
            }
        }
    }

    /// Records `row` for a new key with this hash.
    ///
    /// # Panics
    /// As `find_or_insert`.
    #[inline]
    pub fn insert_new(&mut self, hash: Hash, row: usize) {
        self.slots.insert_unique(hash.spread(), Slot::new(hash, row), |slot| slot.hash.spread());
    }

    /// Removes the row for which `is_it` holds, among those with this hash.
    pub fn remove(&mut self, hash: Hash, mut is_it: impl FnMut(usize) -> bool) -> Option<usize> {
        let same = |slot: &Slot| slot.hash == hash && is_it(slot.row as usize);
        let found = self.slots.find_entry(hash.spread(), same).ok()?;
        Some(found.remove().0.row as usize)
    }

    /// Gives each row the number that `new` has for it.
    pub fn renumber(&mut self, new: &[u32]) {
        self.slots.iter_mut().for_each(|slot| slot.row = new[slot.row as usize]);
    }
}

impl Slot {
    #[inline]
    fn new(hash: Hash, row: usize) -> Self {
        Self { hash, row: u32::try_from(row).expect("fewer than 2^32 entries fit in memory") }
    }
}

#[cfg(test)]
mod tests {
    use super::Index;

    /// Each of many keys is found in its own row and no other; a removed one is not found.
    #[test]
    fn each_key_has_its_row() {
        let keys: Vec<String> = (0..20_000).map(|n| format!("key {n}")).collect();
        let mut index = Index::default();
        for (row, key) in keys.iter().enumerate() {
            let hash = index.hash(key.as_bytes());
            assert_eq!(index.find_or_insert(hash, row, |at| keys[at] == *key), None);
            assert_eq!(index.find_or_insert(hash, 7, |at| keys[at] == *key), Some(row));
        }
        let find =
            |index: &Index, key: &str| index.find(index.hash(key.as_bytes()), |at| keys[at] == key);
        assert!((0..keys.len()).all(|row| find(&index, &keys[row]) == Some(row)));
        assert_eq!(find(&index, "another"), None);
        let hash = index.hash(b"key 5");
        assert_eq!(index.remove(hash, |at| at == 5), Some(5));
        assert_eq!(index.remove(hash, |at| at == 5), None);
        assert_eq!((find(&index, "key 5"), index.len()), (None, keys.len() - 1));
    }

    /// Keys of the same hash are told apart by the caller.
    #[test]
    fn one_hash_for_several_keys() {
        let mut index = Index::default();
        let hash = index.hash(b"one");
        index.insert_new(hash, 0);
        index.insert_new(hash, 1);
        assert_eq!(
            (index.find(hash, |at| at == 1), index.find(hash, |at| at == 2)),
            (Some(1), None)
        );
        assert_eq!(index.remove(hash, |at| at == 0), Some(0));
        index.renumber(&[9, 0]);
        assert_eq!(index.find(hash, |_| true), Some(0));
    }
}

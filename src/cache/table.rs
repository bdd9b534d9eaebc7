//! All entries by key, in insertion order.

use std::hash::BuildHasher;

use bytes::Bytes;
use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::entry::Entry;

/// An index of row numbers over rows in insertion order, as CPython's dict is built.
///
/// Removal leaves a gap among the rows; gaps are closed when they outnumber the entries.
#[derive(Debug)]
pub struct Table<L> {
    index: HashTable<u32>,
    rows: Vec<Option<Row<L>>>,
    hasher: RandomState,
}

#[derive(Debug)]
struct Row<L> {
    hash: u64,
    key: Bytes,
    entry: Entry<L>,
}

impl<L> Default for Table<L> {
    fn default() -> Self {
        Self { index: HashTable::new(), rows: Vec::new(), hasher: RandomState::default() }
    }
}

impl<L> Table<L> {
    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Makes room for as many more.
    pub fn reserve(&mut self, more: usize) {
        self.rows.reserve_exact(more);
        self.index.reserve(more, |&row| hash_of(&self.rows, row));
    }

    /// The entry of `key`.
    pub fn get(&self, key: &[u8]) -> Option<&Entry<L>> {
        let row = self.find(self.hasher.hash_one(key), key)?;
        self.rows[row].as_ref().map(|row| &row.entry)
    }

    /// The entry of `key`, to be changed.
    pub fn get_mut(&mut self, key: &[u8]) -> Option<&mut Entry<L>> {
        let row = self.find(self.hasher.hash_one(key), key)?;
        self.rows[row].as_mut().map(|row| &mut row.entry)
    }

    /// Puts `entry` in the place of the old one, or at the end; gives the old one back.
    ///
    /// # Panics
    /// With more than 2^32 entries, which fit in no memory.
    pub fn insert(&mut self, key: Bytes, entry: Entry<L>) -> Option<Entry<L>> {
        let hash = self.hasher.hash_one(&key[..]);
        if let Some(old) = self.find(hash, &key).and_then(|row| self.rows[row].as_mut()) {
            return Some(std::mem::replace(&mut old.entry, entry));
        }
        self.push(hash, key, entry);
        None
    }

    /// Puts `entry` at the end; the caller knows that `key` is not there.
    ///
    /// # Panics
    /// As `insert`.
    pub fn insert_new(&mut self, key: Bytes, entry: Entry<L>) {
        self.push(self.hasher.hash_one(&key[..]), key, entry);
    }

    fn push(&mut self, hash: u64, key: Bytes, entry: Entry<L>) {
        let row = u32::try_from(self.rows.len()).expect("fewer than 2^32 entries fit in memory");
        self.rows.push(Some(Row { hash, key, entry }));
        self.index.insert_unique(hash, row, |&row| hash_of(&self.rows, row));
    }

    /// Takes the entry of `key` out.
    pub fn remove(&mut self, key: &[u8]) -> Option<Entry<L>> {
        let hash = self.hasher.hash_one(key);
        let rows = &self.rows;
        let found = self.index.find_entry(hash, |&row| is_at(rows, row, key)).ok()?;
        let row = found.remove().0 as usize;
        let gone = self.rows[row].take().map(|row| row.entry);
        let gaps = self.rows.len() - self.index.len();
        if gaps > 32 && gaps > self.index.len() {
            self.close_gaps();
        }
        gone
    }

    /// All entries, to be changed, in order.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&Bytes, &mut Entry<L>)> {
        self.rows.iter_mut().flatten().map(|row| (&row.key, &mut row.entry))
    }

    /// Takes all entries out one by one, in order.
    pub fn into_entries(self) -> impl Iterator<Item = (Bytes, Entry<L>)> {
        self.rows.into_iter().flatten().map(|row| (row.key, row.entry))
    }

    /// Takes everything out, to be dropped where the caller likes.
    #[must_use]
    pub fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    /// All entries in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Bytes, &Entry<L>)> {
        self.rows.iter().flatten().map(|row| (&row.key, &row.entry))
    }

    fn find(&self, hash: u64, key: &[u8]) -> Option<usize> {
        self.index.find(hash, |&row| is_at(&self.rows, row, key)).map(|&row| row as usize)
    }

    fn close_gaps(&mut self) {
        self.rows.retain(Option::is_some);
        self.index.clear();
        for (number, row) in self.rows.iter().flatten().enumerate() {
            let number = u32::try_from(number).expect("there were more rows before");
            self.index.insert_unique(row.hash, number, |&row| hash_of(&self.rows, row));
        }
    }
}

fn hash_of<L>(rows: &[Option<Row<L>>], row: u32) -> u64 {
    rows[row as usize].as_ref().map_or(0, |row| row.hash)
}

fn is_at<L>(rows: &[Option<Row<L>>], row: u32, key: &[u8]) -> bool {
    rows[row as usize].as_ref().is_some_and(|row| row.key == key)
}

#[cfg(test)]
mod tests {
    use super::{Entry, Table};
    use bytes::Bytes;

    fn entry(text: &str) -> Entry<()> {
        Entry { text: Some(Bytes::copy_from_slice(text.as_bytes())), ..Entry::new(None) }
    }

    fn keys(table: &Table<()>) -> Vec<String> {
        table.iter().map(|(key, _)| String::from_utf8_lossy(key).into_owned()).collect()
    }

    /// Entries keep the order in which their keys first came, and a key that went comes last.
    #[test]
    fn order_is_a_dicts() {
        let mut table = Table::default();
        for key in ["a", "b", "c", "a"] {
            table.insert(Bytes::from_static(key.as_bytes()), entry(key));
        }
        assert_eq!(keys(&table), ["a", "b", "c"]);
        assert!(table.remove(b"a").is_some());
        assert!(table.remove(b"a").is_none());
        table.insert(Bytes::from_static(b"a"), entry("again"));
        assert_eq!(keys(&table), ["b", "c", "a"]);
    }

    /// Gaps are closed once they outnumber the entries, and nothing is lost by it.
    #[test]
    fn gaps_are_closed() {
        let mut table = Table::default();
        for n in 0..200 {
            table.insert(Bytes::from(format!("{n}")), entry("1"));
        }
        for n in 0..190 {
            assert!(table.remove(format!("{n}").as_bytes()).is_some());
        }
        assert_eq!((table.len(), table.rows.len() < 100), (10, true));
        assert_eq!(keys(&table), (190..200).map(|n| n.to_string()).collect::<Vec<_>>());
        assert!(table.get(b"195").is_some() && table.get(b"5").is_none());
    }
}

//! All entries by key, in insertion order.

use std::borrow::Cow;

use bytes::Bytes;

use super::entry::Entry;
use super::functions::Functions;
use super::rows::{Row, Rows, View};
use crate::collections::Index;
use crate::store::Entries;
use crate::store::snapshot::FileEntries;

/// An index of row numbers over rows in insertion order, as CPython's dict is built.
///
/// Removal leaves a gap among the rows; gaps are closed when they outnumber the entries.
#[derive(Debug)]
pub struct Table<L> {
    index: Index,
    rows: Rows<L>,
    /// The rows of each function, once those of one were asked for.
    functions: Option<Functions>,
}

impl<L> Default for Table<L> {
    fn default() -> Self {
        Self { index: Index::default(), rows: Rows::default(), functions: None }
    }
}

impl<L: Clone> Table<L> {
    /// The table of a file, and the index that was made when it was read; entries without a time
    /// were made when it was last `modified`.
    pub fn of(placed: FileEntries, index: Index, modified: Option<f64>) -> Self {
        Self { index, rows: Rows::of(placed, modified), functions: None }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Returns whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Makes room for `more` entries; unwinds if there is no memory.
    pub fn reserve(&mut self, more: usize) {
        self.rows.reserve(more);
        self.index.reserve(more);
    }

    /// The entry of `key`.
    pub fn get(&self, key: &[u8]) -> Option<Cow<'_, Entry<L>>> {
        Some(self.rows.get(self.find(key)?)?.1)
    }

    /// Returns whether `key` has an entry.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.find(key).is_some()
    }

    /// The entry of `key`, to be changed.
    pub fn get_mut(&mut self, key: &[u8]) -> Option<&mut Entry<L>> {
        self.drop_spent();
        self.rows.row_mut(self.find(key)?).map(|row| &mut *row.entry)
    }

    /// Returns the entry of `key`, records its use, and returns whether it was used before.
    pub fn hit(&mut self, key: &[u8]) -> Option<(Cow<'_, Entry<L>>, bool)> {
        let row = self.find(key)?;
        let used = self.rows.note_use(row);
        Some((self.rows.get(row)?.1, used))
    }

    /// Puts `entry` in the place of the old one, or at the end; returns the old one.
    ///
    /// # Panics
    /// With more than 2^32 entries, which fit in no memory.
    pub fn insert(&mut self, key: Bytes, entry: impl Into<Box<Entry<L>>>) -> Option<Box<Entry<L>>> {
        self.drop_spent();
        let (hash, rows) = (self.index.hash(&key), &self.rows);
        let found = self.index.find_or_insert(hash, rows.len(), |row| rows.has_key(row, &key));
        let row = Row { key, entry: entry.into() };
        if let Some(number) = found {
            return self.rows.replace(number, row).map(|old| old.entry);
        }
        self.push(row);
        None
    }

    /// Puts `entry` at the end; the caller knows that `key` is not there.
    ///
    /// # Panics
    /// As `insert`.
    pub fn insert_new(&mut self, key: Bytes, entry: Entry<L>) {
        self.index.insert_new(self.index.hash(&key), self.rows.len());
        self.push(Row { key, entry: Box::new(entry) });
    }

    /// Takes the entry of `key` out.
    pub fn remove(&mut self, key: &[u8]) -> Option<Entry<L>> {
        let (hash, rows) = (self.index.hash(key), &self.rows);
        let row = self.index.remove(hash, |row| rows.has_key(row, key))?;
        let gone = self.rows.take(row);
        if let Some(functions) = &mut self.functions {
            functions.remove(key);
        }
        let gaps = self.rows.len() - self.index.len();
        if gaps > 32 && gaps > self.index.len() {
            self.close_gaps();
        }
        self.drop_spent();
        gone.map(|row| *row.entry)
    }

    /// All entries in order.
    pub fn iter(&self) -> impl Iterator<Item = View<'_, L>> {
        (0..self.rows.len()).filter_map(|row| self.rows.get(row))
    }

    /// All that a store can hold, in order.
    pub fn entries(&self) -> Entries {
        self.rows.entries()
    }

    /// Shows `run` all entries in order, mutably: all have rows of their own afterwards.
    pub fn for_each_mut(&mut self, mut run: impl FnMut(&Bytes, &mut Entry<L>)) {
        for row in 0..self.rows.len() {
            if let Some(Row { key, entry }) = self.rows.row_mut(row) {
                run(key, entry);
            }
        }
        self.drop_spent();
    }

    /// Returns all entries that differ from those of a file just read, in no order.
    pub fn touched(&self) -> impl Iterator<Item = (&Bytes, &Entry<L>)> {
        self.rows.touched().map(|Row { key, entry }| (key, &**entry))
    }

    /// The touched entries, mutably.
    pub fn touched_mut(&mut self) -> impl Iterator<Item = &mut Entry<L>> {
        self.rows.touched_mut()
    }

    /// Takes all entries out one by one, in order.
    pub fn into_entries(self) -> impl Iterator<Item = (Bytes, Entry<L>)> {
        self.rows.into_rows().flatten().map(|row| (row.key, *row.entry))
    }

    /// Takes everything out, for the caller to drop.
    #[must_use]
    pub fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    /// How many entries have a key that begins with `start`, the name of a function and a
    /// parenthesis.
    pub fn count_of(&mut self, start: &[u8]) -> usize {
        let counted = self.functions().count(start);
        counted.unwrap_or_else(|| self.keys_of(start).len())
    }

    /// The keys that begin with `start`, the name of a function and a parenthesis, in order.
    pub fn keys_of(&mut self, start: &[u8]) -> Vec<Bytes> {
        self.functions();
        let rows = self.functions.iter().flat_map(|functions| functions.rows(start));
        let keys = rows.filter_map(|row| self.rows.key(row));
        keys.filter(|key| key.starts_with(start)).map(|key| Bytes::copy_from_slice(&key)).collect()
    }

    /// The entries whose key begins with `start`, as `keys_of` has them.
    pub fn entries_of(&mut self, start: &[u8]) -> impl Iterator<Item = View<'_, L>> {
        self.functions();
        let rows = self.functions.iter().flat_map(|functions| functions.rows(start));
        rows.filter_map(|row| self.rows.get(row)).filter(move |(key, _)| key.starts_with(start))
    }

    fn functions(&mut self) -> &Functions {
        let rows = &self.rows;
        self.functions.get_or_insert_with(|| {
            let mut functions = Functions::default();
            for row in 0..rows.len() {
                if let Some(key) = rows.key(row) {
                    functions.add(&key, row);
                }
            }
            functions
        })
    }

    fn push(&mut self, row: Row<L>) {
        if let Some(functions) = &mut self.functions {
            functions.add(&row.key, self.rows.len());
        }
        self.rows.push(row);
    }

    fn find(&self, key: &[u8]) -> Option<usize> {
        self.index.find(self.index.hash(key), |row| self.rows.has_key(row, key))
    }

    /// Lets go of a file of which nothing is in use any more.
    fn drop_spent(&mut self) {
        if self.rows.is_spent() {
            self.close_gaps();
        }
    }

    fn close_gaps(&mut self) {
        let numbers = self.rows.close_gaps();
        self.functions = None;
        self.index.renumber(&numbers);
    }
}

#[cfg(test)]
mod tests;

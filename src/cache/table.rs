//! All entries by key, in insertion order.

use std::borrow::Cow;

use bytes::Bytes;

use super::entry::Entry;
use super::rows::{Row, Rows, View};
use crate::store::snapshot::Placed;
use crate::store::{Entries, Index};

/// An index of row numbers over rows in insertion order, as CPython's dict is built.
///
/// Removal leaves a gap among the rows; gaps are closed when they outnumber the entries.
#[derive(Debug)]
pub struct Table<L> {
    index: Index,
    rows: Rows<L>,
}

impl<L> Default for Table<L> {
    fn default() -> Self {
        Self { index: Index::default(), rows: Rows::default() }
    }
}

impl<L: Clone> Table<L> {
    /// The entries of a file, and the index that was made of them when it was read; those without
    /// a time were made when it was last `modified`.
    pub fn of(placed: Placed, index: Index, modified: Option<f64>) -> Self {
        Self { index, rows: Rows::of(placed, modified) }
    }

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
        self.rows.reserve(more);
        self.index.reserve(more);
    }

    /// The entry of `key`.
    pub fn get(&self, key: &[u8]) -> Option<Cow<'_, Entry<L>>> {
        Some(self.rows.get(self.find(key)?)?.1)
    }

    /// Whether `key` has an entry.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.find(key).is_some()
    }

    /// The entry of `key`, to be changed.
    pub fn get_mut(&mut self, key: &[u8]) -> Option<&mut Entry<L>> {
        self.drop_spent();
        self.rows.row_mut(self.find(key)?).map(|row| &mut row.entry)
    }

    /// Notes that the text of `key` is decoded for a hit; whether it was before.
    pub fn note_use(&mut self, key: &[u8]) -> bool {
        self.find(key).is_some_and(|row| self.rows.note_use(row))
    }

    /// Puts `entry` in the place of the old one, or at the end; gives the old one back.
    ///
    /// # Panics
    /// With more than 2^32 entries, which fit in no memory.
    pub fn insert(&mut self, key: Bytes, entry: Entry<L>) -> Option<Entry<L>> {
        self.drop_spent();
        let (hash, rows) = (self.index.hash(&key), &self.rows);
        let found = self.index.find_or_insert(hash, rows.len(), |row| rows.has_key(row, &key));
        let row = Row { key, entry };
        if let Some(number) = found {
            return self.rows.replace(number, row).map(|old| old.entry);
        }
        self.rows.push(row);
        None
    }

    /// Puts `entry` at the end; the caller knows that `key` is not there.
    ///
    /// # Panics
    /// As `insert`.
    pub fn insert_new(&mut self, key: Bytes, entry: Entry<L>) {
        self.index.insert_new(self.index.hash(&key), self.rows.len());
        self.rows.push(Row { key, entry });
    }

    /// Takes the entry of `key` out.
    pub fn remove(&mut self, key: &[u8]) -> Option<Entry<L>> {
        let (hash, rows) = (self.index.hash(key), &self.rows);
        let row = self.index.remove(hash, |row| rows.has_key(row, key))?;
        let gone = self.rows.take(row);
        let gaps = self.rows.len() - self.index.len();
        if gaps > 32 && gaps > self.index.len() {
            self.close_gaps();
        }
        self.drop_spent();
        gone.map(|row| row.entry)
    }

    /// All entries in order.
    pub fn iter(&self) -> impl Iterator<Item = View<'_, L>> {
        (0..self.rows.len()).filter_map(|row| self.rows.get(row))
    }

    /// All that a store can hold, in order.
    pub fn entries(&self) -> Entries {
        self.rows.entries()
    }

    /// Shows `run` all entries in order, to be changed: all have rows of their own then.
    pub fn for_each_mut(&mut self, mut run: impl FnMut(&Bytes, &mut Entry<L>)) {
        for row in 0..self.rows.len() {
            if let Some(Row { key, entry }) = self.rows.row_mut(row) {
                run(key, entry);
            }
        }
        self.drop_spent();
    }

    /// All entries that are not just as a file gave them when it was read, in no order.
    pub fn touched(&self) -> impl Iterator<Item = (&Bytes, &Entry<L>)> {
        self.rows.touched().map(|Row { key, entry }| (key, entry))
    }

    /// The same, to be changed.
    pub fn touched_mut(&mut self) -> impl Iterator<Item = &mut Entry<L>> {
        self.rows.touched_mut()
    }

    /// Takes all entries out one by one, in order.
    pub fn into_entries(self) -> impl Iterator<Item = (Bytes, Entry<L>)> {
        self.rows.into_rows().flatten().map(|row| (row.key, row.entry))
    }

    /// Takes everything out, to be dropped where the caller likes.
    #[must_use]
    pub fn take(&mut self) -> Self {
        std::mem::take(self)
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
        self.index.renumber(&numbers);
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Table};
    use crate::store::Items;
    use crate::store::snapshot::read::read;
    use crate::store::snapshot::write::write;
    use crate::value::write::Charset;
    use bytes::Bytes;
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn entry(text: &str) -> Entry<()> {
        Entry { text: Some(Bytes::copy_from_slice(text.as_bytes())), ..Entry::new(None) }
    }

    fn key(text: &str) -> Bytes {
        Bytes::copy_from_slice(text.as_bytes())
    }

    fn keys(table: &Table<()>) -> Vec<String> {
        table.iter().map(|(key, _)| String::from_utf8_lossy(&key).into_owned()).collect()
    }

    /// The table of a file.
    fn of(file: &Bytes) -> Table<()> {
        let Items::Placed(placed, index) = read(file).items else { panic!("it was just read") };
        Table::of(placed, index, Some(7.0))
    }

    /// The file that a save would write.
    fn written(table: &Table<()>) -> String {
        let mut out = Vec::new();
        write(&mut out, &table.entries(), Charset::Utf8).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn numbers(entries: usize) -> Bytes {
        let members: Vec<_> = (0..entries).map(|n| format!("\"{n}\": {n}")).collect();
        format!("{{{}}}", members.join(",")).into()
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
        let mut grown = Table::default();
        for n in 0..200 {
            grown.insert(key(&n.to_string()), entry("1"));
        }
        for mut table in [grown, of(&numbers(200))] {
            for n in 0..190 {
                assert!(table.remove(n.to_string().as_bytes()).is_some());
            }
            assert_eq!((table.len(), table.rows.len() < 100), (10, true));
            assert_eq!(keys(&table), (190..200).map(|n| n.to_string()).collect::<Vec<_>>());
            assert!(table.get(b"195").is_some() && table.get(b"5").is_none());
        }
    }

    /// A file's entries are as old as the file, and become rows only when they are touched.
    #[test]
    fn a_file_is_left_where_it_is() {
        let mut table = of(&numbers(5));
        assert_eq!((table.len(), table.touched().count()), (5, 0));
        assert_eq!(table.get(b"3").unwrap().created, Some(7.0));
        assert!(!written(&table).contains("times"));
        assert!(!table.note_use(b"3") && table.note_use(b"3"));
        assert_eq!(table.touched().count(), 0);
        table.get_mut(b"3").unwrap().timed = true;
        assert_eq!(table.touched().count(), 1);
        assert!(table.note_use(b"3"));
        assert!(written(&table).contains("\"times\": {\"3\": 7.0}"));
    }

    /// The memory of a file is free once all of its entries were replaced.
    #[test]
    fn a_spent_file_is_let_go() {
        let file = numbers(50);
        let mut table = of(&file);
        for n in 0..50 {
            assert!(!file.is_unique());
            table.insert(key(&n.to_string()), entry("new"));
        }
        table.remove(b"9");
        assert!(file.is_unique());
        assert_eq!(table.iter().count(), 49);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Put(u8, u8),
        Touch(u8),
        Use(u8),
        Remove(u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => (0..60_u8, any::<u8>()).prop_map(|(key, text)| Step::Put(key, text)),
            1 => (0..60_u8).prop_map(Step::Touch),
            1 => (0..60_u8).prop_map(Step::Use),
            2 => (0..60_u8).prop_map(Step::Remove),
        ]
    }

    /// What the table holds, in order.
    fn contents(table: &Table<()>) -> Vec<(Bytes, Bytes)> {
        let pair = |(key, entry): super::View<'_, ()>| {
            (key.into_owned(), entry.text.clone().expect("each has a text"))
        };
        table.iter().map(pair).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

        /// A table that began with a file does what one does that was filled by hand, and what a
        /// list would.
        #[test]
        fn a_file_makes_no_difference(entries in 0..50_usize, steps in prop::collection::vec(step(), 0..150)) {
            let (mut table, mut list) = (of(&numbers(entries)), Vec::new());
            let mut used = HashSet::new();
            for n in 0..entries {
                list.push((key(&n.to_string()), key(&n.to_string())));
            }
            for step in steps {
                match step {
                    Step::Put(name, text) => {
                        let (name, text) = (key(&name.to_string()), text.to_string());
                        used.remove(&name);
                        let old = table.insert(name.clone(), entry(&text));
                        if let Some(known) = list.iter_mut().find(|(key, _)| *key == name) {
                            prop_assert_eq!(&old.unwrap().text.unwrap(), &known.1);
                            known.1 = key(&text);
                        } else {
                            prop_assert!(old.is_none());
                            list.push((name, key(&text)));
                        }
                    }
                    Step::Touch(name) => {
                        let name = key(&name.to_string());
                        let known = list.iter().find(|(key, _)| *key == name);
                        let found = table.get_mut(&name).map(|entry| entry.text.clone().unwrap());
                        prop_assert_eq!(found.as_ref(), known.map(|(_, text)| text));
                    }
                    Step::Use(name) => {
                        let name = key(&name.to_string());
                        let there = list.iter().any(|(key, _)| *key == name);
                        let first = !there || used.insert(name.clone());
                        prop_assert_eq!(table.note_use(&name), !first);
                    }
                    Step::Remove(name) => {
                        let name = key(&name.to_string());
                        used.remove(&name);
                        let place = list.iter().position(|(key, _)| *key == name);
                        let known = place.map(|place| list.remove(place).1);
                        prop_assert_eq!(table.remove(&name).map(|entry| entry.text.unwrap()), known);
                    }
                }
                prop_assert_eq!(table.len(), list.len());
            }
            prop_assert_eq!(&contents(&table), &list);
            let lines: Vec<_> = list.iter().map(|(key, text)| format!("\n{key:?}: {text:?}").replace("b\"", "\"")).collect();
            prop_assert_eq!(written(&table).replace('"', ""), match lines.len() {
                0 => "{}\n".to_owned(),
                _ => format!("{{{}\n}}\n", lines.join(",")).replace('"', ""),
            });
            for (name, text) in &list {
                let found = table.get(name).unwrap().into_owned();
                prop_assert_eq!(found.text.as_ref(), Some(text));
            }
            let left: Vec<_> = table.into_entries().map(|(key, entry)| (key, entry.text.unwrap())).collect();
            prop_assert_eq!(left, list);
        }
    }
}

//! The entries of a table by number, in insertion order.
//!
//! An entry of a file stays a range of that file until it is used or changed: a row takes more
//! memory than most runs need, and allocating that takes longer than reading the file.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use super::entry::Entry;
use crate::memory::make_room;
use crate::store::snapshot::FileEntries;
use crate::store::{Entries, EntryRun};
use crate::sync::Arc;

/// Rows under numbers that stay until gaps are closed: first those of a file, then all others.
#[derive(Debug)]
pub struct Rows<L> {
    base: Option<Base<L>>,
    /// `None` where a row was taken out.
    own: Vec<Option<Row<L>>>,
}

/// A key and its entry. Boxed: lists of rows grow by copying them.
#[derive(Debug)]
pub struct Row<L> {
    pub key: Bytes,
    pub entry: Box<Entry<L>>,
}

/// A key and its entry, borrowed or made on the fly.
pub type View<'r, L> = (Cow<'r, Bytes>, Cow<'r, Entry<L>>);

/// The entries of a file.
#[derive(Debug)]
struct Base<L> {
    file: Arc<FileEntries>,
    /// The age of entries that carry no time.
    modified: Option<f64>,
    /// The state of each entry: [`UNTOUCHED`], [`USED`], [`GONE`], or its number in `touched`,
    /// counted from [`FIRST`].
    states: Vec<u32>,
    touched: Vec<Option<Row<L>>>,
    /// How many entries are as they are in the file.
    untouched: usize,
}

const UNTOUCHED: u32 = 0;
/// The entry is as it is in the file, and was decoded once.
const USED: u32 = 1;
const GONE: u32 = 2;
const FIRST: u32 = 3;

/// The contents under a number.
enum Slot<'r, L> {
    /// An entry of the file, unchanged.
    Untouched(&'r Base<L>, usize),
    Row(&'r Row<L>),
}

impl<L> Default for Rows<L> {
    fn default() -> Self {
        Self { base: None, own: Vec::new() }
    }
}

impl<L: Clone> Rows<L> {
    /// The rows of a file; entries without a time were made when it was last `modified`.
    pub fn of(file: FileEntries, modified: Option<f64>) -> Self {
        Self { base: Some(Base::new(file, modified)), own: Vec::new() }
    }

    /// How many numbers there are, including those of gaps.
    pub fn len(&self) -> usize {
        self.base_len() + self.own.len()
    }

    /// Makes room for as many more.
    pub fn reserve(&mut self, more: usize) {
        make_room(&mut self.own, more);
    }

    /// Returns whether the row has this key.
    pub fn has_key(&self, row: usize, key: &[u8]) -> bool {
        match self.slot(row) {
            Some(Slot::Untouched(base, at)) => base.file.has_key(at, key),
            Some(Slot::Row(row)) => row.key == key,
            None => false,
        }
    }

    /// The key of the row with this number.
    pub fn key(&self, row: usize) -> Option<Cow<'_, [u8]>> {
        Some(match self.slot(row)? {
            Slot::Untouched(base, at) => base.file.key(at),
            Slot::Row(row) => Cow::Borrowed(&row.key[..]),
        })
    }

    /// The row with this number.
    pub fn get(&self, row: usize) -> Option<View<'_, L>> {
        Some(match self.slot(row)? {
            Slot::Untouched(base, at) => {
                let (key, entry) = base.read(at);
                (Cow::Owned(key), Cow::Owned(entry))
            }
            Slot::Row(row) => (Cow::Borrowed(&row.key), Cow::Borrowed(&*row.entry)),
        })
    }

    /// All that a store can hold, in order.
    pub fn entries(&self) -> Entries {
        let mut entries = Entries::default();
        if let Some(base) = &self.base {
            base.list(&mut entries);
        }
        for row in self.own.iter().flatten() {
            row.list(&mut entries);
        }
        entries
    }

    /// Returns the row with this number for a change, as one of its own.
    pub fn row_mut(&mut self, row: usize) -> Option<&mut Row<L>> {
        let first = self.base_len();
        match &mut self.base {
            Some(base) if row < first => base.touch(row)?.as_mut(),
            _ => self.own.get_mut(row - first)?.as_mut(),
        }
    }

    /// Notes that the row's text is decoded for a hit; returns whether it was before.
    pub fn note_use(&mut self, row: usize) -> bool {
        let first = self.base_len();
        let row = match &mut self.base {
            Some(base) if row < first => return base.note_use(row),
            _ => self.own.get_mut(row - first),
        };
        row.and_then(Option::as_mut).is_some_and(Row::note_use)
    }

    /// Adds a row under the next number.
    pub fn push(&mut self, row: Row<L>) {
        self.own.push(Some(row));
    }

    /// Replaces a row; returns the old one.
    pub fn replace(&mut self, number: usize, row: Row<L>) -> Option<Row<L>> {
        let first = self.base_len();
        match &mut self.base {
            // The key is replaced, too: the old one may keep a whole file in memory.
            Some(base) if number < first => base.touch(number)?.replace(row),
            _ => self.own.get_mut(number - first)?.replace(row),
        }
    }

    /// Takes a row out.
    pub fn take(&mut self, number: usize) -> Option<Row<L>> {
        let first = self.base_len();
        match &mut self.base {
            Some(base) if number < first => base.take(number),
            _ => self.own.get_mut(number - first)?.take(),
        }
    }

    /// Returns all rows that hold more than the file does, in no order.
    pub fn touched(&self) -> impl Iterator<Item = &Row<L>> {
        let touched = self.base.iter().flat_map(|base| &base.touched);
        touched.chain(&self.own).flatten()
    }

    /// Their entries, to be changed.
    pub fn touched_mut(&mut self) -> impl Iterator<Item = &mut Entry<L>> {
        let touched = self.base.iter_mut().flat_map(|base| &mut base.touched);
        touched.chain(&mut self.own).flatten().map(|row| &mut *row.entry)
    }

    /// Returns whether a file is held in memory of which no entry is unchanged.
    pub fn is_spent(&self) -> bool {
        self.base.as_ref().is_some_and(|base| base.untouched == 0)
    }

    /// Makes a row of its own of each entry, without gaps; returns the new number of each old one
    /// (for gaps, any number).
    pub fn close_gaps(&mut self) -> Vec<u32> {
        let mut numbers = Vec::with_capacity(self.len());
        let mut rows = Vec::new();
        for row in std::mem::take(self).into_rows() {
            numbers.push(u32::try_from(rows.len()).expect("there were more rows before"));
            rows.extend(row.map(Some));
        }
        self.own = rows;
        numbers
    }

    /// All rows and gaps, taken out one by one.
    pub fn into_rows(self) -> impl Iterator<Item = Option<Row<L>>> {
        let base = self
            .base
            .into_iter()
            .flat_map(|mut base| (0..base.states.len()).map(move |at| base.take(at)));
        base.chain(self.own)
    }

    fn base_len(&self) -> usize {
        self.base.as_ref().map_or(0, |base| base.states.len())
    }

    fn slot(&self, row: usize) -> Option<Slot<'_, L>> {
        let first = self.base_len();
        match &self.base {
            Some(base) if row < first => base.slot(row),
            _ => self.own.get(row - first)?.as_ref().map(Slot::Row),
        }
    }
}

impl<L> Row<L> {
    fn note_use(&mut self) -> bool {
        std::mem::replace(&mut self.entry.used, true)
    }

    fn list(&self, entries: &mut Entries) {
        if let Some(item) = self.entry.to_item(&self.key) {
            entries.push(item);
        }
    }
}

impl<L> Base<L> {
    fn new(file: FileEntries, modified: Option<f64>) -> Self {
        // Zeroed pages come from the system as they are needed.
        let states = vec![UNTOUCHED; file.len()];
        Self { untouched: file.len(), file: Arc::new(file), modified, states, touched: Vec::new() }
    }

    fn slot(&self, at: usize) -> Option<Slot<'_, L>> {
        match self.states[at] {
            UNTOUCHED | USED => Some(Slot::Untouched(self, at)),
            GONE => None,
            number => self.touched[(number - FIRST) as usize].as_ref().map(Slot::Row),
        }
    }

    fn read(&self, at: usize) -> (Bytes, Entry<L>) {
        let (key, mut entry) = Entry::from_item(self.file.item(at));
        entry.created = entry.created.or(self.modified);
        entry.used = self.states[at] == USED;
        (key, entry)
    }

    fn row(&self, at: usize) -> Row<L> {
        let (key, entry) = self.read(at);
        Row { key, entry: Box::new(entry) }
    }

    /// Adds all entries to `entries`; those that were not touched as ranges of the file.
    fn list(&self, entries: &mut Entries) {
        let mut at = 0;
        while at < self.states.len() {
            match self.slot(at) {
                Some(Slot::Untouched(..)) => {
                    let rest = &self.states[at..];
                    let length = rest.iter().take_while(|&&state| is_in_file(state)).count();
                    entries.push_run(self.run(at..at + length));
                    at += length;
                    continue;
                }
                Some(Slot::Row(row)) => row.list(entries),
                None => {}
            }
            at += 1;
        }
    }

    fn run(&self, range: Range<usize>) -> EntryRun {
        let file = Arc::clone(&self.file);
        EntryRun { file, range, modified: self.modified, timed: false }
    }

    /// Returns the place of an entry's own row, which is made if there is none.
    fn touch(&mut self, at: usize) -> Option<&mut Option<Row<L>>> {
        if is_in_file(self.states[at]) {
            let number = u32::try_from(self.touched.len()).expect("as many as entries at most");
            let row = self.row(at);
            self.touched.push(Some(row));
            self.states[at] = FIRST + number;
            self.untouched -= 1;
        }
        let number = self.states[at].checked_sub(FIRST)?;
        self.touched.get_mut(number as usize)
    }

    fn note_use(&mut self, at: usize) -> bool {
        match self.states[at] {
            UNTOUCHED => {
                self.states[at] = USED;
                false
            }
            USED => true,
            GONE => false,
            number => self.touched[(number - FIRST) as usize].as_mut().is_some_and(Row::note_use),
        }
    }

    fn take(&mut self, at: usize) -> Option<Row<L>> {
        let row = match self.states[at] {
            UNTOUCHED | USED => {
                self.untouched -= 1;
                Some(self.row(at))
            }
            GONE => None,
            number => self.touched[(number - FIRST) as usize].take(),
        };
        self.states[at] = GONE;
        row
    }
}

/// Returns whether an entry in this state is as it is in the file.
fn is_in_file(state: u32) -> bool {
    matches!(state, UNTOUCHED | USED)
}

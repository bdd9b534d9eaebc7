//! Everything that a snapshot is to hold, collected in a moment: entries of a loaded file are named
//! by their places there.

use std::borrow::Cow;
use std::ops::Range;

use super::snapshot::{Fact, FileEntries};
use super::{Item, Notes};
use crate::memory::make_room;
use crate::sync::Arc;

/// Entries in the order of the new file, the salt among them.
#[derive(Debug, Default)]
pub struct Entries(Vec<Chunk>);

#[derive(Debug)]
pub(super) enum Chunk {
    Item(Item),
    Run(EntryRun),
}

/// Consecutive entries of a loaded file.
#[derive(Clone, Debug)]
pub struct EntryRun {
    /// The file.
    pub file: Arc<FileEntries>,
    /// The places of the entries.
    pub range: Range<usize>,
    /// When entries without a time in the file were made.
    pub modified: Option<f64>,
    /// Whether the times of these must survive, too.
    pub timed: bool,
}

impl Entries {
    /// Adds a single entry; unwinds if it is out of memory.
    pub fn push(&mut self, item: Item) {
        make_room(&mut self.0, 1);
        self.0.push(Chunk::Item(item));
    }

    /// Adds a run of a file's entries; unwinds if it is out of memory.
    pub fn push_run(&mut self, run: EntryRun) {
        make_room(&mut self.0, 1);
        self.0.push(Chunk::Run(run));
    }

    /// Makes the times of all entries survive.
    pub fn keep_times(&mut self) {
        for chunk in &mut self.0 {
            match chunk {
                Chunk::Item(item) => item.timed = true,
                Chunk::Run(run) => run.timed = true,
            }
        }
    }

    pub(super) fn chunks(&self) -> &[Chunk] {
        &self.0
    }

    /// Returns the single entries.
    pub(super) fn items(&self) -> impl Iterator<Item = &Item> {
        self.0.iter().filter_map(|chunk| match chunk {
            Chunk::Item(item) => Some(item),
            Chunk::Run(_) => None,
        })
    }

    /// Returns what a flat file must say of entries beside their values, in order.
    pub(super) fn facts(&self) -> impl Iterator<Item = Fact<'_>> {
        self.0.iter().flat_map(|chunk| -> Box<dyn Iterator<Item = _>> {
            match chunk {
                Chunk::Item(item) => Box::new(item_fact(item).into_iter()),
                Chunk::Run(run) => Box::new(run.facts()),
            }
        })
    }
}

impl From<&[Item]> for Entries {
    fn from(items: &[Item]) -> Self {
        Self(items.iter().cloned().map(Chunk::Item).collect())
    }
}

impl EntryRun {
    /// Returns the entry at this place of the file. One without a time is as old as the file.
    pub(super) fn item(&self, at: usize) -> Item {
        let item = self.file.item(at);
        Item { created: item.created.or(self.modified), timed: item.timed || self.timed, ..item }
    }

    fn facts(&self) -> impl Iterator<Item = Fact<'_>> {
        let others = self.modified.filter(|_| self.timed);
        let none = others.is_none() && !self.file.has_facts();
        let range = if none { 0..0 } else { self.range.clone() };
        range.filter_map(move |at| {
            let (key, created, notes) = self.file.fact(at);
            let created = created.or(others);
            (created.is_some() || !notes.is_empty()).then_some((key, created, notes))
        })
    }
}

/// Nobody needs to know how long a call took.
fn item_fact(item: &Item) -> Option<Fact<'_>> {
    let created = item.created.filter(|_| item.timed);
    let needed = created.is_some() || item.notes.code.is_some() || item.notes.others.is_some();
    let notes = Notes { took: None, ..item.notes.clone() };
    needed.then(|| (Cow::Borrowed(&item.key[..]), created, notes))
}

//! All that a snapshot is to hold, put together in a moment: entries that stand in a loaded file are
//! named by their places there.

use std::borrow::Cow;
use std::ops::Range;

use super::snapshot::{Fact, FileEntries};
use super::{Item, Notes};
use crate::memory::make_room;
use crate::sync::Arc;

/// Entries in the order of the file to come, and the salt among them.
#[derive(Debug, Default)]
pub struct Entries(Vec<Chunk>);

#[derive(Debug)]
pub(super) enum Chunk {
    Item(Item),
    Run(EntryRun),
}

/// Entries of a loaded file that follow each other in it.
#[derive(Clone, Debug)]
pub struct EntryRun {
    /// All of the file.
    pub file: Arc<FileEntries>,
    /// Those which are meant.
    pub range: Range<usize>,
    /// When those were made that the file has no time for.
    pub modified: Option<f64>,
    /// Whether the times of these, too, must survive.
    pub timed: bool,
}

impl Entries {
    /// Adds one that stands for itself; unwinds if it is out of memory.
    pub fn push(&mut self, item: Item) {
        make_room(&mut self.0, 1);
        self.0.push(Chunk::Item(item));
    }

    /// Adds some of a file; unwinds if it is out of memory.
    pub fn push_run(&mut self, run: EntryRun) {
        make_room(&mut self.0, 1);
        self.0.push(Chunk::Run(run));
    }

    /// Sees to it that the times of all survive.
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

    /// Those that stand for themselves.
    pub(super) fn items(&self) -> impl Iterator<Item = &Item> {
        self.0.iter().filter_map(|chunk| match chunk {
            Chunk::Item(item) => Some(item),
            Chunk::Run(_) => None,
        })
    }

    /// What a flat file must say of entries beside their values, in order.
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
    /// The entry in this place of the file. One without a time is as old as the file.
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

/// How long a call took is nothing that somebody needs.
fn item_fact(item: &Item) -> Option<Fact<'_>> {
    let created = item.created.filter(|_| item.timed);
    let needed = created.is_some() || item.notes.code.is_some() || item.notes.others.is_some();
    let notes = Notes { took: None, ..item.notes.clone() };
    needed.then(|| (Cow::Borrowed(&item.key[..]), created, notes))
}

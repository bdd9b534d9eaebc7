//! The entries that a store found, each made an [`Item`] when it is needed.

use super::replay::replay;
use super::snapshot::FileEntries;
use super::{Change, Item};
use crate::collections::Index;

/// All entries in insertion order, each key once, and the item of the salt behind them.
#[derive(Debug)]
pub enum Items {
    /// A list.
    Listed(Vec<Item>),
    /// The places of the entries in a file, and an index of their keys; no item has been made yet.
    InFile(FileEntries, Index),
    /// The entries of a file with an index, and the changes since.
    Changed(FileEntries, Index, Vec<Change>),
}

impl Items {
    /// Applies `changes`; entries of a file stay where they are.
    #[must_use]
    pub fn after(self, changes: Vec<Change>) -> Self {
        match self {
            items if changes.is_empty() => items,
            Self::InFile(file, index) => Self::Changed(file, index, changes),
            items => Self::Listed(replay(|| items.into_vec(), changes)),
        }
    }

    /// Returns how many there are, before the changes.
    pub fn len(&self) -> usize {
        match self {
            Self::Listed(items) => items.len(),
            Self::InFile(file, _) | Self::Changed(file, ..) => {
                file.len() + usize::from(file.salt().is_some())
            }
        }
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns all of them in a list.
    pub fn into_vec(self) -> Vec<Item> {
        match self {
            Self::Listed(items) => items,
            Self::InFile(file, _) => list(&file),
            Self::Changed(file, _, changes) => replay(|| list(&file), changes),
        }
    }
}

fn list(file: &FileEntries) -> Vec<Item> {
    (0..file.len()).map(|at| file.item(at)).chain(file.salt()).collect()
}

impl Default for Items {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

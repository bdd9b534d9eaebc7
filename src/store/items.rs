//! What a store found: all entries, each made an [`Item`] when its turn comes.

use super::Item;
use super::snapshot::FileEntries;
use crate::collections::Index;

/// All entries in insertion order, each key once, and the item of the salt behind them.
#[derive(Debug)]
pub enum Items {
    /// One by one.
    Listed(Vec<Item>),
    /// As they stand in a file, and the index of their keys: nothing was made of them yet.
    InFile(FileEntries, Index),
}

impl Items {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Listed(items) => items.len(),
            Self::InFile(file, _) => file.len() + usize::from(file.salt().is_some()),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them in a list.
    pub fn into_vec(self) -> Vec<Item> {
        match self {
            Self::Listed(items) => items,
            Self::InFile(file, _) => {
                let results = (0..file.len()).map(|at| file.item(at));
                results.chain(file.salt()).collect()
            }
        }
    }
}

impl Default for Items {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

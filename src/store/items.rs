//! What a store found: all entries, each made an [`Item`] when its turn comes.

use super::Item;
use super::snapshot::Placed;
use crate::collections::Index;

/// All entries in insertion order, each key once, and the item of the salt behind them.
#[derive(Debug)]
pub enum Items {
    /// One by one.
    Listed(Vec<Item>),
    /// As they stand in a file, and the index of their keys: nothing was made of them yet.
    Placed(Placed, Index),
}

impl Items {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Listed(items) => items.len(),
            Self::Placed(placed, _) => placed.len() + usize::from(placed.salt().is_some()),
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
            Self::Placed(placed, _) => {
                let results = (0..placed.len()).map(|at| placed.item(at));
                results.chain(placed.salt()).collect()
            }
        }
    }
}

impl Default for Items {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

//! The salt that digests of secret arguments are keyed with.

use crate::store::Item;
use crate::store::snapshot::{salt_item, salt_of};

/// The salt of a cache.
#[derive(Clone, Debug)]
pub struct Salt {
    /// The salt itself.
    pub text: String,
    /// Whether it is in the store, or only in this process.
    pub stored: bool,
}

impl Salt {
    /// Returns the salt that `item` holds, if it holds one.
    pub fn of_item(item: &Item) -> Option<Self> {
        salt_of(item).map(|text| Self { text, stored: true })
    }

    /// Returns what a store is given.
    pub fn to_item(&self) -> Item {
        salt_item(&self.text)
    }
}

//! What a process knows of one key.

use super::Item;

/// What there is under a key.
#[derive(Clone, Debug, PartialEq)]
pub enum Known {
    /// Nothing.
    Nothing,
    /// This entry.
    Item(Item),
}

impl Known {
    /// Returns the entry, if there is one.
    pub fn item(self) -> Option<Item> {
        match self {
            Self::Nothing => None,
            Self::Item(item) => Some(item),
        }
    }
}

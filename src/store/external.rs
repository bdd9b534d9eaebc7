//! What other processes, and foreign programs, changed.

use std::time::SystemTime;

use bytes::Bytes;

use super::{Change, Items, KeyStripes, Purge};

/// The contents of a store when it was opened, or opened again.
#[derive(Debug, Default)]
pub struct Loaded {
    /// All entries in insertion order, each key once.
    pub items: Items,
    /// When the snapshot was last modified: the time of entries that carry none.
    pub modified: Option<SystemTime>,
    /// Whether the snapshot's writer cannot have known what this process appended before: a program
    /// that rewrites the file, not a process that folded the journals into it.
    pub foreign: bool,
    /// The keys whose results stand in the journals, and so are the last, whatever times they carry.
    pub told: Vec<Bytes>,
    /// Whether journals are gone that this process has not read: others may have deleted in them
    /// what it knows.
    pub missed: bool,
}

/// A change by another process since the store was last looked at.
///
/// Such changes come in the order of the file; those that this process has undone since are removed
/// already. Apply them under the same lock as the changes of this process.
#[derive(Debug)]
pub enum ExternalChange {
    /// A step from the state that we know.
    Change(Change),
    /// Computations under way are outdated.
    Purge(Purge),
    /// Journals are gone that this process has not read.
    Missed(Missed),
    /// What memory holds of this key, or of all without a key, may differ from the store: it must
    /// be asked for again. Only stores that are not loaded whole send this.
    Outdated(Option<Bytes>),
    /// The history does not continue from the state that we know (an editor, say, replaced the
    /// snapshot, or it was deleted): this is everything that there is now, including this process's
    /// own changes, also those that no disk has taken yet.
    Replaced(Loaded),
}

impl ExternalChange {
    /// Returns whether it concerns everything that there is.
    pub fn is_whole(&self) -> bool {
        matches!(self, Self::Replaced(_) | Self::Change(Change::Clear))
    }

    /// Returns whether it outdates the result that `change` puts.
    pub fn outdates(&self, change: &Change) -> bool {
        let Change::Put(item) = change else { return false };
        match self {
            Self::Purge(purge) => purge.concerns(&item.key),
            Self::Missed(missed) => missed.may_concern(&item.key),
            Self::Change(_) | Self::Outdated(_) | Self::Replaced(_) => false,
        }
    }
}

/// What was purged in journals that a process has missed.
#[derive(Clone, Copy, Debug)]
pub struct Missed {
    /// What the journals that are left tell of them.
    pub told: KeyStripes,
    /// Whether that is not all.
    pub is_unknown: bool,
}

impl Missed {
    /// Returns whether `key` may have been purged.
    pub fn may_concern(&self, key: &[u8]) -> bool {
        self.is_unknown || self.told.concern(key)
    }
}

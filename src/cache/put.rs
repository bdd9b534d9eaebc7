//! The origin of an entry, which decides how it and computations of its key affect each other.

use super::purges::Begun;
use crate::store::Cause;

/// Where an entry comes from.
#[derive(Clone, Copy, Debug)]
pub enum Put<'b> {
    /// A caller brings it.
    Given,
    /// It was kept already.
    Again,
    /// It was computed; if `alone`, with the key locked, no process serves an older one that this
    /// process does not know of.
    Computed { begun: &'b Begun, alone: bool },
}

impl Put<'_> {
    /// Why the store is given it.
    pub fn cause(self) -> Cause {
        match self {
            Self::Given => Cause::Given,
            Self::Again => Cause::Upkeep,
            Self::Computed { .. } => Cause::Computed,
        }
    }

    /// Whether it is the result of a computation that was outdated.
    pub fn is_outdated(self) -> bool {
        matches!(self, Self::Computed { begun, .. } if begun.is_outdated())
    }

    /// Whether no process serves an older result that this one does not know of.
    pub fn is_alone(self) -> bool {
        matches!(self, Self::Computed { alone: true, .. })
    }
}

//! The origin of an entry, which decides how it and computations of its key affect each other.

use super::purges::Begun;
use crate::store::Cause;

/// The origin of an entry.
#[derive(Clone, Copy, Debug)]
pub enum Put<'b> {
    /// A caller provides it.
    Given,
    /// It was kept already.
    Again,
    /// It was computed. If `alone`, with the key locked, no process serves an older one that this
    /// process does not know.
    Computed { begun: &'b Begun, alone: bool },
}

impl Put<'_> {
    /// Returns the cause that the store is given.
    pub fn cause(self) -> Cause {
        match self {
            Self::Given => Cause::Given,
            Self::Again => Cause::Upkeep,
            Self::Computed { .. } => Cause::Computed,
        }
    }

    /// Returns whether it is the result of an outdated computation.
    pub fn is_outdated(self) -> bool {
        matches!(self, Self::Computed { begun, .. } if begun.is_outdated())
    }

    /// Returns whether no process serves an older result that this one does not know.
    pub fn is_alone(self) -> bool {
        matches!(self, Self::Computed { alone: true, .. })
    }
}

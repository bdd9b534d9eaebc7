//! How a key is asked for, and what is known of it before it is computed.

use super::entry::{Entry, Origin};
use crate::store::Take;

/// An entry that was found.
#[derive(Debug)]
pub struct Found<L> {
    /// The entry.
    pub entry: Entry<L>,
    /// Whether it was never asked for before: most results are used once in a run.
    pub first_use: bool,
    /// The call that made or first used it, if another one asks now.
    pub claimed: Option<Origin>,
}

/// How a key is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ask {
    /// The call that asks, where keys do not identify it.
    pub origin: Option<Origin>,
    /// Whether an existing result will do; otherwise it is computed anew.
    pub looks: bool,
    /// When other processes are kept from computing the key.
    pub locks: Locks,
    /// Whether they are, if there is a result.
    pub take: Take,
}

/// When a key is locked, so that other processes do not compute it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Locks {
    /// Never: nothing will be written.
    #[default]
    Never,
    /// From the beginning of the computation.
    AtOnce,
    /// While the result is put: whoever computes does not wait for others, and the first result is
    /// kept.
    AtTheEnd,
}

/// What is known of an older result that may not be served.
#[derive(Clone, Debug)]
pub struct StaleResult<L> {
    /// Whether there is an expired one.
    pub expired: bool,
    /// Whether its refresh was cut off, so that this call computes it anew.
    pub due: bool,
    /// The result, if it may be served when the computation fails.
    pub stale: Option<L>,
}

impl<L> Default for StaleResult<L> {
    fn default() -> Self {
        Self { expired: false, due: false, stale: None }
    }
}

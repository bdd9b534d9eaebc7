//! A change on its way from the cache to the journal.

use crate::store::{Cause, Change};

/// A change that this process makes.
#[derive(Clone, Copy, Debug)]
pub struct Own<'c> {
    /// What it is.
    pub change: &'c Change,
    /// Why it is made.
    pub cause: Cause,
    /// Whether the cache is still to do it, as others' changes.
    pub is_news: bool,
    /// When it was made, in seconds since the epoch, if no disk took it then.
    pub late: Option<f64>,
}

impl Own<'_> {
    /// Whether a purge of others that is not read yet goes before it: it brings a result for which
    /// nobody has asked after that.
    pub fn may_be_outdated(&self) -> bool {
        self.cause != Cause::Given && matches!(self.change, Change::Put(_))
    }
}

//! What there is in a cache: keys, those of one function, and what is known of entries.

use bytes::Bytes;

use super::ledger::Ledger;
use crate::sync::{self, Arc};

/// Lists the entries of a cache.
pub struct Listing<L>(pub(super) Arc<Ledger<L>>);

impl<L: Clone> Listing<L> {
    /// That of a cache with this ledger.
    pub(super) fn new(ledger: Arc<Ledger<L>>) -> Self {
        Self(ledger)
    }

    /// All keys in order.
    pub fn keys(&self) -> Vec<Bytes> {
        let _active = sync::active();
        self.0.loaded().keys()
    }

    /// The keys of values that are no JSON. Each of those that the file gave is looked at once: whoever
    /// lists the keys then asks for these, and so discards them.
    pub fn damaged(&self) -> Vec<Bytes> {
        let _active = sync::active();
        self.0.loaded().damaged()
    }

    /// How many entries have a key that begins with `start`, the name of a function and a parenthesis.
    /// From the second time on this takes no longer where there are many entries of others.
    pub fn count_of(&self, start: &[u8]) -> usize {
        let _active = sync::active();
        self.0.loaded().table_mut().count_of(start)
    }

    /// The keys that begin with `start`, the name of a function and a parenthesis, in order.
    pub fn keys_of(&self, start: &[u8]) -> Vec<Bytes> {
        let _active = sync::active();
        self.0.loaded().table_mut().keys_of(start)
    }

    /// The keys of all entries of which more is known than a time, with that as JSON.
    pub fn notes(&self) -> Vec<(Bytes, Bytes)> {
        let _active = sync::active();
        self.0.loaded().notes()
    }
}

//! Lists of a cache: its keys, those of one function, and what is known of entries.

use bytes::Bytes;

use super::copies::name_in;
use super::ledger::Ledger;
use crate::key::name_of;
use crate::store::Paged;
use crate::sync::{self, Arc, AtomicUsize, Ordering};

/// Lists the entries of a cache.
pub struct Listing<L>(pub(super) Arc<Ledger<L>>, pub(super) Walk);

/// The progress of a walk over entries of a store that is not loaded whole.
#[derive(Debug, Default)]
pub(super) struct Walk {
    done: AtomicUsize,
    whole: AtomicUsize,
}

impl Walk {
    /// Begins a walk over so many entries.
    pub fn begin(&self, whole: usize) {
        self.done.store(0, Ordering::Relaxed);
        self.whole.store(whole, Ordering::Relaxed);
    }

    /// Counts more of them as visited.
    pub fn advance(&self, count: usize) {
        self.done.fetch_add(count, Ordering::Relaxed);
    }
}

impl<L: Clone> Listing<L> {
    /// The listing of a cache with this ledger.
    pub(super) fn new(ledger: Arc<Ledger<L>>) -> Self {
        Self(ledger, Walk::default())
    }

    /// Returns how many entries the last walk has visited so far, and how many it visits; zeros if
    /// there has been none. Of walks at the same time it tells about either.
    pub fn walked(&self) -> (usize, usize) {
        (self.1.done.load(Ordering::Relaxed), self.1.whole.load(Ordering::Relaxed))
    }

    /// All keys in order.
    pub fn keys(&self) -> Vec<Bytes> {
        let _active = sync::active();
        match self.0.store.paged() {
            Some(paged) => self.0.keys_named(paged, None),
            None => self.0.loaded().keys(),
        }
    }

    /// Returns the keys of values that are not JSON. Each value from the file is checked once: a
    /// caller that lists the keys then asks for these, and so discards them.
    pub fn damaged(&self) -> Vec<Bytes> {
        let _active = sync::active();
        // A store that is not loaded whole checks each value when it is read.
        if self.0.store.paged().is_some() { Vec::new() } else { self.0.loaded().damaged() }
    }

    /// Returns whether the store, which is not loaded whole, counts all entries that there are.
    pub fn is_counted_by_store(&self) -> bool {
        let _active = sync::active();
        self.0.is_mirror()
    }

    /// Returns how many entries have a key that begins with `start`, the name of a function and a
    /// parenthesis. After the first call this takes no longer where there are many entries of other
    /// functions.
    pub fn count_of(&self, start: &[u8]) -> usize {
        let _active = sync::active();
        match (self.0.store.paged(), name_in(start)) {
            (None, _) => self.0.loaded().table_mut().count_of(start),
            (Some(paged), Some(name)) => self.0.count_named(paged, name),
            (Some(paged), None) => self.keys_that_begin(paged, start).len(),
        }
    }

    /// The keys that begin with `start`, the name of a function and a parenthesis, in order.
    pub fn keys_of(&self, start: &[u8]) -> Vec<Bytes> {
        let _active = sync::active();
        match (self.0.store.paged(), name_in(start)) {
            (None, _) => self.0.loaded().table_mut().keys_of(start),
            (Some(paged), Some(name)) => self.0.keys_named(paged, Some(name)),
            (Some(paged), None) => self.keys_that_begin(paged, start),
        }
    }

    /// Returns the keys of all entries of which more is known than a time, with that as JSON.
    pub fn notes(&self) -> Vec<(Bytes, Bytes)> {
        let _active = sync::active();
        match self.0.store.paged() {
            Some(paged) => {
                let mut notes = paged.notes();
                notes.extend(self.0.loaded().lone_notes());
                notes
            }
            None => self.0.loaded().notes(),
        }
    }

    pub(super) fn keys_that_begin(&self, paged: &dyn Paged, start: &[u8]) -> Vec<Bytes> {
        let mut keys = self.0.keys_named(paged, name_of(start));
        keys.retain(|key| key.starts_with(start));
        keys
    }
}

//! The flights of all caches by key.

use bytes::Bytes;
use hashbrown::HashTable;

use super::owner::Ticket;
use super::shared_state::{Erased, SharedState};
use crate::sync::Arc;

/// One flight, as its table holds it.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) table: u64,
    pub(super) hash: u64,
    pub(super) key: Bytes,
    pub(super) ticket: Ticket,
    /// The state shared with those who wait; made by the first of them.
    pub(super) shared: Option<Erased>,
    /// The value of an inner call under the same key; only the leader sees it.
    pub(super) scratch: Option<Erased>,
    /// The function that computes, if several share keys.
    pub(super) function: Option<u64>,
    /// The value that was computed beside the leader, in case the leader fails.
    pub(super) fallback: Option<Erased>,
    /// Whether nobody joins it any more: its computation began before a purge.
    pub(super) is_outdated: bool,
}

impl Flight {
    /// Returns the state shared with those who wait, in a table of this type.
    pub(super) fn shared<V: Send + Sync + 'static>(&mut self) -> Arc<SharedState<V>> {
        SharedState::of(self.shared.get_or_insert_with(|| Arc::new(SharedState::<V>::new())))
    }
}

/// The address of a flight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address<'k> {
    /// The number of the cache's table.
    pub(super) table: u64,
    /// The hash of `key`, by that table's hasher.
    pub(super) hash: u64,
    pub(super) key: &'k [u8],
}

/// All flights. IMPORTANT: none is dropped in here, for that may run any code: they are returned.
#[derive(Debug)]
pub(super) struct Table(HashTable<Flight>);

impl Table {
    pub(super) const fn new() -> Self {
        Self(HashTable::new())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The flight of a key that others join.
    pub(super) fn find(&mut self, at: Address) -> Option<&mut Flight> {
        self.find_where(at, |flight| !flight.is_outdated)
    }

    /// A flight of a key that passes `test`.
    pub(super) fn find_where(
        &mut self,
        at: Address,
        test: impl Fn(&Flight) -> bool,
    ) -> Option<&mut Flight> {
        let is_there = |flight: &Flight| flight.table == at.table && flight.key == at.key;
        self.0.find_mut(at.hash, |flight| is_there(flight) && test(flight))
    }

    /// Prevents joining the flights of one cache's table that pass `test`.
    pub(super) fn outdate(&mut self, table: u64, test: impl Fn(&[u8]) -> bool) {
        for flight in &mut self.0 {
            flight.is_outdated |= flight.table == table && test(&flight.key);
        }
    }

    /// Returns the flight with this hash and ticket: its leader needs no copy of the key.
    pub(super) fn with_ticket(&mut self, hash: u64, ticket: &Ticket) -> Option<&mut Flight> {
        self.0.find_mut(hash, |flight| flight.ticket == *ticket)
    }

    /// Adds a flight for a key without one that can be joined.
    pub(super) fn insert(&mut self, flight: Flight) {
        self.0.insert_unique(flight.hash, flight, |flight| flight.hash);
    }

    /// Takes out the flight with this hash and ticket.
    pub(super) fn remove(&mut self, hash: u64, ticket: &Ticket) -> Option<Flight> {
        let found = self.0.find_entry(hash, |flight| flight.ticket == *ticket).ok()?;
        Some(found.remove().0)
    }

    /// Takes out all that pass `test`.
    pub(super) fn extract_if(&mut self, test: impl Fn(&Flight) -> bool) -> Vec<Flight> {
        self.0.extract_if(|flight| test(flight)).collect()
    }
}

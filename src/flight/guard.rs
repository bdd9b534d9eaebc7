//! The duty to compute a key.

use std::marker::PhantomData;
use std::mem;

use super::graph::Graph;
use super::owner::Ticket;
use super::shared_state::{Callback, Leader, Outcome, SharedState};
use super::table::Flight;
use crate::sync::Arc;

/// The duty to compute one key; dropping it unfinished passes the duty on to one who waits.
#[must_use = "dropped it passes the duty on"]
#[derive(Debug)]
pub struct Guard<V: Send + Sync + 'static> {
    graph: &'static Graph,
    hash: u64,
    ticket: Ticket,
    done: bool,
    value: PhantomData<fn(V)>,
}

impl<V: Send + Sync + 'static> Guard<V> {
    pub(super) fn new(graph: &'static Graph, hash: u64, ticket: Ticket) -> Self {
        Self { graph, hash, ticket, done: false, value: PhantomData }
    }

    /// Ends the flight: those who wait at this moment get `outcome`, and nobody later.
    pub fn finish(mut self, outcome: Outcome<V>) {
        self.complete(outcome);
    }

    /// Lets those who wait reach `leader`, once; to be called before anybody but the leader waits.
    pub fn set_leader(&self, leader: Arc<dyn Leader>) {
        let mut state = self.graph.lock();
        let shared = state.table.with_ticket(self.hash, &self.ticket).map(Flight::shared::<V>);
        drop(state);
        shared.map_or(Ok(()), |shared| shared.set_leader(leader)).unwrap_or_else(drop);
    }

    /// Returns whether somebody waits for the outcome at this moment.
    pub fn is_awaited(&self) -> bool {
        let mut state = self.graph.lock();
        let shared = state.table.with_ticket(self.hash, &self.ticket).map(Flight::shared::<V>);
        shared.is_some_and(|shared| shared.is_awaited())
    }

    /// Takes the value that was computed beside the leader, if there is one.
    pub fn take_fallback<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        let mut state = self.graph.lock();
        let flight = state.table.with_ticket(self.hash, &self.ticket);
        let fallback = flight.and_then(|flight| flight.fallback.take());
        drop(state);
        fallback?.downcast_ref().cloned()
    }

    /// Returns whether its leader leads more than `count` flights, in all tables.
    pub fn leads_more_than(&self, count: usize) -> bool {
        self.graph.lock().leads_more_than(self.ticket.owner, count)
    }

    /// Asks whether the leader may wait for another process that holds this key.
    ///
    /// Locks of other processes are in no graph. So that no circle goes through them, no owner that
    /// leads another key waits, directly or indirectly, for one that waits outside: `None` means
    /// that one would, and that the value is better computed at once. While the token lives, `join`
    /// keeps that promise for newcomers.
    pub fn may_wait_outside(&self) -> Option<OutsideWait> {
        let mut state = self.graph.lock();
        let free = state.is_flying(&self.ticket) && state.wait_outside(self.ticket);
        free.then(|| OutsideWait { graph: self.graph, ticket: self.ticket })
    }

    /// Ends the flight, once. No value is dropped and no callback called under a lock.
    fn complete(&mut self, outcome: Outcome<V>) {
        if mem::replace(&mut self.done, true) {
            return;
        }
        let mut state = self.graph.lock();
        let flight = state.end(self.hash, &self.ticket);
        self.graph.recount(&state);
        let Some(shared) = flight.as_ref().and_then(|flight| flight.shared.as_ref()) else {
            drop(state);
            return;
        };
        let callbacks = SharedState::of(shared).end(outcome);
        let (due, lost): (Vec<_>, _) =
            callbacks.into_iter().partition(|(wait, _)| state.is_waiting(wait));
        drop(state);
        for (_, callback) in due {
            callback();
        }
        drop::<Vec<(Ticket, Callback)>>(lost);
    }
}

impl<V: Send + Sync + 'static> Drop for Guard<V> {
    fn drop(&mut self) {
        self.complete(Outcome::Abandoned);
    }
}

/// The permission to wait for another process; dropped when that wait is over.
#[must_use = "dropped it permits nothing"]
#[derive(Debug)]
pub struct OutsideWait {
    graph: &'static Graph,
    ticket: Ticket,
}

impl Drop for OutsideWait {
    fn drop(&mut self) {
        self.graph.lock().end_outside_wait(&self.ticket);
    }
}

//! Waiting for another owner's flight.

use std::time::{Duration, Instant};

use super::graph::Graph;
use super::owner::Ticket;
use super::shared_state::{Callback, Leader, Outcome, SharedState};
use crate::sync::{Arc, Ordering};

/// How far a flight is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Poll<V> {
    /// The flight has ended with this value.
    Ready(V),
    /// The leader ended without one: join again, and one of the callers will lead.
    Again,
    /// Still under way.
    Pending,
}

/// A place in the queue for another owner's value; dropping it leaves the queue.
///
/// While it lives, its owner counts as waiting, and nobody can begin to wait for that owner in a
/// circle.
#[must_use = "dropped it waits for nothing"]
#[derive(Debug)]
pub struct Waiter<V> {
    graph: &'static Graph,
    ticket: Ticket,
    /// The wait of the call that waits for this one to return.
    behind: Option<Ticket>,
    flight: Ticket,
    shared: Arc<SharedState<V>>,
}

impl<V: Clone> Waiter<V> {
    /// Blocks until the flight has ended, for at most `timeout` (zero: just looks).
    ///
    /// The value is cloned without any lock held, but in this call: a caller that has released an
    /// interpreter wants a `V` whose clone needs none, such as an `Arc`.
    pub fn wait(&self, timeout: Duration) -> Poll<V> {
        let lost = self.shared.outcome.get().is_none() && self.block(timeout);
        match self.shared.outcome.get() {
            Some(Outcome::Value(value)) => Poll::Ready(value.clone()),
            Some(Outcome::Abandoned) => Poll::Again,
            None if lost => Poll::Again,
            None => Poll::Pending,
        }
    }
}

impl<V> Waiter<V> {
    /// Makes a waiter. The graph's lock is held, and knows these waits.
    pub(super) fn new(
        graph: &'static Graph,
        ticket: Ticket,
        behind: Option<Ticket>,
        flight: Ticket,
        shared: Arc<SharedState<V>>,
    ) -> Self {
        shared.waiting.fetch_add(1, Ordering::Relaxed);
        Self { graph, ticket, behind, flight, shared }
    }

    /// The number of the thread in which the leader computes.
    pub fn leading_thread(&self) -> u64 {
        self.flight.owner.thread_number()
    }

    /// Returns the leader, if it is one that must be checked during long waits.
    pub fn leader(&self) -> Option<Arc<dyn Leader>> {
        self.shared.leader.get().cloned()
    }

    /// Waits for the outcome; returns whether there will never be one, because the leader was lost
    /// in a fork.
    fn block(&self, timeout: Duration) -> bool {
        let start = Instant::now();
        let mut state = self.graph.lock();
        while self.shared.outcome.get().is_none() {
            if !state.is_flying(&self.flight) {
                return true;
            }
            let Some(left) = timeout.checked_sub(start.elapsed()) else { return false };
            state = self.shared.ended.wait_timeout(state, left);
        }
        false
    }

    /// Calls `callback` once when the flight ends, in the thread that ends it and with no lock
    /// held; at once if it has ended.
    ///
    /// Dropping the waiter forgets the callback, unless it is being called at that moment. A
    /// callback must not panic, and is not called if the leader is lost in a fork.
    pub fn on_done(&self, callback: Callback) {
        let state = self.graph.lock();
        if self.shared.outcome.get().is_none() {
            self.shared.callbacks.lock().push((self.ticket, callback));
        } else {
            drop(state);
            callback();
        }
    }
}

impl<V> Drop for Waiter<V> {
    fn drop(&mut self) {
        let mut state = self.graph.lock();
        state.end_wait(&self.ticket);
        if let Some(behind) = &self.behind {
            state.end_wait(behind);
        }
        let last = self.shared.waiting.fetch_sub(1, Ordering::Relaxed) == 1;
        let deserted = last && state.is_flying(&self.flight);
        let mut callbacks = self.shared.callbacks.lock();
        let mine: Vec<_> = callbacks.extract_if(.., |(ticket, _)| *ticket == self.ticket).collect();
        drop(callbacks);
        drop(state);
        drop(mine);
        if let Some(leader) = self.shared.leader.get().filter(|_| deserted) {
            leader.on_deserted();
        }
    }
}

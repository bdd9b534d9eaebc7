//! Single flight: one computation per key at a time, whatever the number of threads and tasks.
//!
//! ```text
//! join(key, owner) -> Lead(Guard)   compute; finish the guard; dropped, it passes the duty on
//!                     Wait(Waiter)  somebody computes it: wait for the value
//!                     Nested        we are inside our own computation of this key
//!                     Circle        waiting could never end: compute without waiting
//!                     Beside        another function computes this key: compute beside it
//! ```
//!
//! One [`Flights`] for each cache, one [`Graph`] of who waits for whom for the process.

mod graph;
mod guard;
mod owner;
mod shared_state;
mod table;
mod tickets;
mod waiter;

use std::hash::BuildHasher;
use std::marker::PhantomData;
use std::mem;

use bytes::Bytes;
use foldhash::fast::RandomState;

pub use graph::{ForkToken, Graph};
pub use guard::{Guard, OutsideWait};
pub use owner::{Caller, Owner, fresh_id, this_thread};
pub use shared_state::{Callback, Leader, Outcome};
pub use waiter::{Poll, Waiter};

use crate::sync::Arc;
use graph::GraphState;
use owner::Ticket;
use shared_state::Erased;
use table::{Address, Flight};

/// What a caller that asks for a key is to do.
#[must_use = "it holds the duty to compute, or a place among those who wait"]
#[derive(Debug)]
pub enum Join<V: Send + Sync + 'static> {
    /// Compute it and finish the guard.
    Lead(Guard<V>),
    /// Wait for the leader.
    Wait(Waiter<V>),
    /// This owner is computing this very key, further up its stack: compute, or use what an
    /// earlier inner call gave ([`Flights::nested_get`]), and keep the result out of the cache.
    Nested,
    /// Waiting would close a circle: compute without a flight.
    Circle,
    /// Another function computes under this key, and this call may be part of that computation:
    /// compute without a flight, and [`offer`](Flights::offer) the result.
    Beside,
}

/// The flights of one cache. `V` is what a leader hands to those who wait.
#[derive(Debug)]
pub struct Flights<V> {
    graph: &'static Graph,
    /// This cache's number.
    table: u64,
    hasher: RandomState,
    value: PhantomData<fn(V) -> V>,
}

impl<V: Send + Sync + 'static> Flights<V> {
    /// A table without flights; circles are recognised across the whole process.
    pub fn new() -> Self {
        Self::within(Graph::of_process())
    }

    /// An empty table whose circles are looked for in `graph`.
    pub fn within(graph: &'static Graph) -> Self {
        let table = graph.lock().number();
        Self { graph, table, hasher: RandomState::default(), value: PhantomData }
    }

    /// Joins the flight of `key` for `caller`, or begins it. Never waits for a flight.
    pub fn join<'c>(&self, key: &Bytes, caller: impl Into<Caller<'c>>) -> Join<V> {
        let (at, caller) = (self.address(key), caller.into());
        let mut state = self.graph.lock();
        if self.is_idle() {
            // The commonest case by far: there is nothing to look for.
            return self.lead(&mut state, key, at, caller);
        }
        if own(&mut state, at, caller).is_some() {
            return Join::Nested;
        }
        let found = state.table.find(at).map(|flight| (flight.ticket, flight.function));
        let Some((flight, function)) = found else {
            return self.lead(&mut state, key, at, caller);
        };
        if caller.calls_another(function) {
            return Join::Beside;
        }
        if !caller.waiting().all(|owner| state.may_wait(owner, flight)) {
            return Join::Circle;
        }
        self.wait(&mut state, at, caller, flight)
    }

    /// Begins the flight of `key`, if nobody computes it: not even this owner, further up its stack.
    pub fn lead_if_free<'c>(&self, key: &Bytes, caller: impl Into<Caller<'c>>) -> Option<Guard<V>> {
        let (at, caller) = (self.address(key), caller.into());
        let mut state = self.graph.lock();
        let is_free = self.is_idle()
            || own(&mut state, at, caller).is_none() && state.table.find(at).is_none();
        is_free.then(|| self.begin(&mut state, key, at, caller))
    }

    fn lead(&self, state: &mut GraphState, key: &Bytes, at: Address, caller: Caller) -> Join<V> {
        Join::Lead(self.begin(state, key, at, caller))
    }

    fn begin(&self, state: &mut GraphState, key: &Bytes, at: Address, caller: Caller) -> Guard<V> {
        let ticket = state.lead(caller.worker());
        let (Address { table, hash, .. }, function) = (at, caller.function());
        let (key, shared, scratch, fallback) = (key.clone(), None, None, None);
        let is_outdated = false;
        let flight =
            Flight { table, hash, key, ticket, shared, scratch, function, fallback, is_outdated };
        state.table.insert(flight);
        self.graph.recount(state);
        Guard::new(self.graph, hash, ticket)
    }

    fn wait(&self, state: &mut GraphState, at: Address, caller: Caller, flight: Ticket) -> Join<V> {
        let shared = state.table.find(at).expect("it was found under the same lock").shared();
        let mut tickets = caller.waiting().map(|owner| state.wait(owner, flight));
        let ticket = tickets.next().expect("the caller itself waits");
        let behind = tickets.next();
        Join::Wait(Waiter::new(self.graph, ticket, behind, flight, shared))
    }

    /// Returns whether nobody computes anything, in any cache; one atomic load.
    pub fn is_idle(&self) -> bool {
        self.graph.is_idle()
    }

    /// Returns whether somebody computes `key`; one atomic load if nobody computes anything.
    pub fn is_flying(&self, key: &[u8]) -> bool {
        !self.is_idle() && self.graph.lock().table.find_where(self.address(key), |_| true).is_some()
    }

    /// Returns whether `caller` is computing `key` further up its stack; as cheap as `is_flying`.
    pub fn is_nested<'c>(&self, key: &[u8], caller: impl Into<Caller<'c>>) -> bool {
        !self.is_idle() && own(&mut self.graph.lock(), self.address(key), caller.into()).is_some()
    }

    /// Returns the value of an inner call under `key`, if `caller` is inside its own flight of that
    /// key.
    pub fn nested_get<'c>(&self, key: &[u8], caller: impl Into<Caller<'c>>) -> Option<V>
    where
        V: Clone,
    {
        let mut state = self.graph.lock();
        let kept = own(&mut state, self.address(key), caller.into());
        let kept = kept.and_then(|flight| flight.scratch.clone());
        drop(state);
        kept?.downcast_ref().cloned()
    }

    /// Keeps `value` for the inner calls under `key` until that flight ends; it reaches
    /// nobody else. Without such a flight it is dropped.
    pub fn nested_put<'c>(&self, key: &[u8], caller: impl Into<Caller<'c>>, value: V) {
        let mut value: Option<Erased> = Some(Arc::new(value));
        let mut state = self.graph.lock();
        if let Some(flight) = own(&mut state, self.address(key), caller.into()) {
            mem::swap(&mut flight.scratch, &mut value);
        }
        drop(state);
        drop(value);
    }

    /// Leaves `value` with the flight of `key`, in case its leader fails; returns it if nobody
    /// computes `key`.
    pub fn offer<T: Send + Sync + 'static>(&self, key: &[u8], value: T) -> Result<(), T> {
        let mut state = self.graph.lock();
        let Some(flight) = state.table.find(self.address(key)) else {
            drop(state);
            return Err(value);
        };
        let old = flight.fallback.replace(Arc::new(value));
        drop(state);
        drop(old);
        Ok(())
    }

    /// A handle that outdates these flights.
    pub fn outdater(&self) -> Outdater {
        Outdater { graph: self.graph, table: self.table }
    }

    fn address<'k>(&self, key: &'k [u8]) -> Address<'k> {
        Address { table: self.table, hash: self.hasher.hash_one(key), key }
    }
}

/// Returns the flight of a key that `caller` is inside of.
fn own<'w>(state: &'w mut GraphState, at: Address, caller: Caller) -> Option<&'w mut Flight> {
    state.table.find_where(at, |flight| caller.is_inside(flight.ticket.owner))
}

/// Outdates flights of one cache, whatever type they have: their computations began before a purge.
/// Those who wait already get the result, and nobody joins any more.
#[derive(Clone, Copy, Debug)]
pub struct Outdater {
    graph: &'static Graph,
    table: u64,
}

impl Outdater {
    /// Lets nobody join the flights whose keys pass `test` any more; one atomic load if nobody
    /// computes anything.
    pub fn outdate(self, test: impl Fn(&[u8]) -> bool) {
        if !self.graph.is_idle() {
            self.graph.lock().table.outdate(self.table, test);
        }
    }
}

impl<V: Send + Sync + 'static> Default for Flights<V> {
    fn default() -> Self {
        Self::new()
    }
}

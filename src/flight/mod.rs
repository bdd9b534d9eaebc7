//! Single flight: one computation per key at a time, whatever the number of threads and tasks.
//!
//! ```text
//! join(key, owner) -> Lead(Guard)   compute; finish the guard; dropped, it passes the duty on
//!                     Wait(Waiter)  somebody computes it: wait for the value
//!                     Nested        we are inside our own computation of this key
//!                     Circle        waiting could never end: compute without waiting
//! ```
//!
//! One [`Flights`] for each cache, one [`Graph`] of who waits for whom for the process.

mod graph;
mod guard;
mod owner;
mod table;
mod waiter;

use std::hash::BuildHasher;
use std::marker::PhantomData;
use std::mem;

use bytes::Bytes;
use foldhash::fast::RandomState;

pub use graph::{ForkToken, Graph};
pub use guard::{Guard, OutsideWait};
pub use owner::Owner;
pub use waiter::{Callback, Outcome, Poll, Waiter};

use crate::sync::Arc;
use graph::World;
use owner::Place;
use table::{Address, Erased, Flight};
use waiter::Landing;

/// What somebody who asks for a key is to do.
#[must_use = "it holds the duty to compute, or a place among those who wait"]
#[derive(Debug)]
pub enum Join<V: Send + Sync + 'static> {
    /// Compute it and finish the guard.
    Lead(Guard<V>),
    /// Wait for the one who computes it.
    Wait(Waiter<V>),
    /// This owner is computing this very key, further up its stack: compute, or use what an
    /// earlier inner call gave ([`Flights::nested_get`]), and keep the result out of the cache.
    Nested,
    /// Waiting would close a circle: compute without a flight.
    Circle,
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
    /// No flights yet; circles are seen across everything in the process.
    pub fn new() -> Self {
        Self::within(Graph::of_process())
    }

    /// The same with another graph.
    pub fn within(graph: &'static Graph) -> Self {
        let table = graph.lock().number();
        Self { graph, table, hasher: RandomState::default(), value: PhantomData }
    }

    /// Joins the flight of `key` for `owner`, or begins it. Never waits for a flight.
    pub fn join(&self, key: &Bytes, owner: Owner) -> Join<V> {
        let at = self.address(key);
        let mut world = self.graph.lock();
        match world.table.find(at).map(|flight| flight.place) {
            None => self.lead(&mut world, key, at, owner),
            Some(flight) if flight.owner.encloses(owner) => Join::Nested,
            Some(flight) if !world.may_wait(owner, flight) => Join::Circle,
            Some(flight) => self.wait(&mut world, at, owner, flight),
        }
    }

    fn lead(&self, world: &mut World, key: &Bytes, at: Address, owner: Owner) -> Join<V> {
        let place = world.lead(owner);
        let Address { table, hash, .. } = at;
        let key = key.clone();
        world.table.insert(Flight { table, hash, key, place, landing: None, scratch: None });
        self.graph.recount(world);
        Join::Lead(Guard::new(self.graph, hash, place))
    }

    fn wait(&self, world: &mut World, at: Address, owner: Owner, flight: Place) -> Join<V> {
        let landing = world.table.find(at).expect("it was found under the same lock");
        let landing = landing.landing.get_or_insert_with(|| Arc::new(Landing::<V>::new()));
        let landing = Landing::of(landing);
        Join::Wait(Waiter { graph: self.graph, place: world.wait(owner, flight), flight, landing })
    }

    /// Whether somebody computes `key`; one atomic load if nobody computes anything.
    pub fn is_flying(&self, key: &[u8]) -> bool {
        !self.graph.is_idle() && self.graph.lock().table.find(self.address(key)).is_some()
    }

    /// What an inner call under `key` gave, if `owner` is inside its own flight of that key.
    pub fn nested_get(&self, key: &[u8], owner: Owner) -> Option<V>
    where
        V: Clone,
    {
        let mut world = self.graph.lock();
        let kept = self.own(&mut world, key, owner).and_then(|flight| flight.scratch.clone());
        drop(world);
        kept?.downcast_ref().cloned()
    }

    /// Keeps `value` for the inner calls under `key` until the flight of `owner` ends; it reaches
    /// nobody else. Without such a flight it is dropped.
    pub fn nested_put(&self, key: &[u8], owner: Owner, value: V) {
        let mut value: Option<Erased> = Some(Arc::new(value));
        let mut world = self.graph.lock();
        if let Some(flight) = self.own(&mut world, key, owner) {
            mem::swap(&mut flight.scratch, &mut value);
        }
        drop(world);
        drop(value);
    }

    /// The flight of `key` that `owner` is inside of.
    fn own<'w>(&self, world: &'w mut World, key: &[u8], owner: Owner) -> Option<&'w mut Flight> {
        let flight = world.table.find(self.address(key))?;
        flight.place.owner.encloses(owner).then_some(flight)
    }

    fn address<'k>(&self, key: &'k [u8]) -> Address<'k> {
        Address { table: self.table, hash: self.hasher.hash_one(key), key }
    }
}

impl<V: Send + Sync + 'static> Default for Flights<V> {
    fn default() -> Self {
        Self::new()
    }
}

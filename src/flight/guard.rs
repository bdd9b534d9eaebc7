//! The duty to compute a key.

use std::marker::PhantomData;
use std::mem;

use super::graph::Graph;
use super::owner::Place;
use super::table::Flight;
use super::waiter::{Callback, Landing, Leader, Outcome};
use crate::sync::Arc;

/// The duty to compute one key; dropping it unfinished passes the duty on to one who waits.
#[must_use = "dropped it passes the duty on"]
#[derive(Debug)]
pub struct Guard<V: Send + Sync + 'static> {
    graph: &'static Graph,
    hash: u64,
    place: Place,
    done: bool,
    value: PhantomData<fn(V)>,
}

impl<V: Send + Sync + 'static> Guard<V> {
    pub(super) fn new(graph: &'static Graph, hash: u64, place: Place) -> Self {
        Self { graph, hash, place, done: false, value: PhantomData }
    }

    /// Ends the flight: those who wait at this moment, and nobody later, get `outcome`.
    pub fn finish(mut self, outcome: Outcome<V>) {
        self.land(outcome);
    }

    /// Lets those who wait reach `leader`, once; to be called before anybody but the leader waits.
    pub fn led_by(&self, leader: Arc<dyn Leader>) {
        let mut world = self.graph.lock();
        let landing = world.table.at(self.hash, &self.place).map(Flight::landing::<V>);
        drop(world);
        landing.map_or(Ok(()), |landing| landing.set_leader(leader)).unwrap_or_else(drop);
    }

    /// Whether somebody waits for the outcome at this moment.
    pub fn is_awaited(&self) -> bool {
        let mut world = self.graph.lock();
        let landing = world.table.at(self.hash, &self.place).map(Flight::landing::<V>);
        landing.is_some_and(|landing| landing.is_awaited())
    }

    /// Asks whether the leader may wait for another process that holds this key.
    ///
    /// Locks of other processes stand in no graph. So that no circle goes through them, nobody who
    /// leads another key waits, directly or through others, for somebody who waits outside: `None`
    /// means that somebody would, and that the value is better computed at once. While the token
    /// lives, `join` keeps that promise for newcomers.
    pub fn may_wait_outside(&self) -> Option<OutsideWait> {
        let mut world = self.graph.lock();
        let free = world.flies(&self.place) && world.wait_outside(self.place);
        free.then(|| OutsideWait { graph: self.graph, place: self.place })
    }

    /// Ends the flight, once. No value is dropped and no callback called under a lock.
    fn land(&mut self, outcome: Outcome<V>) {
        if mem::replace(&mut self.done, true) {
            return;
        }
        let mut world = self.graph.lock();
        let flight = world.end(self.hash, &self.place);
        self.graph.recount(&world);
        let Some(landing) = flight.as_ref().and_then(|flight| flight.landing.as_ref()) else {
            drop(world);
            return drop((outcome, flight));
        };
        let callbacks = Landing::of(landing).end(outcome);
        let (due, lost): (Vec<_>, _) =
            callbacks.into_iter().partition(|(wait, _)| world.awaits(wait));
        drop(world);
        for (_, callback) in due {
            callback();
        }
        drop::<Vec<(Place, Callback)>>(lost);
    }
}

impl<V: Send + Sync + 'static> Drop for Guard<V> {
    fn drop(&mut self) {
        self.land(Outcome::Abandoned);
    }
}

/// The permission to wait for another process; to be dropped when that wait is over.
#[must_use = "dropped it permits nothing"]
#[derive(Debug)]
pub struct OutsideWait {
    graph: &'static Graph,
    place: Place,
}

impl Drop for OutsideWait {
    fn drop(&mut self) {
        self.graph.lock().back_inside(&self.place);
    }
}

//! Waiting for somebody else's flight.

use std::fmt;
use std::mem;
use std::time::{Duration, Instant};

use super::graph::Graph;
use super::owner::Place;
use super::table::{Erased, ONE_TYPE};
use crate::sync::{Arc, AtomicUsize, Condvar, Mutex, OnceLock, Ordering};

/// Called once when a flight has ended.
pub type Callback = Box<dyn FnOnce() + Send>;

/// A leader that can be spoken to while others wait for it: a task, which may be cancelled, and
/// whose event loop may be gone. Both are called with no lock held, and must not panic.
pub trait Leader: Send + Sync {
    /// The last one who waited has left without an outcome. Others may come at any moment.
    fn nobody_waits(&self);

    /// Called now and then by who waits: a leader that cannot go on drops its guard.
    fn look(&self);
}

/// How a flight ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<V> {
    /// Everybody who waits gets this.
    Value(V),
    /// The leader was stopped: one of those who wait takes over.
    Abandoned,
}

/// What a look at the flight showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Poll<V> {
    /// The flight has ended with this value.
    Ready(V),
    /// The leader is gone without one: join again, and one of those who do will lead.
    Again,
    /// Still under way.
    Pending,
}

/// Where those who wait for a flight meet its outcome.
pub(super) struct Landing<V> {
    outcome: OnceLock<Outcome<V>>,
    /// Goes with the graph's lock: a condition may be used with one lock only.
    ended: Condvar,
    /// Taken only while the graph's lock is held.
    callbacks: Mutex<Vec<(Place, Callback)>>,
    /// How many wait; changed only while the graph's lock is held.
    waiting: AtomicUsize,
    leader: OnceLock<Arc<dyn Leader>>,
}

impl<V: Send + Sync + 'static> Landing<V> {
    pub(super) fn new() -> Self {
        let callbacks = Mutex::new(Vec::new());
        let waiting = AtomicUsize::new(0);
        let leader = OnceLock::new();
        Self { outcome: OnceLock::new(), ended: Condvar::new(), callbacks, waiting, leader }
    }

    /// Whether somebody waits here; the graph's lock is held.
    pub(super) fn is_awaited(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// Names the one who computes; hands it back if somebody is named already.
    pub(super) fn set_leader(&self, leader: Arc<dyn Leader>) -> Result<(), Arc<dyn Leader>> {
        self.leader.set(leader)
    }

    /// The landing of a flight in a table of this type.
    pub(super) fn of(landing: &Erased) -> Arc<Self> {
        Arc::clone(landing).downcast().expect(ONE_TYPE)
    }

    /// Lets everybody know and hands out the callbacks of those who still wait, to be called
    /// without a lock. The graph's lock is held.
    pub(super) fn end(&self, outcome: Outcome<V>) -> Vec<(Place, Callback)> {
        assert!(self.outcome.set(outcome).is_ok(), "a flight ends once");
        self.ended.notify_all();
        mem::take(&mut *self.callbacks.lock())
    }
}

impl<V> fmt::Debug for Landing<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Landing")
            .field("ended", &self.outcome.get().is_some())
            .finish_non_exhaustive()
    }
}

/// A place in the queue for somebody else's value; dropping it leaves the queue.
///
/// As long as it lives, its owner counts as waiting, and nobody may come to wait for that owner in
/// a circle.
#[must_use = "dropped it waits for nothing"]
#[derive(Debug)]
pub struct Waiter<V> {
    graph: &'static Graph,
    place: Place,
    /// The wait of the one who waits for us to return.
    behind: Option<Place>,
    flight: Place,
    landing: Arc<Landing<V>>,
}

impl<V: Clone> Waiter<V> {
    /// Blocks until the flight has ended, for at most `timeout` (zero: just looks).
    ///
    /// The value is cloned without any lock held, but in this call: who has released an
    /// interpreter meanwhile wants a `V` whose clone needs none, such as an `Arc`.
    pub fn wait(&self, timeout: Duration) -> Poll<V> {
        let lost = self.landing.outcome.get().is_none() && self.block(timeout);
        match self.landing.outcome.get() {
            Some(Outcome::Value(value)) => Poll::Ready(value.clone()),
            Some(Outcome::Abandoned) => Poll::Again,
            None if lost => Poll::Again,
            None => Poll::Pending,
        }
    }
}

impl<V> Waiter<V> {
    /// The graph's lock is held, and knows these waits.
    pub(super) fn new(
        graph: &'static Graph,
        place: Place,
        behind: Option<Place>,
        flight: Place,
        landing: Arc<Landing<V>>,
    ) -> Self {
        landing.waiting.fetch_add(1, Ordering::Relaxed);
        Self { graph, place, behind, flight, landing }
    }

    /// The leader, if it is one that must be looked at now and then by who waits long.
    pub fn leader(&self) -> Option<Arc<dyn Leader>> {
        self.landing.leader.get().cloned()
    }

    /// Waits for the outcome; says whether there will never be one, because the leader was lost
    /// in a fork.
    fn block(&self, timeout: Duration) -> bool {
        let start = Instant::now();
        let mut world = self.graph.lock();
        while self.landing.outcome.get().is_none() {
            if !world.flies(&self.flight) {
                return true;
            }
            let Some(left) = timeout.checked_sub(start.elapsed()) else { return false };
            world = self.landing.ended.wait_timeout(world, left);
        }
        false
    }

    /// Has `callback` called once when the flight ends, in the thread that ends it and with no
    /// lock held; at once if it has ended.
    ///
    /// Dropping the waiter forgets the callback, unless it is being called at that moment. A
    /// callback must not panic, and is not called if the leader is lost in a fork.
    pub fn on_done(&self, callback: Callback) {
        let world = self.graph.lock();
        if self.landing.outcome.get().is_none() {
            self.landing.callbacks.lock().push((self.place, callback));
        } else {
            drop(world);
            callback();
        }
    }
}

impl<V> Drop for Waiter<V> {
    fn drop(&mut self) {
        let mut world = self.graph.lock();
        world.forget_wait(&self.place);
        if let Some(behind) = &self.behind {
            world.forget_wait(behind);
        }
        let last = self.landing.waiting.fetch_sub(1, Ordering::Relaxed) == 1;
        let deserted = last && world.flies(&self.flight);
        let mut callbacks = self.landing.callbacks.lock();
        let mine: Vec<_> = callbacks.extract_if(.., |(place, _)| *place == self.place).collect();
        drop(callbacks);
        drop(world);
        drop(mine);
        if let Some(leader) = self.landing.leader.get().filter(|_| deserted) {
            leader.nobody_waits();
        }
    }
}

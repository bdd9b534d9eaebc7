//! The state that a leader shares with those who wait for it, like the two ends of a future.

use std::any::Any;
use std::fmt;
use std::mem;

use super::owner::Ticket;
use crate::sync::{Arc, AtomicUsize, Condvar, Mutex, OnceLock, Ordering, rank};

/// A [`SharedState`], or a value of its table's type; the graph knows none of these types.
pub(super) type Erased = Arc<dyn Any + Send + Sync>;

/// The reason why a value comes out with the type it was put in with.
pub(super) const ONE_TYPE: &str = "each table holds one type";

/// A callback, called once when a flight has ended.
pub type Callback = Box<dyn FnOnce() + Send>;

/// A leader that others reach while they wait for it: a task, which may be cancelled, and whose
/// event loop may be gone. Both methods are called with no lock held, and must not panic.
pub trait Leader: Send + Sync {
    /// The last one who waited has left without an outcome. Others may come at any moment.
    fn on_deserted(&self);

    /// Called now and then by those who wait: a leader that cannot go on drops its guard.
    fn check(&self);
}

/// How a flight ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<V> {
    /// Every caller that waits gets this.
    Value(V),
    /// The leader was stopped: one of those who wait takes over.
    Abandoned,
}

/// The outcome of a flight, and those who wait for it.
pub(super) struct SharedState<V> {
    pub(super) outcome: OnceLock<Outcome<V>>,
    /// Used with the graph's lock only: a condition belongs to one lock.
    pub(super) ended: Condvar,
    /// Taken only while the graph's lock is held.
    pub(super) callbacks: Mutex<Vec<(Ticket, Callback)>, { rank::CALLBACKS }>,
    /// How many wait; changed only while the graph's lock is held.
    pub(super) waiting: AtomicUsize,
    pub(super) leader: OnceLock<Arc<dyn Leader>>,
}

impl<V: Send + Sync + 'static> SharedState<V> {
    pub(super) fn new() -> Self {
        let callbacks = Mutex::new(Vec::new());
        let waiting = AtomicUsize::new(0);
        let leader = OnceLock::new();
        Self { outcome: OnceLock::new(), ended: Condvar::new(), callbacks, waiting, leader }
    }

    /// Returns whether somebody waits here. The graph's lock is held.
    pub(super) fn is_awaited(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// Names the leader; returns it if one is named already.
    pub(super) fn set_leader(&self, leader: Arc<dyn Leader>) -> Result<(), Arc<dyn Leader>> {
        self.leader.set(leader)
    }

    /// The shared state of a flight in a table of this type.
    pub(super) fn of(shared: &Erased) -> Arc<Self> {
        Arc::clone(shared).downcast().expect(ONE_TYPE)
    }

    /// Wakes those who wait, and returns their callbacks, to be called without a lock. The graph's
    /// lock is held.
    pub(super) fn end(&self, outcome: Outcome<V>) -> Vec<(Ticket, Callback)> {
        assert!(self.outcome.set(outcome).is_ok(), "a flight ends once");
        self.ended.notify_all();
        mem::take(&mut *self.callbacks.lock())
    }
}

impl<V> fmt::Debug for SharedState<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedState")
            .field("ended", &self.outcome.get().is_some())
            .finish_non_exhaustive()
    }
}

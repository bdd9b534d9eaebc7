//! What is left to do of a suspended call.

use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::{PyTraverseError, PyVisit};

use super::leadership::Leadership;
use crate::flight::Waiter;
use crate::py::cache::{PyLease, PySharedResult, PyStaleResult};

/// What is left to do.
pub enum State {
    /// Nothing is left to do.
    Over,
    /// Compute inside of our own flight.
    Nested,
    /// Compute, and nobody waits.
    Alone(PyLease),
    /// Compute for everybody.
    Lead(Arc<Leadership>),
    /// Wait.
    Wait(Arc<Waiter<PySharedResult>>),
}

/// What is left to do of one call, which several threads may look at.
pub struct Stage(Mutex<State>);

impl Stage {
    /// Begins with `state`.
    pub fn new(state: State) -> Self {
        Self(Mutex::new(state))
    }

    /// Goes on with `state`; what was left before is to be dropped without a lock.
    #[must_use]
    pub fn replace(&self, state: State) -> State {
        std::mem::replace(&mut *self.0.lock(), state)
    }

    /// Whether others wait for what the call computes.
    pub fn leads(&self) -> bool {
        matches!(*self.0.lock(), State::Lead(_))
    }

    /// Whether somebody else computes.
    pub fn waits(&self) -> bool {
        matches!(*self.0.lock(), State::Wait(_))
    }

    /// The computation that others wait for.
    pub fn lead(&self) -> Option<Arc<Leadership>> {
        match &*self.0.lock() {
            State::Lead(lead) => Some(Arc::clone(lead)),
            _ => None,
        }
    }

    /// The place among those who wait.
    pub fn waiter(&self) -> Option<Arc<Waiter<PySharedResult>>> {
        match &*self.0.lock() {
            State::Wait(waiter) => Some(Arc::clone(waiter)),
            _ => None,
        }
    }

    /// What is known of an older result.
    pub fn old(&self) -> PyStaleResult {
        match &*self.0.lock() {
            State::Lead(lead) => lead.old().clone(),
            State::Alone(lease) => lease.old.clone(),
            State::Over | State::Nested | State::Wait(_) => PyStaleResult::default(),
        }
    }

    /// Takes over what must be done with the result; None for an inner call.
    pub fn lease(&self) -> Option<PyLease> {
        match self.replace(State::Over) {
            State::Alone(lease) => Some(lease),
            State::Lead(lead) => Some(lead.take()),
            State::Over | State::Nested | State::Wait(_) => None,
        }
    }

    /// Gives up what is left to do: another one who waits takes over.
    pub fn give_up(&self) {
        let state = self.replace(State::Over);
        if let State::Lead(lead) = &state {
            lead.give_up();
        }
        drop(state);
    }

    /// Visits what it holds, for the garbage collector.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // NOTE: the collector must not wait for a lock; what it is not shown it takes for alive.
        let Some(state) = self.0.try_lock() else { return Ok(()) };
        let State::Lead(lead) = &*state else { return Ok(()) };
        lead.traverse(visit)
    }
}

//! What is left to do of a suspended call.

use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::{PyTraverseError, PyVisit};

use super::leadership::Leadership;
use crate::flight::Waiter;
use crate::py::cache::{PyLease, PySharedResult, PyStaleResult};

/// What is left to do.
pub enum State {
    /// Look anew, once the store is known to be ready.
    Unready { anew: bool },
    /// Nothing is left to do.
    Over,
    /// Compute inside of our own flight.
    Nested,
    /// Compute; no caller waits.
    Alone(PyLease),
    /// Compute for everybody.
    Lead(Arc<Leadership>),
    /// Wait.
    Wait(Arc<Waiter<PySharedResult>>),
}

/// What is left to do of one call, shared by threads.
pub struct Stage(Mutex<State>);

impl Stage {
    /// Begins with `state`.
    pub fn new(state: State) -> Self {
        Self(Mutex::new(state))
    }

    /// Goes on with `state`; returns what was left before, to be dropped without a lock.
    #[must_use]
    pub fn replace(&self, state: State) -> State {
        std::mem::replace(&mut *self.0.lock(), state)
    }

    /// Returns whether the store is to be made ready, and if so, whether older results count.
    pub fn unready(&self) -> Option<bool> {
        match &*self.0.lock() {
            State::Unready { anew } => Some(*anew),
            _ => None,
        }
    }

    /// Returns whether other callers wait for what the call computes.
    pub fn leads(&self) -> bool {
        matches!(*self.0.lock(), State::Lead(_))
    }

    /// Returns whether another caller computes.
    pub fn waits(&self) -> bool {
        matches!(*self.0.lock(), State::Wait(_))
    }

    /// Returns the computation that other callers wait for.
    pub fn lead(&self) -> Option<Arc<Leadership>> {
        match &*self.0.lock() {
            State::Lead(lead) => Some(Arc::clone(lead)),
            _ => None,
        }
    }

    /// Returns the place among those who wait.
    pub fn waiter(&self) -> Option<Arc<Waiter<PySharedResult>>> {
        match &*self.0.lock() {
            State::Wait(waiter) => Some(Arc::clone(waiter)),
            _ => None,
        }
    }

    /// Returns what is known of an older result.
    pub fn old(&self) -> PyStaleResult {
        match &*self.0.lock() {
            State::Lead(lead) => lead.old().clone(),
            State::Alone(lease) => lease.old.clone(),
            State::Unready { .. } | State::Over | State::Nested | State::Wait(_) => {
                PyStaleResult::default()
            }
        }
    }

    /// Takes over the lease; None for an inner call.
    pub fn lease(&self) -> Option<PyLease> {
        match self.replace(State::Over) {
            State::Alone(lease) => Some(lease),
            State::Lead(lead) => Some(lead.take()),
            State::Unready { .. } | State::Over | State::Nested | State::Wait(_) => None,
        }
    }

    /// Gives up what is left to do: another waiting caller takes over.
    pub fn give_up(&self) {
        let state = self.replace(State::Over);
        if let State::Lead(lead) = &state {
            lead.give_up();
        }
        drop(state);
    }

    /// Visits what it holds, for the garbage collector.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // NOTE: the collector must not wait for a lock; objects it is not shown count as reachable.
        let Some(state) = self.0.try_lock() else { return Ok(()) };
        let State::Lead(lead) = &*state else { return Ok(()) };
        lead.traverse(visit)
    }
}

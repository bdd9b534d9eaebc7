//! What a call owes once its value is there.

use std::sync::Arc;

use crate::clock;
use crate::flight::{Guard, Outcome};
use crate::py::cache::PySharedResult;
use crate::py::value::template::Template;
use crate::store::KeyGuard;

/// What a miss knows of an older result.
#[derive(Clone, Default)]
pub struct StaleResult {
    /// Whether there was one, too old to be served.
    pub(super) expired: bool,
    /// Whether it is the older result of a refresh that was cut off, which this call makes good.
    pub(super) due: bool,
    /// It may be served all the same if the computation fails.
    pub(super) stale: Option<Arc<Template>>,
}

/// What this call must do once its value is there.
#[must_use = "dropped it passes the lease on"]
pub struct Lease {
    pub(super) guard: Option<Guard<PySharedResult>>,
    pub(super) lock: Option<KeyGuard>,
    pub(super) old: StaleResult,
    /// When the computation began, in seconds since the epoch; NaN if nobody knows.
    started: f64,
}

impl Lease {
    /// No flight: nobody waits for what is computed.
    pub fn free(old: StaleResult) -> Self {
        Self { guard: None, lock: None, old, started: clock::now() }
    }

    /// No flight, and a computation that is over already.
    pub fn late(old: StaleResult) -> Self {
        Self { guard: None, lock: None, old, started: f64::NAN }
    }

    /// Others wait for what is computed.
    pub fn lead(guard: Guard<PySharedResult>, old: StaleResult) -> Self {
        Self { guard: Some(guard), lock: None, old, started: clock::now() }
    }

    /// How many seconds the computation took that is over `now`.
    pub fn took(&self, now: f64) -> Option<f64> {
        // A clock may be set back meanwhile.
        Some((now - self.started).max(0.0)).filter(|_| self.started.is_finite())
    }

    /// What is known of an older result.
    pub fn old(&self) -> &StaleResult {
        &self.old
    }

    /// The flight that others wait for.
    pub fn guard(&self) -> Option<&Guard<PySharedResult>> {
        self.guard.as_ref()
    }

    /// Keeps other processes away until the value is there.
    pub fn hold(&mut self, lock: Option<KeyGuard>) {
        self.lock = lock;
    }

    /// Hands the outcome to those who wait, then lets other processes have the key.
    pub(super) fn finish(mut self, landed: PySharedResult) {
        if let Some(guard) = self.guard.take() {
            guard.finish(Outcome::Value(landed));
        }
        drop(self.lock.take());
    }
}

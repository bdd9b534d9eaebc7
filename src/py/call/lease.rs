//! What a call owes once its value is there.

use std::sync::Arc;

use super::invocation::Result_;
use crate::flight::{Guard, Outcome};
use crate::py::value::template::Live;
use crate::store::KeyGuard;

/// What a miss knows of an older result.
#[derive(Clone, Default)]
pub struct Old {
    /// Whether there was one, too old to be served.
    pub(super) expired: bool,
    /// It may be served all the same if the computation fails.
    pub(super) stale: Option<Arc<Live>>,
}

/// What this call must do once its value is there.
#[must_use = "dropped it passes the duty on"]
pub struct Duty {
    pub(super) guard: Option<Guard<Result_>>,
    pub(super) lock: Option<KeyGuard>,
    pub(super) old: Old,
}

impl Duty {
    /// No flight: nobody waits for what is computed.
    pub fn free(old: Old) -> Self {
        Self { guard: None, lock: None, old }
    }

    /// Others wait for what is computed.
    pub fn lead(guard: Guard<Result_>, old: Old) -> Self {
        Self { guard: Some(guard), lock: None, old }
    }

    /// What is known of an older result.
    pub fn old(&self) -> &Old {
        &self.old
    }

    /// The duty towards those who wait.
    pub fn guard(&self) -> Option<&Guard<Result_>> {
        self.guard.as_ref()
    }

    /// Keeps other processes away until the value is there.
    pub fn hold(&mut self, lock: Option<KeyGuard>) {
        self.lock = lock;
    }

    /// Hands the outcome to those who wait, then lets other processes have the key.
    pub(super) fn finish(mut self, landed: Result_) {
        if let Some(guard) = self.guard.take() {
            guard.finish(Outcome::Value(landed));
        }
        drop(self.lock.take());
    }
}

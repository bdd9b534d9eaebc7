//! How long a call waits for another computation: when it says so, and when it stops waiting.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::py::cache::PySharedResult;

/// How long a waiting thread sleeps before it looks for signals (Ctrl-C).
const SIGNALS: Duration = Duration::from_millis(50);

/// After this time a call says what it waits for: many waits are longer than they look.
pub const WORD: Duration = Duration::from_secs(10);

/// The pauses before a key held by another process is asked for again: the first and the longest.
pub const PAUSES: [Duration; 2] = [Duration::from_micros(500), Duration::from_millis(20)];

/// How long a call has waited, and whether it has said so.
#[derive(Debug)]
pub struct Patience {
    since: Instant,
    told: AtomicBool,
}

impl Patience {
    /// Begins to wait.
    pub fn new() -> Self {
        Self { since: Instant::now(), told: AtomicBool::new(false) }
    }

    /// Returns how long the call has waited.
    pub fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }

    /// Returns whether the notice about the wait is due; `true` only once.
    pub fn is_due(&self) -> bool {
        self.since.elapsed() >= WORD && !self.told.swap(true, Ordering::Relaxed)
    }

    /// Returns the pause before the next look: about as long as it has waited, within [`PAUSES`].
    pub fn step(&self) -> Duration {
        let [shortest, longest] = PAUSES;
        self.since.elapsed().clamp(shortest, longest)
    }

    /// Returns the time until the next question at the latest.
    pub fn next(&self, limit: Option<f64>) -> Duration {
        let left = limit.map_or(f64::INFINITY, |limit| limit - self.since.elapsed().as_secs_f64());
        SIGNALS.min(Duration::try_from_secs_f64(left.max(0.0)).unwrap_or(SIGNALS))
    }
}

/// The end of a wait.
pub enum Waited {
    /// The outcome of the other computation.
    Shared(PySharedResult),
    /// The other computation was stopped: some caller must take over.
    Again,
    /// The time that `wait=` allows is over.
    Enough,
}

//! Which thread listens to the server.

use std::sync::atomic::{AtomicU64, Ordering};

/// The number of the listening thread: when it changes, another one takes over.
#[derive(Debug, Default)]
pub struct Listening(AtomicU64);

impl Listening {
    /// Ends the listening thread.
    pub fn end(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }

    /// Returns its number.
    pub fn number(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

//! What a cache shares with its tables of hits.

use super::epoch::Epoch;
use super::watch::Watch;
use crate::policy::Uses;

/// What a hit looks at.
#[derive(Debug, Default)]
pub struct Gate {
    /// Whether a table is up to date.
    pub epoch: Epoch,
    /// Whether a hit is counted as a use, and whether entries tell when they go.
    pub uses: Uses,
    /// Whether other processes have announced anything.
    pub watch: Watch,
}

impl Gate {
    /// Gives entries a [`Liveness`](crate::policy::Liveness) from now on. Outdates the tables that
    /// were filled without.
    pub fn track_liveness(&self) {
        if self.uses.start_tracking() {
            self.epoch.advance();
        }
    }
}

//! The state that a cache shares with its tables of hits.

use super::epoch::Epoch;
use super::watch::Watch;
use crate::policy::Uses;

/// The state that a hit looks at.
#[derive(Debug, Default)]
pub struct Gate {
    /// Whether a table is up to date.
    pub epoch: Epoch,
    /// Whether a hit counts as a use, and whether entries carry marks of their liveness.
    pub uses: Uses,
    /// Whether there are announcements of other processes.
    pub watch: Watch,
}

impl Gate {
    /// Gives entries a [`Liveness`](crate::policy::Liveness) from now on. Outdates the tables that
    /// were filled without one.
    pub fn track_liveness(&self) {
        if self.uses.start_tracking() {
            self.epoch.advance();
        }
    }
}

//! Another process that is in the way, for a moment or because it was stopped halfway.

use std::time::{Duration, Instant};

use crate::stepping;
use crate::sync::{Mutex, rank};

/// How long a process is in the way before it counts as stopped.
const GIVE_UP: Duration = Duration::from_secs(5);

/// The time since which a process has been in the way, if one is.
#[derive(Debug, Default)]
pub struct Obstacle(Mutex<Option<Instant>, { rank::LEAF }>);

impl Obstacle {
    /// Notes whether a process is in the way. Returns whether one has been for so long that waiting
    /// for it makes no sense.
    pub fn is_stuck(&self, busy: bool) -> bool {
        let mut since = self.0.lock();
        if !busy {
            *since = None;
            return false;
        }
        let now = stepping::instant();
        now.duration_since(*since.get_or_insert(now)) >= GIVE_UP
    }
}

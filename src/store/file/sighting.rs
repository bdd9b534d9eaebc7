//! When something was last seen in its place: for a moment it is assumed to be there still.

use std::time::{Duration, Instant};

use crate::stepping;

/// How long something that was seen is assumed to be in its place.
const CERTAIN: Duration = Duration::from_millis(1);

/// The last time that something was seen in its place, if it was.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sighting {
    /// When it is to be looked for again.
    until: Option<Instant>,
}

impl Sighting {
    /// It is seen at this moment.
    pub fn now() -> Self {
        Self { until: Some(stepping::instant() + CERTAIN) }
    }

    /// Returns whether it was seen a moment ago.
    pub fn is_recent(self) -> bool {
        self.until.is_some_and(|until| stepping::instant() < until)
    }
}

//! Counts uses of entries where limits need them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::liveness::Liveness;
use crate::sync::Arc;

/// A clock that ticks once for each use.
#[derive(Debug, Default)]
pub struct UseClock(AtomicU64);

impl UseClock {
    /// Returns the time of a use that happens now; it is unique.
    #[inline]
    pub fn tick(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// The uses of a cache's entries.
#[derive(Debug, Default)]
pub struct Uses {
    /// The clock of uses.
    pub clock: UseClock,
    /// Whether hits count as uses: only under limits.
    counted: AtomicBool,
    /// Whether entries have a [`Liveness`]: they come and go too often to outdate all tables of
    /// hits each time.
    tracked: AtomicBool,
}

impl Uses {
    /// Counts hits as uses from now on.
    pub fn start_counting(&self) {
        self.counted.store(true, Ordering::Release);
    }

    /// Notes a hit on an entry.
    #[inline]
    pub fn note_hit(&self, entry: &Liveness) {
        // An atomic count takes half as long as the hit itself, so only limits pay for it.
        if self.counted.load(Ordering::Acquire) {
            entry.touch(self.clock.tick());
        }
    }

    /// Gives entries a [`Liveness`] from now on; returns whether they had none until now.
    pub fn start_tracking(&self) -> bool {
        !self.tracked.swap(true, Ordering::AcqRel)
    }

    /// Returns whether entries have a [`Liveness`], so that one can go without outdating all
    /// tables.
    pub fn are_tracked(&self) -> bool {
        self.tracked.load(Ordering::Acquire)
    }

    /// The liveness of a new entry, if entries are tracked.
    pub fn new_liveness(&self) -> Option<Arc<Liveness>> {
        self.are_tracked().then(|| Arc::new(Liveness::new(self.clock.tick())))
    }
}

#[cfg(test)]
mod tests {
    use super::Uses;
    use crate::policy::Liveness;

    /// A hit is a use once there are limits, and is not counted before.
    #[test]
    fn hits_are_uses_under_limits() {
        let (uses, entry) = (Uses::default(), Liveness::new(0));
        uses.clock.tick();
        uses.note_hit(&entry);
        assert_eq!((entry.used(), uses.clock.tick()), (0, 1));
        uses.start_counting();
        uses.note_hit(&entry);
        assert_eq!((entry.used(), uses.clock.tick()), (2, 3));
    }
}

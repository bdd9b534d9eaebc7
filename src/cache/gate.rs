//! The one word that a hit looks at: has anything changed since its table was filled?

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::policy::{Mark, Ticks};
use crate::sync::Arc;

const BYPASS: u64 = 1;

/// Counts what invalidates tables of hits, and shuts them off while modes are overridden.
///
/// The word is even while tables may answer; a table is good for the word that it was filled under.
#[derive(Debug, Default)]
pub struct Gate {
    word: AtomicU64,
    overrides: AtomicU64,
    /// Counts the uses of entries.
    pub ticks: Ticks,
    /// Whether hits must be counted as uses: there are limits.
    limited: AtomicBool,
    /// Whether entries are marked: they come and go more often than all tables of hits may be
    /// outdated.
    marked: AtomicBool,
}

impl Gate {
    /// The state now. To be read *before* looking up what is then put into a table.
    #[inline]
    pub fn word(&self) -> u64 {
        self.word.load(Ordering::Acquire)
    }

    /// Has entries be marked from now on; tables that were filled before are outdated.
    pub fn mark_entries(&self) {
        if !self.marked.swap(true, Ordering::AcqRel) {
            self.invalidate();
        }
    }

    /// Has hits be counted as uses from now on.
    pub fn count_uses(&self) {
        self.limited.store(true, Ordering::Release);
    }

    /// Notes a hit on the entry with this mark.
    #[inline]
    pub fn note_hit(&self, mark: &Mark) {
        // An atomic count is half of what such a hit takes: not where nobody asks for it.
        if self.limited.load(Ordering::Acquire) {
            mark.touch(self.ticks.next());
        }
    }

    /// Whether entries are marked, so that one can go without outdating all tables.
    pub fn is_marked(&self) -> bool {
        self.marked.load(Ordering::Acquire)
    }

    /// The mark of a new entry, if there is to be one.
    pub fn new_mark(&self) -> Option<Arc<Mark>> {
        self.is_marked().then(|| Arc::new(Mark::new(self.ticks.next())))
    }

    /// Whether tables may be filled in the state `word`.
    pub fn is_open(word: u64) -> bool {
        word & BYPASS == 0
    }

    /// Outdates all tables: an entry went or changed. To be called *after* the change.
    pub fn invalidate(&self) {
        self.word.fetch_add(2, Ordering::AcqRel);
    }

    /// Shuts all tables off until as many calls of `leave` have come.
    pub fn enter(&self) {
        self.overrides.fetch_add(1, Ordering::AcqRel);
        self.word.fetch_or(BYPASS, Ordering::AcqRel);
    }

    /// Takes one `enter` back.
    pub fn leave(&self) {
        if self.overrides.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.word.fetch_and(!BYPASS, Ordering::AcqRel);
            // Somebody may have entered in between.
            if self.overrides.load(Ordering::Acquire) > 0 {
                self.word.fetch_or(BYPASS, Ordering::AcqRel);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Gate;
    use crate::policy::Mark;

    /// A hit is a use once there are limits, and is not counted before.
    #[test]
    fn hits_are_uses_under_limits() {
        let (gate, mark) = (Gate::default(), Mark::new(0));
        gate.ticks.next();
        gate.note_hit(&mark);
        assert_eq!((mark.used(), gate.ticks.next()), (0, 1));
        gate.count_uses();
        gate.note_hit(&mark);
        assert_eq!((mark.used(), gate.ticks.next()), (2, 3));
    }

    /// Tables are shut off while any override is on, and outlive it unless something changed.
    #[test]
    fn overrides_nest() {
        let gate = Gate::default();
        let before = gate.word();
        gate.enter();
        gate.enter();
        gate.leave();
        assert!(!Gate::is_open(gate.word()));
        gate.leave();
        assert_eq!(gate.word(), before);
        gate.invalidate();
        assert_ne!(gate.word(), before);
        assert!(Gate::is_open(gate.word()));
    }
}

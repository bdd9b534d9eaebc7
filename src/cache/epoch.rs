//! The one word that a hit looks at: whether anything has changed since its table was filled.

use std::sync::atomic::{AtomicU64, Ordering};

const SUSPENDED: u64 = 1;

/// Counts what invalidates tables of hits, and suspends them while modes are overridden.
///
/// An epoch is even while tables may answer; a table is good for the epoch that it was filled in.
#[derive(Debug, Default)]
pub struct Epoch {
    current: AtomicU64,
    suspensions: AtomicU64,
}

impl Epoch {
    /// Returns the current epoch. Read it *before* looking up what is then put into a table.
    #[inline]
    pub fn current(&self) -> u64 {
        self.current.load(Ordering::Acquire)
    }

    /// Returns whether tables may be filled in `epoch`.
    pub fn is_open(epoch: u64) -> bool {
        epoch & SUSPENDED == 0
    }

    /// Begins a new epoch, which outdates all tables: an entry was changed or removed. Call it
    /// *after* the change.
    pub fn advance(&self) {
        self.current.fetch_add(2, Ordering::AcqRel);
    }

    /// Suspends all tables until `resume` has been called as often.
    pub fn suspend(&self) {
        self.suspensions.fetch_add(1, Ordering::AcqRel);
        self.current.fetch_or(SUSPENDED, Ordering::AcqRel);
    }

    /// Undoes one `suspend`.
    pub fn resume(&self) {
        if self.suspensions.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.current.fetch_and(!SUSPENDED, Ordering::AcqRel);
            // Another thread may have suspended them in between.
            if self.suspensions.load(Ordering::Acquire) > 0 {
                self.current.fetch_or(SUSPENDED, Ordering::AcqRel);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Epoch;

    /// Tables are suspended while any override is on; afterwards they are valid unless something
    /// changed.
    #[test]
    fn suspensions_nest() {
        let epoch = Epoch::default();
        let before = epoch.current();
        epoch.suspend();
        epoch.suspend();
        epoch.resume();
        assert!(!Epoch::is_open(epoch.current()));
        epoch.resume();
        assert_eq!(epoch.current(), before);
        epoch.advance();
        assert_ne!(epoch.current(), before);
        assert!(Epoch::is_open(epoch.current()));
    }
}

//! The announcements of other processes, taken in as calls come.

use super::ledger::Ledger;
use crate::store::Page;
use crate::sync::{self, Arc};

/// Follows the other processes of a cache.
pub struct Follower<L>(Arc<Ledger<L>>);

impl<L: Clone> Follower<L> {
    /// The follower of a cache with this ledger.
    pub(super) fn new(ledger: Arc<Ledger<L>>) -> Self {
        Self(ledger)
    }

    /// Takes in what other processes announced; joins those that announce if this process `joins`
    /// and has not yet. This costs next to nothing if nothing was announced; where no page is
    /// shared, it looks each time. Returns whether it looked.
    pub fn follow(&self, joins: bool) -> bool {
        let _displaced;
        if !self.0.is_shared {
            return false;
        }
        let _active = sync::active();
        if self.0.gate.watch.is_current() {
            return false;
        }
        drop(self.0.loaded());
        if joins {
            self.0.join();
        }
        _displaced = self.0.take_external_changes();
        true
    }

    /// Returns whether there is nothing to take in, as far as one look at memory can tell.
    pub fn is_current(&self) -> bool {
        let _active = sync::active();
        !self.0.is_shared || self.0.gate.watch.is_current()
    }

    /// Returns whether there are announcements that were not taken in yet.
    pub fn is_behind(&self) -> bool {
        let _active = sync::active();
        self.0.gate.watch.is_behind()
    }

    /// The page that others announce on, for hits to look at.
    pub fn page(&self) -> Option<Arc<Page>> {
        let _active = sync::active();
        self.0.gate.watch.page()
    }
}

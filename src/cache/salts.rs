//! The salt of a cache, for the code that makes digests of secrets.

use super::ledger::Ledger;
use super::salt::Salt;
use crate::store::{Cause, Change};
use crate::sync::{self, Arc};

/// Provides the salt, and takes the first one that is offered.
pub struct Salts<L>(Arc<Ledger<L>>);

impl<L: Clone> Salts<L> {
    /// The salts of a cache with this ledger.
    pub(super) fn new(ledger: Arc<Ledger<L>>) -> Self {
        Self(ledger)
    }

    /// Returns the salt, if there is one; if it must be `stored`, only if the store has it.
    pub fn get(&self, stored: bool) -> Option<String> {
        let _active = sync::active();
        let state = self.0.loaded();
        state.salt.as_ref().filter(|salt| salt.stored || !stored).map(|salt| salt.text.clone())
    }

    /// Takes the salt of a cache that stands behind this one if there is none: its keys are made
    /// with it. The store gets it once a digest is made.
    pub fn borrow(&self, salt: String) {
        let _active = sync::active();
        self.0.loaded().salt.get_or_insert(Salt { text: salt, stored: false });
    }

    /// Proposes `salt`, for the store, too, if it is to be `stored`; returns the one in force. The
    /// caller holds the key lock of the reserved key and has taken in what others did: so all
    /// processes use the first one.
    pub fn offer(&self, salt: String, stored: bool) -> String {
        let _active = sync::active();
        drop(self.0.loaded());
        let history = self.0.history.lock();
        let known = self.0.state.lock().salt.clone();
        let text = match known {
            Some(known) if known.stored || !stored => return known.text,
            Some(known) => known.text,
            None => salt,
        };
        let salt = Salt { text: text.clone(), stored };
        let put = || self.0.store.append_as(Change::Put(salt.to_item()), Cause::Upkeep);
        let written = if stored { put().map(drop) } else { Ok(()) };
        self.0.state.lock().salt = Some(salt);
        drop(history);
        // A failure is in the store's notices, and the store tries again.
        let _ = self.0.settled(written);
        text
    }
}

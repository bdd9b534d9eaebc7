//! A store on another machine: it is asked while no lock is held that others wait for.

use bytes::Bytes;

use super::bounded_table::Displaced;
use super::ledger::Ledger;
use super::versions::Asked;
use crate::store::{KeyLock, Take};
use crate::sync::MutexGuard;

impl<L: Clone> Ledger<L> {
    /// Tries to keep other processes from computing `key`, and asks what there is under it; then
    /// takes in what they did. `None` if the store does not say what there is.
    pub fn ask_for(
        &self,
        key: &[u8],
        take: Take,
        displaced: &mut Displaced<L>,
    ) -> (KeyLock, Option<Asked>) {
        drop(self.loaded());
        let version = self.versions.of(key);
        let (locked, known) = self.store.take_key(key, take);
        displaced.extend(self.take_external_changes());
        (locked, known.map(|known| Asked { known: Some(known), version }))
    }

    /// Locks the history, unless every use of the store may wait for another machine: then versions
    /// tell what may be kept of its answers.
    pub fn history_at_hand(&self) -> Option<MutexGuard<'_, ()>> {
        (!self.is_remote).then(|| self.history.lock())
    }

    /// Drops copies that other threads made of `key`, or of all keys, before a store on another
    /// machine had taken a change.
    pub fn drop_late(&self, key: Option<&[u8]>) -> Displaced<L> {
        if !self.is_remote {
            return Displaced::new();
        }
        let mut state = self.state.lock();
        if let Some(key) = key {
            self.versions.advance(key);
            return state.drop_copy(&Bytes::copy_from_slice(key)).into_iter().collect();
        }
        self.versions.advance_all();
        state.drop_copies()
    }

    /// Orders a step of the store after all others, and one here after it. While another machine
    /// takes it, nobody waits but who wants to take such a step, too.
    pub fn in_order(&self) -> MutexGuard<'_, ()> {
        if self.is_remote { self.remote_steps.lock() } else { self.history.lock() }
    }
}

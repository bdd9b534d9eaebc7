//! Entries that go without being asked for: evicted, expired or damaged ones.

use bytes::Bytes;

use super::bounded_table::Displaced;
use super::entry::Entry;
use super::ledger::Ledger;
use super::state::State;
use crate::clock;
use crate::store::{Affected, Cause, Change};
use crate::sync::MutexGuard;

impl<L: Clone> Ledger<L> {
    /// Removes evicted entries from the store if the eviction is `durable`; otherwise makes sure
    /// that the store keeps them. The history is locked.
    pub fn let_go(
        &self,
        mut state: MutexGuard<'_, State<L>>,
        evicted: &Displaced<L>,
        durable: bool,
    ) {
        if durable {
            drop(state);
            self.write_off(evicted);
        } else {
            for (key, entry) in evicted {
                state.withheld.keep(key, entry);
            }
        }
    }

    /// Removes evicted entries from the store and announces it to other processes, which would
    /// otherwise keep serving them when the key is computed anew. The history is locked.
    pub fn write_off(&self, evicted: &Displaced<L>) {
        let mut keys = Vec::new();
        for (key, entry) in evicted {
            if entry.to_item(key).is_some() {
                // A failure is in the store's notices.
                let _ = self.store.append_as(Change::Remove(key.clone()), Cause::Upkeep);
                keys.push(key);
            }
        }
        match keys[..] {
            [] => {}
            [key] => self.store.announce(Affected::Key(key)),
            _ => self.store.announce(Affected::All),
        }
    }

    /// Drops `key` because its text turned out to be bad. A copy of the file is kept, unless it is
    /// only read; if `durable`, the next snapshot is written without the entry.
    pub fn discard(&self, key: &[u8], text: &Bytes, why: &str, durable: bool) -> Option<Entry<L>> {
        let _history = self.in_order();
        let old = self.state.lock().discard(key, text);
        // Before the journal says so, as of all that is forgotten.
        self.gate.epoch.advance();
        if old.is_some() {
            self.store.quarantine(why);
        }
        if old.is_some() && durable {
            let change = Change::Remove(Bytes::copy_from_slice(key));
            let _ = self.store.append_as(change, Cause::Upkeep);
            self.store.announce(Affected::Key(key));
        }
        old
    }

    /// Takes out entries that expired so long ago that the file need not keep them. The history is
    /// locked.
    pub fn drop_expired(&self) -> Displaced<L> {
        if let Some(paged) = self.store.paged() {
            return self.forget(&paged.drop_expired(clock::now()));
        }
        let expired = self.state.lock().drop_expired(clock::now());
        self.write_off(&expired);
        expired
    }
}

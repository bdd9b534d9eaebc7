//! Forgetting: one entry, those of a function, or all.

use bytes::Bytes;

use super::bounded_table::Displaced;
use super::copies::name_in;
use super::{Cache, Entry};
use crate::sync;

impl<L, E> Cache<L, E>
where
    L: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// Forgets `key` here, and in the store if `durable`; returns its entry.
    pub fn remove(&self, key: &[u8], durable: bool) -> Option<Entry<L>> {
        let mut late = Displaced::new();
        let (_displaced, _more);
        let _active = sync::active();
        drop(self.ledger.loaded());
        _displaced = self.ledger.take_external_changes();
        let gone = self.ledger.remove(key, durable, &mut late);
        if gone.is_some() || !durable || !self.is_shared() {
            return gone;
        }
        // Another process that computed it may have kept it and left after the look.
        _more = self.ledger.take_external_changes();
        let came = self.ledger.state.lock().table().contains(key);
        if came { self.ledger.remove(key, durable, &mut late) } else { None }
    }

    /// Drops `key` because its text turned out to be bad. A copy of the file is kept, unless it is
    /// only read; if `durable`, the next snapshot is written without the entry.
    pub fn discard(&self, key: &[u8], text: &Bytes, why: &str, durable: bool) {
        let _old;
        let _active = sync::active();
        _old = self.ledger.discard(key, text, why, durable);
    }

    /// Forgets everything here, and in the store if `durable`.
    pub fn clear(&self, durable: bool) {
        let mut late = Displaced::new();
        let (_displaced, _old, _more, _rest);
        let _active = sync::active();
        drop(self.ledger.loaded());
        // What others added since is forgotten, too.
        _displaced = self.ledger.take_external_changes();
        _old = self.ledger.clear(durable, &mut late);
        if durable && self.is_shared() {
            // Another process that computed something may have kept it and left after the look.
            _more = self.ledger.take_external_changes();
            let came = !self.ledger.state.lock().table().is_empty();
            _rest = came.then(|| self.ledger.clear(durable, &mut late));
        }
    }

    /// Forgets all entries of the function whose keys begin with `start`, in one step; `false` if
    /// the store has no such step: then each is forgotten by itself.
    pub fn clear_named(&self, start: &[u8]) -> bool {
        let displaced;
        let active = sync::active();
        drop(self.ledger.loaded());
        displaced = name_in(start).and_then(|name| self.ledger.clear_named(name));
        drop(active);
        displaced.is_some()
    }

    /// Restores entries that this process dropped while the file was left alone, so that forgetting
    /// by a pattern finds them.
    pub fn recall(&self) {
        let (evicted, _displaced);
        let _active = sync::active();
        drop(self.ledger.loaded());
        let _history = self.ledger.history.lock();
        let mut state = self.ledger.state.lock();
        evicted = state.recall();
        _displaced = state.rows.trim_near();
        drop(state);
        self.ledger.write_off(&evicted);
    }

    /// Takes out every decoded form that has no text, to break reference cycles.
    pub fn forget_unstorable(&self) {
        let displaced = self.ledger.state.lock().forget_unstorable();
        self.ledger.gate.epoch.advance();
        drop(displaced);
    }
}

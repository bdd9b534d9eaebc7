//! Forgetting: one entry, all of them, or what turned out to be bad.

use bytes::Bytes;

use super::Cache;
use super::entry::Entry;
use crate::store::{Affected, Change};
use crate::sync;

impl<L, E> Cache<L, E>
where
    L: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// Forgets `key` here, and in the store if `durable`; says whether there was something to forget.
    pub fn remove(&self, key: &[u8], durable: bool) -> Option<Entry<L>> {
        let _displaced;
        let _active = sync::active();
        drop(self.loaded());
        _displaced = self.take_external_active();
        let history = self.history.lock();
        let mut state = self.state.lock();
        let Some(old) = state.remove(key) else {
            drop((state, history));
            // Another thread may have removed it, and not told the store yet.
            let _ = self.store.settle();
            return None;
        };
        if !durable {
            state.withheld.keep(key, &old);
        }
        let stored =
            durable && (state.withheld.release(key) || old.text.is_some() && !old.transient);
        drop(state);
        let change = || Change::Remove(Bytes::copy_from_slice(key));
        let written = if stored { self.store.append(&change()) } else { Ok(()) };
        drop(history);
        self.gate.epoch.advance();
        // A failure is in the store's notices, and the store tries again.
        let _ = self.settled(written);
        if stored {
            self.store.announce(Affected::Key(key));
        }
        Some(old)
    }

    /// Drops `key` because its text turned out to be bad: the file is kept aside as it is, unless it
    /// is only read; if `durable`, the next snapshot does without the entry.
    pub fn discard(&self, key: &[u8], text: &Bytes, why: &str, durable: bool) {
        let old;
        let _active = sync::active();
        let _history = self.history.lock();
        old = self.state.lock().discard(key, text);
        if old.is_some() {
            self.store.quarantine(why);
        }
        if old.is_some() && durable {
            let _ = self.store.append(&Change::Remove(Bytes::copy_from_slice(key)));
            self.store.announce(Affected::Key(key));
        }
        self.gate.epoch.advance();
    }

    /// Forgets everything here, and in the store if `durable`.
    pub fn clear(&self, durable: bool) {
        let (_displaced, _old);
        let _active = sync::active();
        drop(self.loaded());
        // What others added since goes too.
        _displaced = self.take_external_active();
        let history = self.history.lock();
        let mut state = self.state.lock();
        let was_empty = state.table().is_empty() && state.salt.is_none();
        _old = if durable { state.clear() } else { state.clear_here() };
        drop(state);
        let stored = durable && !was_empty;
        let written = if stored { self.store.append(&Change::Clear) } else { Ok(()) };
        drop(history);
        self.gate.epoch.advance();
        // If it was empty, another thread may have cleared it, and not told the store yet.
        let _ =
            written.and_then(|()| self.store.settle()).or_else(|error| self.settled(Err(error)));
        if stored {
            self.store.announce(Affected::All);
        }
    }

    /// Takes out every decoded form that has no text, to break reference cycles.
    pub fn forget_unstorable(&self) {
        let displaced = self.state.lock().forget_unstorable();
        self.gate.epoch.advance();
        drop(displaced);
    }
}

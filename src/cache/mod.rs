//! The cache: the only place where flights, policies and stores meet.
//!
//! A [`Cache`] knows texts and, beside each, something decoded (`L`) that hits are served from; it
//! never looks into either. `E` is what a failed computation hands to those who wait for it.
//!
//! IMPORTANT: whatever may drop an `L` or an `E` does so after unlocking and after leaving
//! (`sync::active`): dropping one may run any code, and that code may call the cache, or fork. What
//! is declared before the locks are taken is dropped behind them.

mod bounded_table;
pub mod entry;
mod epoch;
mod external;
mod forget;
mod gate;
mod intake;
mod lease;
mod limiter;
mod rows;
mod salt;
mod save;
mod state;
pub mod table;
mod withheld;

use std::sync::atomic::AtomicBool;

use bytes::Bytes;

pub use entry::{Entry, Origin};
pub use epoch::Epoch;
pub use gate::Gate;
pub use lease::{Ask, Found, Lease, Miss, StaleResult};
pub use limiter::Share;

use crate::error::Result;
use crate::flight::{Caller, Flights, Join};
use crate::policy::Limits;
use crate::store::{Affected, Change, KeyLock, Store};
use crate::sync::{self, Arc, Mutex, rank};
use bounded_table::Displaced;
use salt::Salt;
use state::State;

/// What a leader hands to those who wait.
#[derive(Clone, Debug)]
pub enum SharedResult<L, E> {
    /// The result: its text if it can be stored, its decoded form if there is one.
    Result(Option<Bytes>, Option<L>),
    /// The computation failed.
    Failed(E),
}

/// One cache: entries in memory, in front of a store.
pub struct Cache<L, E> {
    state: Mutex<State<L>, { rank::STATE }>,
    store: Box<dyn Store>,
    flights: Flights<SharedResult<L, E>>,
    gate: Arc<Gate>,
    /// Held while the store's history and ours take the same step, so that neither overtakes.
    history: Mutex<(), { rank::HISTORY }>,
    /// Held by whoever writes a snapshot.
    saving: Mutex<(), { rank::SAVING }>,
    /// Whether a thread is writing one in the background.
    background: AtomicBool,
    /// Whether the store holds changes that another process was in the way of.
    unsettled: AtomicBool,
}

impl<L, E> Cache<L, E>
where
    L: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// A cache over `store`; reads nothing yet.
    pub fn new(store: Box<dyn Store>) -> Self {
        let gate = Arc::<Gate>::default();
        Self {
            state: Mutex::new(State::new(Arc::clone(&gate))),
            store,
            flights: Flights::new(),
            gate,
            history: Mutex::new(()),
            saving: Mutex::new(()),
            background: AtomicBool::new(false),
            unsettled: AtomicBool::new(false),
        }
    }

    /// What tables of hits have to look at.
    pub fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Says whether the store may only be read from now on.
    pub fn set_read_only(&self, only: bool) {
        let _active = sync::active();
        self.store.set_read_only(only);
    }

    /// Reads the store, unless that was done before.
    pub fn load(&self) {
        let _active = sync::active();
        drop(self.loaded());
    }

    /// The state, loaded. Loading happens under the lock: everybody needs it to end.
    pub(super) fn loaded(&self) -> sync::MutexGuard<'_, State<L>> {
        let mut state = self.state.lock();
        if !state.is_loaded() {
            state.load(self.store.load());
        }
        state
    }

    /// The entry of `key`.
    pub fn get(&self, key: &[u8]) -> Option<Entry<L>> {
        let _active = sync::active();
        self.loaded().hit(key, None).map(|found| found.entry)
    }

    /// The entry of `key`, for who only looks: it counts as no use.
    pub fn peek(&self, key: &[u8]) -> Option<Found<L>> {
        let _active = sync::active();
        self.loaded().peek(key)
    }

    /// Whether `key` has an entry.
    pub fn contains(&self, key: &[u8]) -> bool {
        let _active = sync::active();
        self.loaded().table().contains(key)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        let _active = sync::active();
        self.loaded().table().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The keys of all entries of which more is known than a time, with that as JSON.
    pub fn notes(&self) -> Vec<(Bytes, Bytes)> {
        let _active = sync::active();
        self.loaded().notes()
    }

    /// All keys in order.
    pub fn keys(&self) -> Vec<Bytes> {
        let _active = sync::active();
        self.loaded().keys()
    }

    /// The keys of values that are no JSON. Each of those that the file gave is looked at once: whoever
    /// lists the keys then asks for these, and so discards them.
    pub fn damaged(&self) -> Vec<Bytes> {
        let _active = sync::active();
        self.loaded().damaged()
    }

    /// Keeps the decoded form `live` beside the text it was made from, if that is still there.
    pub fn keep_live(&self, key: &[u8], text: &Bytes, live: &L) {
        let _old;
        let _active = sync::active();
        _old = self.loaded().keep_live(key, text, live);
    }

    /// Joins the flight of `key`, or begins it.
    pub fn join<'c>(&self, key: &Bytes, caller: impl Into<Caller<'c>>) -> Join<SharedResult<L, E>> {
        let _active = sync::active();
        self.flights.join(key, caller)
    }

    /// Whether somebody computes `key` at this moment.
    pub fn is_flying(&self, key: &[u8]) -> bool {
        if self.flights.is_idle() {
            return false;
        }
        let _active = sync::active();
        self.flights.is_flying(key)
    }

    /// Whether `caller` is computing `key`, further up its stack.
    pub fn is_nested<'c>(&self, key: &[u8], caller: impl Into<Caller<'c>>) -> bool {
        if self.flights.is_idle() {
            return false;
        }
        let _active = sync::active();
        self.flights.is_nested(key, caller)
    }

    /// The flights, for what goes on inside of one.
    pub fn flights(&self) -> &Flights<SharedResult<L, E>> {
        &self.flights
    }

    /// Tries to keep other processes from computing `key` while we do.
    pub fn lock_key(&self, key: &[u8]) -> KeyLock {
        let _active = sync::active();
        self.store.lock_key(key)
    }

    /// The process that has `key` locked, as far as it can be known.
    pub fn key_holder(&self, key: &[u8]) -> Option<u32> {
        let _active = sync::active();
        self.store.key_holder(key)
    }

    /// What digests of secrets are keyed with, if there is such a thing and the store has it, or
    /// need not have it (`stored` is false).
    pub fn salt(&self, stored: bool) -> Option<String> {
        let _active = sync::active();
        let state = self.loaded();
        state.salt.as_ref().filter(|salt| salt.stored || !stored).map(|salt| salt.text.clone())
    }

    /// Lets `salt` hold, in the store too if it is to be `stored`, unless there is one; the salt
    /// that holds. The caller has the key lock of the reserved key and has taken in the news: so
    /// all processes use the one that was first.
    pub fn offer_salt(&self, salt: String, stored: bool) -> String {
        let _active = sync::active();
        drop(self.loaded());
        let history = self.history.lock();
        let known = self.state.lock().salt.clone();
        let text = match known {
            Some(known) if known.stored || !stored => return known.text,
            Some(known) => known.text,
            None => salt,
        };
        let salt = Salt { text: text.clone(), stored };
        let written = if stored { self.store.append(&Change::Put(salt.to_item())) } else { Ok(()) };
        self.state.lock().salt = Some(salt);
        drop(history);
        // A failure is in the store's notices, and the store tries again.
        let _ = self.settled(written);
        text
    }

    /// Keeps a result: on disk first, then in memory.
    ///
    /// When it returns `Ok`, a stored result survives the end of this process. On `Err` the result
    /// is in memory all the same, and will be in the next snapshot; if another process was in the
    /// way, [`settle`](Self::settle) writes it.
    pub fn put_now(&self, key: &Bytes, entry: Entry<L>) -> Result<()> {
        let displaced;
        let _active = sync::active();
        drop(self.loaded());
        let history = self.history.lock();
        // While nothing is written yet: what is in the journal must be in the table.
        self.state.lock().make_room();
        let written = self.write_down(key, &entry);
        let transient = entry.transient;
        let mut state = self.state.lock();
        displaced = state.put(key, entry);
        let marked = self.gate.uses.are_tracked();
        drop(state);
        let (old, evicted) = &displaced;
        self.write_off(evicted);
        if old.is_some() && !marked {
            self.gate.epoch.advance();
        }
        let replaced = !transient && old.is_some();
        drop(history);
        let written = self.settled(written);
        if replaced {
            self.store.announce(Affected::Key(key));
        }
        written
    }

    /// Has the store forget what went for want of room; the history is locked.
    fn write_off(&self, evicted: &Displaced<L>) {
        for (key, entry) in evicted {
            if entry.to_item(key).is_some() {
                // A failure is in the store's notices.
                let _ = self.store.append(&Change::Remove(key.clone()));
            }
        }
    }

    /// Sets how much there may be; what is too much goes.
    pub fn limit(&self, share: Share, limits: Limits) {
        let evicted;
        let _active = sync::active();
        let _history = self.history.lock();
        evicted = self.state.lock().rows.limit(share, limits);
        self.write_off(&evicted);
        self.gate.epoch.advance();
    }

    /// How much the whole cache may have.
    pub fn limits(&self) -> Limits {
        let _active = sync::active();
        self.state.lock().rows.limits()
    }

    /// Has creation times survive in the file from now on: somebody uses expiry.
    pub fn keep_times(&self) {
        self.state.lock().keeps_times = true;
        self.gate.track_liveness();
    }

    /// How many entries went for want of room.
    pub fn evictions(&self, share: &Share) -> u64 {
        let _active = sync::active();
        self.state.lock().rows.evictions(share)
    }

    fn write_down(&self, key: &Bytes, entry: &Entry<L>) -> Result<()> {
        if let Some(item) = entry.to_item(key) {
            return self.store.append(&Change::Put(item));
        }
        // The store may hold an older result of this key: that one is no longer true.
        let stale =
            self.state.lock().table().get(key).is_some_and(|old| old.to_item(key).is_some());
        if stale && entry.text.is_none() {
            return self.store.append(&Change::Remove(key.clone()));
        }
        Ok(())
    }

    /// What the user should be told; emptied by the call.
    pub fn notices(&self) -> Vec<String> {
        self.store.notices()
    }

    /// In the child of a fork: drops what belongs to the parent.
    pub fn after_fork(&self) {
        self.no_background();
        self.store.after_fork();
    }

    /// Calls `visit` with every decoded form, unless somebody holds the lock: the garbage collector
    /// must not wait, and takes what it was not shown for alive.
    pub fn visit_live<X>(
        &self,
        visit: impl FnMut(&L) -> std::result::Result<(), X>,
    ) -> std::result::Result<(), X> {
        match self.state.try_lock() {
            Some(state) => state.lives().try_for_each(visit),
            None => Ok(()),
        }
    }
}

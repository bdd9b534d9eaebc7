//! The entries in memory and the store behind them, which take every step together.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use super::bounded_table::{Displaced, Replaced};
use super::entry::Entry;
use super::gate::Gate;
use super::paging::Paging;
use super::purges::Purges;
use super::put::Put;
use super::state::State;
use super::table::Table;
use super::versions::Versions;
use crate::error::Result;
use crate::flight::Outdater;
use crate::store::{Affected, Cause, Change, Purge, Store};
use crate::sync::{Arc, Mutex, MutexGuard, rank};

/// The results of a cache, in memory and in the store.
///
/// IMPORTANT: the caller is inside the cache ([`crate::sync::active`]), and drops what is returned
/// after leaving it.
pub struct Ledger<L> {
    pub(super) state: Mutex<State<L>, { rank::STATE }>,
    pub(super) store: Box<dyn Store>,
    pub(super) gate: Arc<Gate>,
    /// State for stores that are not loaded whole.
    pub(super) paging: Paging,
    /// What outdates computations; changed while the history is locked.
    pub(super) purges: Arc<Purges>,
    /// Whether answers of a store on another machine may be kept.
    pub(super) versions: Versions,
    /// Held while the store's history and ours take the same step, so that neither gets ahead.
    pub(super) history: Mutex<(), { rank::HISTORY }>,
    /// Takes its place while a store on another machine takes a step that no lease protects.
    pub(super) remote_steps: Mutex<(), { rank::SAVING }>,
    /// Whether the store holds changes that another process kept from being written.
    unsettled: AtomicBool,
    /// Whether other processes may change the store.
    pub is_shared: bool,
    /// Whether every use of the store may wait for another machine.
    pub is_remote: bool,
    /// Whether this process has tried to join the others since it last left them.
    pub(super) joined: AtomicBool,
}

impl<L> Ledger<L> {
    /// A ledger that has read nothing yet; `flights` are those of the cache.
    pub fn new(store: Box<dyn Store>, flights: Outdater) -> Self {
        let gate = Arc::<Gate>::default();
        Self {
            state: Mutex::new(State::new(Arc::clone(&gate), store.paged().is_some())),
            paging: Paging::over(&*store, &gate),
            is_shared: store.is_shared(),
            is_remote: store.is_remote(),
            versions: Versions::new(store.is_remote()),
            joined: AtomicBool::new(false),
            store,
            gate,
            purges: Arc::new(Purges::new(flights)),
            history: Mutex::new(()),
            remote_steps: Mutex::new(()),
            unsettled: AtomicBool::new(false),
        }
    }

    /// Returns whether another process kept a change from being written.
    pub fn is_unsettled(&self) -> bool {
        self.unsettled.load(Ordering::Acquire)
    }

    /// Writes what another process was in the way of, if it no longer is.
    pub fn settle(&self) -> Result<()> {
        let result = self.store.settle();
        let busy = matches!(&result, Err(error) if error.is_busy());
        self.unsettled.store(busy, Ordering::Release);
        result
    }

    /// Handles the result of a change that was handed to the store; the history is not locked any
    /// more. If another process is in the way, the caller must [`settle`](Self::settle).
    pub fn settled(&self, written: Result<()>) -> Result<()> {
        match written {
            Err(error) if error.is_busy() => self.settle(),
            written => written,
        }
    }
}

impl<L: Clone> Ledger<L> {
    /// Returns the state, loaded. Loading happens under the lock: every thread needs it to end.
    pub fn loaded(&self) -> MutexGuard<'_, State<L>> {
        let mut state = self.state.lock();
        if !state.is_loaded() {
            state.load(self.store.load());
        }
        state
    }

    /// Keeps a result: on disk first, then in memory. Returns what it replaces, what is evicted for
    /// it, and whether it is kept: an outdated result is not.
    pub fn put(
        &self,
        key: &Bytes,
        entry: Box<Entry<L>>,
        put: Put<'_>,
    ) -> (Replaced<L>, Result<bool>) {
        // What a lease protects on another machine needs no order beside.
        let history = if put.is_alone() { self.history_at_hand() } else { Some(self.in_order()) };
        if put.is_outdated() {
            return refused(entry);
        }
        let version = self.versions.of(key);
        // While nothing is written yet: everything in the journal must also be in the table.
        self.loaded().make_room();
        let mut gone = Vec::new();
        let written = match self.write_down(key, &entry, put.cause(), &mut gone) {
            Ok(false) => return refused(entry),
            written => written.map(drop),
        };
        let (transient, is_unstorable) = (entry.transient, entry.text.is_none());
        let mut state = self.state.lock();
        if self.is_remote && put.is_outdated() {
            drop(state);
            return self.take_back(key, entry, &written);
        }
        let mut displaced = state.put(key, entry);
        // Not evicted: it is in the store, and stays there.
        let doubtful = if self.versions.of(key) == version { None } else { state.drop_copy(key) };
        self.versions.advance(key);
        let marked = self.gate.uses.are_tracked();
        let (old, evicted) = &displaced;
        self.let_go(state, evicted, !transient);
        if old.is_some() && !marked {
            self.gate.epoch.advance();
        }
        let replaced = !transient && (old.is_some() || !put.is_alone());
        if matches!(put, Put::Given) {
            self.purges.purge_key(key);
        }
        displaced.1.extend(self.lose(&gone));
        self.make_room(key, transient, &mut displaced.1);
        displaced.1.extend(doubtful);
        drop(history);
        let written = self.settled(written);
        if replaced {
            self.store.announce(Affected::Key(key));
        }
        if is_unstorable && !transient && matches!(put, Put::Given) {
            let _ = self.outdate_elsewhere(key);
        }
        (displaced, written.map(|()| true))
    }

    /// Writes a result to the store; the keys of what goes there for it are added to `gone`.
    fn write_down(
        &self,
        key: &Bytes,
        entry: &Entry<L>,
        cause: Cause,
        gone: &mut Vec<Bytes>,
    ) -> Result<bool> {
        if !self.store.keeps() {
            return Ok(true);
        }
        if let Some(item) = entry.to_item(key) {
            return match self.store.paged() {
                None => self.store.append_as(Change::Put(item), cause),
                Some(paged) => self.write_fitting(paged, item, cause, gone),
            };
        }
        if entry.text.is_some() {
            return Ok(true);
        }
        // The store may hold an older result of this key, which is no longer true.
        let in_store = |old: &Entry<L>| old.to_item(key).is_some();
        let known = self.state.lock().table().get(key).is_some_and(|old| in_store(&old));
        let stale = known || self.store.paged().is_some_and(|paged| paged.contains(key));
        if stale {
            let cause = if cause == Cause::Given { cause } else { Cause::Upkeep };
            return self.store.append_as(Change::Remove(key.clone()), cause);
        }
        Ok(true)
    }

    /// Outdates the computations that `purge` concerns; if it is `durable`, in other processes,
    /// too.
    pub fn outdate(&self, purge: &Purge, durable: bool) -> Result<()> {
        // A store that was never used does not know yet that there are others.
        drop(self.loaded());
        let history = self.history.lock();
        self.purges.purge(purge);
        drop(history);
        if durable { self.store.outdate(purge) } else { Ok(()) }
    }

    /// Handles an entry that was purged while it was written: the purge came after it, unless it
    /// waits to be written.
    #[cold]
    fn take_back(
        &self,
        key: &Bytes,
        entry: Box<Entry<L>>,
        written: &Result<()>,
    ) -> (Replaced<L>, Result<bool>) {
        if written.is_err() {
            let _ = self.store.append_as(Change::Remove(key.clone()), Cause::Upkeep);
        }
        refused(entry)
    }

    /// Forgets `key` here, and in the store if `durable`; returns its entry. A copy that another
    /// thread made meanwhile is added to `late`.
    pub fn remove(&self, key: &[u8], durable: bool, late: &mut Displaced<L>) -> Option<Entry<L>> {
        let history = self.in_order();
        self.purges.purge_key(key);
        let mut state = self.state.lock();
        let withheld = if durable { state.withheld.release(key) } else { None };
        let is_withheld = withheld.is_some();
        let mut known = state.remove(key).or_else(|| withheld.map(|item| Entry::from_item(item).1));
        if known.is_none() && !state.withheld.hides(key) {
            drop(state);
            known = self.unloaded(key);
            state = self.state.lock();
        }
        let Some(old) = known else {
            drop((state, history));
            // Another thread may have removed it without telling the store yet.
            let _ = self.store.settle();
            if durable {
                let purge = Purge::Key(Bytes::copy_from_slice(key));
                // A failure is in the store's notices, and the store tries again.
                let _ = self.settled(self.store.outdate(&purge));
            }
            return None;
        };
        if !durable {
            state.withheld.keep(key, &old);
        }
        // Other processes may have borrowed it, too.
        let is_known = old.text.is_some() && (!old.transient || old.borrowed);
        let stored = durable && (is_withheld || is_known || self.store.paged().is_some());
        drop(state);
        // Before the journal says so: somebody else may compute it anew at once.
        self.gate.epoch.advance();
        let change = || Change::Remove(Bytes::copy_from_slice(key));
        let written = if stored { self.store.append(change()) } else { Ok(()) };
        late.extend(self.drop_late(Some(key)));
        if stored {
            // Before anybody computes it anew: a first result is not announced.
            self.store.announce(Affected::Key(key));
        }
        drop(history);
        // A failure is in the store's notices, and the store tries again.
        let _ = self.settled(written);
        if durable && !stored {
            // Others may have results of their own that no store can hold.
            let purge = Purge::Key(Bytes::copy_from_slice(key));
            let _ = self.settled(self.store.outdate(&purge));
        }
        Some(old)
    }

    /// Forgets everything here, and in the store if `durable`; returns the entries. Copies that
    /// other threads made meanwhile are added to `late`.
    pub fn clear(&self, durable: bool, late: &mut Displaced<L>) -> Table<L> {
        let history = self.in_order();
        self.purges.purge(&Purge::All);
        let mut state = self.state.lock();
        let was_empty =
            state.table().is_empty() && state.withheld.is_empty() && state.salt.is_none();
        let was_empty = was_empty && self.store.paged().is_none();
        if !durable && self.store.paged().is_some() {
            state.withheld.withhold_all();
        }
        let old = if durable { state.clear() } else { state.clear_here() };
        drop(state);
        self.gate.epoch.advance();
        let stored = durable && !was_empty;
        let written = if stored { self.store.append(Change::Clear) } else { Ok(()) };
        late.extend(self.drop_late(None));
        if stored {
            // Before anybody computes anything anew, as above.
            self.store.announce(Affected::All);
        }
        drop(history);
        // If it was empty, another thread may have cleared it without telling the store yet.
        let _ =
            written.and_then(|()| self.store.settle()).or_else(|error| self.settled(Err(error)));
        if durable && !stored {
            let _ = self.settled(self.store.outdate(&Purge::All));
        }
        old
    }
}

/// Handles an outdated entry: nothing was replaced, and no table of hits may serve it.
fn refused<L>(entry: Box<Entry<L>>) -> (Replaced<L>, Result<bool>) {
    entry.retire();
    ((Some(entry), Displaced::new()), Ok(false))
}

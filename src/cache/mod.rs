//! The cache: the only place where flights, policies and stores meet.
//!
//! A [`Cache`] holds texts and, beside each, a decoded form (`L`) that hits are served from; it
//! never looks into either. `E` is what a failed computation hands to those who wait for it.
//!
//! IMPORTANT: code that may drop an `L` or an `E` does so after unlocking and after leaving
//! (`sync::active`): dropping one may run any code, and that code may call the cache, or fork. A
//! variable declared before the locks are taken is dropped after they are released.

mod asking;
mod begin;
mod borrow;
mod bounded_table;
mod copies;
pub mod entry;
mod epoch;
mod external;
mod facts;
mod fitting;
mod follower;
mod forgetting;
mod functions;
mod gate;
mod intake;
mod lease;
mod led;
mod ledger;
mod lifetimes;
mod limiter;
mod listing;
mod lone;
mod near;
mod paging;
mod policies;
mod purges;
mod put;
mod ranking;
mod remote;
mod rows;
mod salt;
mod salts;
mod saver;
mod state;
mod survey;
pub mod table;
mod upkeep;
mod versions;
mod watch;
mod withheld;

use std::time::Duration;

use bytes::Bytes;

pub use asking::{Ask, Found, Locks, StaleResult};
pub use entry::{Entry, Origin};
pub use epoch::Epoch;
pub use facts::{Extremes, Fact, Histogram, Histograms, Order, Selection, SortKey, Sum};
pub use follower::Follower;
pub use gate::Gate;
pub use lease::{Lease, Miss};
pub use led::Led;
pub use lifetimes::Lifetime;
pub use limiter::Share;
pub use listing::Listing;
pub use policies::Policies;
pub use purges::Begun;
pub use salts::Salts;
pub use saver::Saver;
pub use watch::Watch;

use crate::error::Result;
use crate::flight::Flights;
use crate::store::{KeyLock, Paged, Store};
use crate::sync::{self, Arc};
use bounded_table::Displaced;
use ledger::Ledger;
use put::Put;

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
    ledger: Arc<Ledger<L>>,
    flights: Flights<SharedResult<L, E>>,
    saver: Saver<L>,
    policies: Policies<L>,
    salts: Salts<L>,
    listing: Listing<L>,
    follower: Follower<L>,
}

impl<L, E> Cache<L, E>
where
    L: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// A cache over `store`; reads nothing yet.
    pub fn new(store: Box<dyn Store>) -> Self {
        let flights = Flights::new();
        let ledger = Arc::new(Ledger::new(store, flights.outdater()));
        Self {
            flights,
            saver: Saver::new(Arc::clone(&ledger)),
            policies: Policies::new(Arc::clone(&ledger)),
            salts: Salts::new(Arc::clone(&ledger)),
            listing: Listing::new(Arc::clone(&ledger)),
            follower: Follower::new(Arc::clone(&ledger)),
            ledger,
        }
    }

    /// The computations that are under way.
    pub fn flights(&self) -> &Flights<SharedResult<L, E>> {
        &self.flights
    }

    /// The writer of snapshots.
    pub fn saver(&self) -> &Saver<L> {
        &self.saver
    }

    /// The limits.
    pub fn policies(&self) -> &Policies<L> {
        &self.policies
    }

    /// The salt of the digests of secrets.
    pub fn salts(&self) -> &Salts<L> {
        &self.salts
    }

    /// Lists of entries.
    pub fn listing(&self) -> &Listing<L> {
        &self.listing
    }

    /// The announcements of other processes.
    pub fn follower(&self) -> &Follower<L> {
        &self.follower
    }

    /// The state that tables of hits look at.
    pub fn gate(&self) -> &Arc<Gate> {
        &self.ledger.gate
    }

    /// Sets whether the store may only be read from now on.
    pub fn set_read_only(&self, only: bool) {
        let _active = sync::active();
        self.ledger.store.set_read_only(only);
    }

    /// Reads the store, unless that was done before.
    pub fn load(&self) {
        let _active = sync::active();
        drop(self.ledger.loaded());
    }

    /// The entry of `key`, asked for by `origin`.
    pub fn hit(&self, key: &[u8], origin: Option<Origin>) -> Option<Found<L>> {
        let mut displaced = Displaced::new();
        let _active = sync::active();
        self.ledger.hit(key, origin, &mut displaced)
    }

    /// The entry of `key`, without counting a use.
    pub fn peek(&self, key: &[u8]) -> Option<Found<L>> {
        let _active = sync::active();
        self.ledger.peek(key)
    }

    /// Returns the entries of `keys`, in their order, as [`peek`](Self::peek) does.
    pub fn peek_many(&self, keys: &[Bytes]) -> Vec<Option<Found<L>>> {
        let _active = sync::active();
        self.ledger.peek_many(keys)
    }

    /// Returns whether `key` has an entry.
    pub fn contains(&self, key: &[u8]) -> bool {
        let _active = sync::active();
        self.ledger.contains(key)
    }

    /// Returns whether entries are asked of the store one at a time, which may take a while.
    pub fn is_paged(&self) -> bool {
        self.ledger.store.paged().is_some()
    }

    /// Returns whether nobody is writing at this moment, so that a look at the store would not wait.
    pub fn is_free(&self) -> bool {
        let _active = sync::active();
        self.ledger.history.try_lock().is_some()
            && self.ledger.store.paged().is_none_or(Paged::is_quick)
    }

    /// Whether memory says what there is under `key`, so that the store need not be asked.
    pub fn holds(&self, key: &[u8]) -> bool {
        let _active = sync::active();
        self.ledger.holds(key)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        let _active = sync::active();
        self.ledger.len()
    }

    /// Returns whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Keeps the decoded form `live` beside the text it was made from, if that is still there.
    pub fn keep_live(&self, key: &[u8], text: &Bytes, live: &L) {
        let (_old, _displaced);
        let _active = sync::active();
        let mut state = self.ledger.loaded();
        _old = state.keep_live(key, text, live);
        _displaced = state.rows.trim_near();
    }

    /// Keeps a result that the caller provides, on disk first, then in memory. Computations of its
    /// key that are under way are outdated.
    ///
    /// When it returns `Ok`, a stored result survives the end of this process. On `Err` the result
    /// is in memory all the same, and will be in the next snapshot; if another process was in the
    /// way, [`settle`](Saver::settle) writes it.
    pub fn put(&self, key: &Bytes, entry: impl Into<Box<Entry<L>>>) -> Result<()> {
        self.put_as(key, entry.into(), Put::Given).map(drop)
    }

    /// Keeps an entry that is kept already in another form.
    pub fn put_again(&self, key: &Bytes, entry: impl Into<Box<Entry<L>>>) -> Result<()> {
        self.put_as(key, entry.into(), Put::Again).map(drop)
    }

    /// Returns whether the entry is kept: a computation may be outdated.
    fn put_as(&self, key: &Bytes, entry: Box<Entry<L>>, put: Put<'_>) -> Result<bool> {
        let _displaced;
        let _active = sync::active();
        let (displaced, written) = self.ledger.put(key, entry, put);
        _displaced = displaced;
        written
    }

    /// Why the store cannot be used as it should at this moment, in words for the user.
    pub fn trouble(&self) -> Option<String> {
        let _active = sync::active();
        self.ledger.store.trouble()
    }

    /// Reads what other processes did; cheap if they did nothing.
    pub fn take_external_changes(&self) {
        let _displaced;
        let _active = sync::active();
        drop(self.ledger.loaded());
        _displaced = self.ledger.take_external_changes();
    }

    /// Returns whether other processes may change the store.
    pub fn is_shared(&self) -> bool {
        self.ledger.is_shared
    }

    /// Whether every use of the store may wait for another machine.
    #[inline]
    pub fn is_remote(&self) -> bool {
        self.ledger.is_remote
    }

    /// Waits for `time`, while another process has `key`; less if its result is known to be there.
    pub fn wait_for(&self, key: &[u8], time: Duration) {
        self.ledger.store.wait_for(key, time);
    }

    /// Tries to keep other processes from computing `key` while we do.
    pub fn lock_key(&self, key: &[u8]) -> KeyLock {
        let _active = sync::active();
        self.ledger.store.lock_key(key)
    }

    /// Returns the process that has `key` locked, if that can be known.
    pub fn key_holder(&self, key: &[u8]) -> Option<u32> {
        let _active = sync::active();
        self.ledger.store.key_holder(key)
    }

    /// Takes the notices for the user.
    pub fn notices(&self) -> Vec<String> {
        self.ledger.store.notices()
    }

    /// Drops what belongs to the parent, in the child of a fork.
    pub fn after_fork(&self) {
        self.saver.no_background();
        self.ledger.store.after_fork();
        self.ledger.leave_page();
    }

    /// Calls `visit` with every decoded form, unless the lock is held: the garbage collector must
    /// not wait, and treats objects that it is not shown as reachable.
    pub fn visit_live<X>(
        &self,
        visit: impl FnMut(&L) -> std::result::Result<(), X>,
    ) -> std::result::Result<(), X> {
        match self.ledger.state.try_lock() {
            Some(state) => state.lives().try_for_each(visit),
            None => Ok(()),
        }
    }
}

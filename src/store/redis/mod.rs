//! A cache on a server of Redis or Valkey: one for many machines.
//!
//! # What is there
//! The keys are listed in [`names`], the values in [`value`]; what has to happen in one step is a
//! script (see [`scripts`]).
//!
//! **Generations**: clearing begins a new one; entries of an older one do not count, wherever they
//! are, and are deleted in slices.
//!
//! **Leases**: whoever computes a key has a lease on it that is renewed while it does. If it dies,
//! others wait no longer than the lease lasts.
//!
//! **News**: a thread listens to what anybody changes, and puts the keys concerned where calls
//! look, on a page of this process.
//!
//! **Calm**: when the server does not answer, nobody asks it for a while but a thread that looks
//! for it; what was to be written waits, within bounds.
//!
//! **Forks**: a child uses nothing of its parent's: two processes on one connection get each
//! other's replies.

mod address;
mod backlog;
mod breaker;
mod closing;
mod commands;
mod connection;
mod entries;
mod failure;
mod heads;
mod hearing;
mod interest;
mod keeper;
mod keeping;
mod leases;
mod listener;
mod listening;
mod listing;
mod names;
mod news;
mod pool;
mod scripts;
mod server;
mod signals;
mod state;
mod sweep;
mod taking;
mod telling;
mod value;
mod walk;
mod writing;

use std::time::Duration;

use bytes::Bytes;

use self::server::Server;
use self::state::Lifetime;
use super::lock::{Affected, Page};
use super::paged::Paged;
use super::snapshot::salt_item;
use super::{
    Cause, Change, ExternalChange, Item, Items, KeyLock, Known, Loaded, Purge, Saving, Store, Take,
};
use crate::error::Result;
use crate::sync::Arc;

pub use address::Address;
pub use news::doubt_in_child;

/// The store of a cache on a server.
pub struct RedisStore(Arc<Server>);

impl RedisStore {
    /// A store on the server at `address`. Does no I/O.
    pub fn new(address: Address) -> Self {
        Self(Server::new(address))
    }

    fn current(&self) -> &Server {
        self.0.leave_parent();
        &self.0
    }

    /// Returns the server, with its threads running.
    fn open(&self) -> &Server {
        let server = self.current();
        let is_open = std::mem::replace(&mut server.state.lock().is_open, true);
        if !is_open {
            server.listen();
            server.wake();
        }
        server
    }
}

impl Drop for RedisStore {
    fn drop(&mut self) {
        self.0.listening.end();
        self.0.keeping.end(Duration::ZERO);
    }
}

impl Store for RedisStore {
    fn paged(&self) -> Option<&dyn Paged> {
        Some(self)
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn set_read_only(&self, only: bool) {
        self.current().state.lock().only_reads = only;
    }

    fn load(&self) -> Loaded {
        let server = self.open();
        server.look_for_salt();
        // The news come with what is loaded, and not again.
        drop(server.news.take());
        let salt = server.state.lock().salt.clone();
        let salt = salt.map(|salt| salt_item(&salt));
        Loaded { items: Items::Listed(salt.into_iter().collect()), ..Loaded::default() }
    }

    fn external_changes(&self) -> Vec<ExternalChange> {
        self.open().external_changes()
    }

    fn append_as(&self, change: Change, cause: Cause) -> Result<bool> {
        self.open().append(change, cause)
    }

    fn outdate(&self, purge: &Purge) -> Result<()> {
        let server = self.open();
        if server.state.lock().only_reads {
            return Ok(());
        }
        match purge {
            Purge::Key(key) => server.outdate_key(key),
            Purge::Fitting(_) | Purge::Tagged { .. } => server.outdate_fitting(purge),
            Purge::All => server.append(Change::Clear, Cause::Given).map(drop),
        }
    }

    /// Does nothing: the server announces it.
    fn announce(&self, _: Affected<'_>) {}

    fn page(&self) -> Option<Arc<Page>> {
        Some(self.current().news.page())
    }

    fn mapped_page(&self) -> Option<Arc<Page>> {
        self.page()
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn lock_key(&self, key: &[u8]) -> KeyLock {
        self.open().lock_key(key)
    }

    fn take_key(&self, key: &[u8], take: Take) -> (KeyLock, Option<Known>) {
        self.open().take_key(key, take)
    }

    fn wait_for(&self, key: &[u8], time: Duration) {
        self.0.news.wait(key, time);
    }

    fn begin_close(&self) -> Result<Option<Box<dyn Saving>>> {
        self.close();
        Ok(None)
    }

    fn quarantine(&self, why: &str) {
        self.current().notices.lock().bad(why);
    }

    fn close(&self) {
        self.current().close();
    }

    fn is_closed(&self) -> bool {
        !self.current().state.lock().is_open
    }

    fn notices(&self) -> Vec<String> {
        self.current().notices.lock().take()
    }

    fn trouble(&self) -> Option<String> {
        self.current().notices.lock().trouble()
    }

    fn after_fork(&self) {
        self.0.leave_parent();
    }
}

impl Paged for RedisStore {
    fn get(&self, key: &[u8]) -> Option<Item> {
        self.open().get(key)
    }

    fn get_many(&self, keys: &[Bytes]) -> Vec<Option<Item>> {
        self.open().get_many(keys)
    }

    fn contains(&self, key: &[u8]) -> bool {
        self.open().contains(key)
    }

    fn count(&self, name: Option<&[u8]>) -> usize {
        self.open().count(name)
    }

    fn keys(&self, name: Option<&[u8]>, before: Option<f64>) -> Vec<Bytes> {
        self.open().keys(name, before)
    }

    fn notes(&self) -> Vec<(Bytes, Bytes)> {
        self.open().notes()
    }

    fn clear_named(&self, name: &[u8]) -> bool {
        self.open().clear_named(name)
    }

    fn expire(&self, name: &[u8], seconds: Option<f64>, own_clock: bool) {
        let mut state = self.current().state.lock();
        match seconds {
            Some(seconds) => {
                state.lifetimes.insert(name.to_vec(), Lifetime { seconds, own_clock });
            }
            None => drop(state.lifetimes.remove(name)),
        }
    }
}

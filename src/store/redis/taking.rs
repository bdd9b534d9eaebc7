//! Taking a key for this process alone, as all machines see it, and looking at it by the same
//! question.

use bytes::Bytes;
use redis::Value;

use super::commands::{Run, array, generation, milliseconds, number};
use super::failure::Failure;
use super::leases::{LEASE, Lease, Release};
use super::scripts;
use super::server::Server;
use crate::store::lock::new_stamp;
use crate::store::{Item, KeyGuard, KeyLock, Known, RESERVED_KEY, Take};
use crate::sync::Arc;

/// The reply to taking a key.
struct Taken {
    lot: Lot,
    /// Since when entries of its function count.
    since: f64,
    item: Option<Item>,
}

/// What became of the lease.
#[derive(Clone, Copy, PartialEq)]
enum Lot {
    /// Another process has it.
    Others,
    /// It is ours.
    Ours,
    /// Nobody asked for it: there is an entry.
    Spared,
}

impl Server {
    /// Tries to take `key`. While the server is away nobody is kept from computing it.
    pub fn lock_key(&self, key: &[u8]) -> KeyLock {
        let (locked, _) = self.take_key(key, Take::Always);
        if key == RESERVED_KEY.as_bytes() && !matches!(locked, KeyLock::Unsupported) {
            self.look_for_salt();
        }
        locked
    }

    /// Tries to take `key`, and returns what there is under it; `None` if there is no answer.
    pub fn take_key(&self, key: &[u8], take: Take) -> (KeyLock, Option<Known>) {
        let waiting = {
            let state = self.state.lock();
            if state.only_reads {
                return (KeyLock::Unsupported, None);
            }
            state.backlog.waiting(key)
        };
        if take == Take::IfMissing && matches!(waiting, Some(Known::Item(_))) {
            return (KeyLock::Unsupported, waiting);
        }
        self.interest.add(key);
        let token = new_token();
        let asked = match self.ask_for_key(key, &token, take) {
            // What stands there is no entry of this key, or waits to be removed.
            Ok(Taken { lot: Lot::Spared, item, .. }) if item.is_none() || waiting.is_some() => {
                self.ask_for_key(key, &token, Take::Always)
            }
            asked => asked,
        };
        let Ok(Taken { lot, since, item }) = asked else {
            return (KeyLock::Unsupported, waiting);
        };
        let locked = match lot {
            Lot::Spared => KeyLock::Unsupported,
            Lot::Others => KeyLock::Busy,
            Lot::Ours => KeyLock::Held(self.hold(key, token, since)),
        };
        let found = || item.map_or(Known::Nothing, Known::Item);
        (locked, Some(waiting.unwrap_or_else(found)))
    }

    fn ask_for_key(&self, key: &[u8], token: &[u8], take: Take) -> Result<Taken, Failure> {
        let (lease, all) = (self.names.lease(key), self.names.generation_of_all());
        let (own, entry) = (self.names.generation_of(key), self.names.entry(key));
        let keys = [&lease[..], &all, &own, &entry];
        let when: &[u8] = if take == Take::IfMissing { b"1" } else { b"" };
        let arguments = [token, &milliseconds(LEASE), when];
        let run = Run { script: &scripts::TAKE, keys: &keys, arguments: &arguments };
        let reply = self.run(&run).and_then(array)?;
        self.taken(key, reply)
    }

    fn taken(&self, key: &[u8], parts: Vec<Value>) -> Result<Taken, Failure> {
        let mut found = parts.into_iter();
        let lot = match number(found.next().unwrap_or_default())? {
            0 => Lot::Others,
            1 => Lot::Ours,
            _ => Lot::Spared,
        };
        let found: Vec<Value> = found.collect();
        let since = generation(found.iter().take(2).cloned())?;
        Ok(Taken { lot, since, item: self.entry_of(key, found)? })
    }

    /// Renews the lease from now on, until the guard gives it back.
    fn hold(&self, key: &[u8], token: Vec<u8>, since: f64) -> KeyGuard {
        let lease = Arc::new(Lease::new(self.names.lease(key), token, since, self.keeper()));
        // Where others are held, the keeper comes in time.
        if self.leases.add(&Bytes::copy_from_slice(key), &lease) {
            self.wake();
        }
        KeyGuard::of_store(Box::new(Release(lease)))
    }
}

/// What no other process and no other thread writes.
fn new_token() -> Vec<u8> {
    let number = u64::from_ne_bytes(new_stamp());
    format!("{:x}.{number:016x}", std::process::id()).into_bytes()
}

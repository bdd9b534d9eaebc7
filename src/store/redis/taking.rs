//! Taking a key for this process alone, as all machines see it.

use bytes::Bytes;
use redis::Value;

use super::commands::{array, eval, generation, milliseconds, number, single};
use super::entries::{TAKEN, Taken};
use super::failure::{Failure, sound};
use super::leases::{LEASE, Lease, Release};
use super::scripts;
use super::server::Server;
use crate::store::lock::new_stamp;
use crate::store::{Item, KeyGuard, KeyLock, RESERVED_KEY};
use crate::sync::Arc;

impl Server {
    /// Tries to take `key`. While the server is away nobody is kept from computing it.
    pub fn lock_key(&self, key: &[u8]) -> KeyLock {
        if self.state.lock().only_reads {
            return KeyLock::Unsupported;
        }
        self.interest.add(key);
        let (news, token) = (self.news.count(), new_token());
        let (lease, all) = (self.names.lease(key), self.names.generation_of_all());
        let (own, entry) = (self.names.generation_of(key), self.names.entry(key));
        let keys = [&lease[..], &all, &own, &entry];
        let commands = eval(scripts::TAKE, &keys, &[&token, &milliseconds(LEASE)]);
        let asked = self.ask(&commands, 1).and_then(|replies| array(single(replies)));
        let answer = asked.and_then(|parts| self.taken(key, parts));
        let Ok((is_mine, since, item)) = answer else { return KeyLock::Unsupported };
        let key = Bytes::copy_from_slice(key);
        let keeper = self.keeper();
        let locked = if is_mine {
            let lease = Arc::new(Lease::new(lease, token, since, keeper));
            // Whatever becomes of the lease, it is renewed until it is given back. Where others are
            // held, the keeper comes in time.
            if self.leases.add(&key, &lease) {
                self.wake();
            }
            KeyLock::Held(KeyGuard::of_store(Box::new(Release(lease))))
        } else {
            KeyLock::Busy
        };
        if key == RESERVED_KEY.as_bytes() {
            self.look_for_salt();
        }
        TAKEN.set(Some(Taken { server: self, key, news, item }));
        locked
    }

    /// Returns whether a key was taken, since when entries of its function count, and its entry.
    fn taken(&self, key: &[u8], parts: Vec<Value>) -> Result<(bool, f64, Option<Item>), Failure> {
        let mut parts = parts.into_iter();
        let is_mine = number(parts.next().unwrap_or_default())? == 1;
        sound(parts.next().unwrap_or_default())?;
        let found: Vec<Value> = parts.collect();
        let since = generation(found.iter().take(2).cloned())?;
        Ok((is_mine, since, self.entry_of(key, found)?))
    }
}

/// What no other process and no other thread writes.
fn new_token() -> Vec<u8> {
    let number = u64::from_ne_bytes(new_stamp());
    format!("{:x}.{number:016x}", std::process::id()).into_bytes()
}

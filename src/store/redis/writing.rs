//! Changes, as what the server is asked to do.

use std::time::Duration;

use super::commands::{self, Run, command, eval, milliseconds, number, single};
use super::failure::Failure;
use super::leases::{LEASE, Lease};
use super::scripts;
use super::server::Server;
use super::state::State;
use super::value::{self, Written};
use crate::clock;
use crate::key::name_of;
use crate::store::snapshot::salt_of;
use crate::store::{Cause, Change, Item};
use crate::value::check::check;

impl Server {
    /// Makes the server apply a change. A result computed `now` replaces an older entry; otherwise
    /// it is kept only if there is none.
    pub(super) fn write(&self, change: &Change, cause: Cause, now: bool) -> Result<bool, Failure> {
        if let Change::Put(item) = change
            && let Some(salt) = salt_of(item)
        {
            return self.keep_salt(&salt).map(|()| true);
        }
        if let Change::Put(item) = change
            && now
            && cause == Cause::Computed
            && let Some(lease) = self.leases.get(&item.key)
        {
            return if is_of_use(item) { self.commit(item, &lease) } else { Ok(true) };
        }
        let Some(commands) = self.commands(change, cause, now) else { return Ok(true) };
        let kept = number(single(self.ask(&commands, 1)?))?;
        if *change == Change::Clear {
            self.sweep();
        }
        Ok(kept != 0 || !matches!(change, Change::Put(_)))
    }

    /// Keeps what was computed under a lease, which ends with it; returns whether it is kept.
    fn commit(&self, item: &Item, lease: &Lease) -> Result<bool, Failure> {
        if lease.is_outdated() {
            return Ok(false);
        }
        let [all, own, entry] = self.names_of(&item.key);
        let value = value::write(item).with_generation(lease.generation);
        let (since, life) = (lease.generation.to_string(), self.life(item));
        let arguments = [&lease.token[..], since.as_bytes(), &value, &life];
        // A lifetime is named only if there is one.
        let arguments = if life.is_empty() { &arguments[..3] } else { &arguments };
        let keys = [&lease.name[..], &all, &own, &entry];
        let run = Run { script: &scripts::COMMIT, keys: &keys, arguments };
        let is_kept = number(self.run(&run)?)? == 1;
        if is_kept {
            lease.end();
        }
        Ok(is_kept)
    }

    /// Returns the commands for `change`, where no lease protects it; `None` if there are none.
    pub(super) fn commands(&self, change: &Change, cause: Cause, now: bool) -> Option<Vec<u8>> {
        let lease_time = milliseconds(LEASE);
        if let Change::Put(item) = change
            && let Some(salt) = salt_of(item)
        {
            // Another process may have put one there: then that is found when news are heard again.
            return Some(command("HSETNX", &[&self.names.meta()[..], b"salt", salt.as_bytes()]));
        }
        Some(match change {
            Change::Put(item) if !is_of_use(item) => return None,
            Change::Put(item) => self.keep(item, cause, now, &lease_time),
            Change::Remove(key) => {
                let why = if cause == Cause::Given { b"g" } else { b"u" };
                let names = [self.names.lease(key), self.names.entry(key)];
                eval(&scripts::REMOVE, &[&names[0], &names[1]], &[why, &lease_time])
            }
            Change::Clear => {
                let names = [self.names.generation_of_all(), self.names.meta()];
                eval(&scripts::BEGIN, &[&names[0], &names[1]], &[&commands::now()])
            }
        })
    }

    fn keep(&self, item: &Item, cause: Cause, now: bool, lease_time: &[u8]) -> Vec<u8> {
        let why = match cause {
            Cause::Given => b"g",
            Cause::Upkeep => b"u",
            Cause::Computed if now => b"c",
            Cause::Computed => b"n",
        };
        let Written { head, tail } = value::write(item);
        let [all, own, entry] = self.names_of(&item.key);
        let names = [&self.names.lease(&item.key)[..], &all, &own, &entry];
        let arguments = [why, &head[..], &tail, &self.life(item), lease_time];
        eval(&scripts::KEEP, &names, &arguments)
    }

    /// Returns after how many milliseconds the server may drop `item`; empty if never.
    fn life(&self, item: &Item) -> Vec<u8> {
        life(&self.state.lock(), item).map_or(Vec::new(), milliseconds)
    }
}

/// Returns whether anybody can use it: what came from elsewhere may not be JSON.
fn is_of_use(item: &Item) -> bool {
    item.sound || check(&item.text).is_ok()
}

/// Returns after how long the server may drop the entry, because it is of no use then.
fn life(state: &State, item: &Item) -> Option<Duration> {
    let lifetime = state.lifetimes.get(name_of(&item.key)?)?;
    let created = item.created.filter(|_| !lifetime.own_clock)?;
    let left = created + lifetime.seconds - clock::now();
    Duration::try_from_secs_f64(left.max(1.0)).ok().filter(|left| left.as_millis() < 1 << 50)
}

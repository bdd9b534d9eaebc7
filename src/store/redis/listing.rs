//! The entries: found by a walk over all keys of the database, in slices that keep nobody waiting.

use std::collections::HashSet;

use bytes::Bytes;

use super::commands::{bytes, command, eval, milliseconds};
use super::failure::Failure;
use super::heads::{Heads, Seen};
use super::leases::LEASE;
use super::scripts;
use super::server::Server;
use super::value::read;
use super::walk::{Ask, Walk, ask_some};
use crate::error::Result;
use crate::key::name_of;
use crate::store::{Item, Purge};

/// How many are asked for together.
const TOGETHER: usize = 500;

impl Server {
    /// Returns how many entries there are, of the function with this name if one is given.
    pub fn count(&self, name: Option<&[u8]>) -> usize {
        self.keys(name, None).len()
    }

    /// Returns all keys, the oldest entries first; of one function or made before a time if that is
    /// given.
    pub fn keys(&self, name: Option<&[u8]>, before: Option<f64>) -> Vec<Bytes> {
        let is_old = |created: Option<f64>| {
            before.is_none_or(|before| created.is_some_and(|created| created < before))
        };
        let is_named = |key: &[u8]| name.is_none() || name_of(key) == name;
        let mut seen = self.answered(self.seen(is_named)).unwrap_or_default();
        seen.retain(|seen| is_old(seen.head.created));
        // NOTE: no clock is exact enough for more than an approximate order.
        let made = |seen: &Seen| seen.head.created.unwrap_or(f64::NEG_INFINITY);
        seen.sort_by(|one, other| {
            made(one).total_cmp(&made(other)).then_with(|| one.key.cmp(&other.key))
        });
        let keys = seen.into_iter().map(|seen| seen.key).collect();
        let is_meant = |item: &Item| is_old(item.created) && is_named(&item.key);
        self.state.lock().backlog.with_waiting(keys, is_meant)
    }

    /// Returns what tags or later versions added to entries.
    pub fn notes(&self) -> Vec<(Bytes, Bytes)> {
        let mut seen = self.answered(self.seen(|_| true)).unwrap_or_default();
        seen.retain(|seen| seen.head.has_others);
        let mut notes = Vec::new();
        for part in seen.chunks(TOGETHER) {
            let mut commands = Vec::new();
            for seen in part {
                commands.extend(command("GET", &[self.names.entry(&seen.key)]));
            }
            let Some(replies) = self.answered(self.ask(&commands, part.len())) else { break };
            for (seen, reply) in part.iter().zip(replies) {
                let item = bytes(reply).ok().flatten().and_then(|value| read(&seen.key, value));
                let others = item.and_then(|item| item.notes.others);
                notes.extend(others.map(|others| (seen.key.clone(), Bytes::clone(&others))));
            }
        }
        notes.extend(self.state.lock().backlog.notes());
        notes
    }

    /// Returns all entries that count, each once, in no order.
    fn seen(&self, is_named: impl Fn(&[u8]) -> bool) -> std::result::Result<Vec<Seen>, Failure> {
        let (mut found, mut known) = (Vec::new(), HashSet::new());
        let mut heads = Heads::default();
        self.walk(self.names.entries(), |names, ask| {
            let keys = names.iter().filter_map(|name| self.names.key(name));
            let keys = keys.filter(|key| is_named(key) && known.insert(key.clone())).collect();
            found.extend(heads.read(&self.names, keys, ask)?.into_iter().filter(Seen::counts));
            Ok(())
        })?;
        Ok(found)
    }

    /// Walks over all keys that match `pattern`.
    fn walk(
        &self,
        pattern: String,
        mut visit: impl FnMut(Vec<Vec<u8>>, &mut Ask<'_>) -> std::result::Result<(), Failure>,
    ) -> std::result::Result<(), Failure> {
        let mut ask = |commands: &[u8], replies| self.ask(commands, replies);
        let mut walk = Walk::new(pattern);
        while let Some(names) = walk.next(&mut ask)? {
            visit(names, &mut ask)?;
        }
        Ok(())
    }

    /// Outdates the computations of keys that `purge` concerns, on any machine.
    pub(super) fn outdate_fitting(&self, purge: &Purge) -> Result<()> {
        let time = milliseconds(LEASE);
        self.told(self.walk(self.names.leases(), |names, ask| {
            let mut commands = Vec::new();
            let mut count = 0;
            for name in names {
                if self.names.key(&name).is_some_and(|key| purge.concerns(&key)) {
                    commands.extend(eval(&scripts::OUTDATE, &[&name], &[&time]));
                    count += 1;
                }
            }
            ask_some(ask, &commands, count).map(drop)
        }))
    }
}

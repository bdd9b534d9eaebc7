//! The entries: found by a walk over all keys of the database, in slices that keep nobody waiting.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use redis::Value;

use super::commands::{array, bytes, command, eval, generation, milliseconds, single};
use super::entries::head_of;
use super::failure::{Failure, sound};
use super::leases::LEASE;
use super::scripts;
use super::server::Server;
use super::value::{Head, head, read};
use crate::error::Result;
use crate::key::name_of;
use crate::store::{Item, Purge};

/// How many keys of the database one step looks at.
const SLICE: &str = "1000";
/// How many are deleted together.
const TOGETHER: usize = 500;

/// An entry that counts.
struct Seen {
    key: Bytes,
    head: Head,
}

/// The generations of functions, as far as they were asked for.
type Generations = HashMap<Vec<u8>, f64>;

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
                notes.extend(others.map(|others| (seen.key.clone(), *others)));
            }
        }
        notes.extend(self.state.lock().backlog.notes());
        notes
    }

    /// Returns all entries that count, each once, in no order.
    fn seen(&self, is_named: impl Fn(&[u8]) -> bool) -> std::result::Result<Vec<Seen>, Failure> {
        let (mut found, mut known) = (Vec::new(), HashSet::new());
        let mut generations = Generations::new();
        let pattern = self.names.entries();
        self.walk(&pattern, |names| {
            let keys = names.iter().filter_map(|name| self.names.key(name));
            let keys: Vec<_> =
                keys.filter(|key| is_named(key) && known.insert(key.clone())).collect();
            self.ask_generations(&keys, &mut generations)?;
            let mut commands = Vec::new();
            for key in &keys {
                commands.extend(head_of(&self.names.entry(key)));
            }
            let replies = self.ask_some(&commands, keys.len())?;
            for (key, reply) in keys.into_iter().zip(replies) {
                let since = generations.get(name_of(&key).unwrap_or_default()).copied();
                let head = head(&bytes(reply)?.unwrap_or_default());
                let head = head.filter(|head| head.generation >= since.unwrap_or(0.0));
                found.extend(head.map(|head| Seen { key, head }));
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Asks since when entries count of the functions that made `keys`.
    fn ask_generations(
        &self,
        keys: &[Bytes],
        known: &mut Generations,
    ) -> std::result::Result<(), Failure> {
        let new: HashMap<&[u8], &Bytes> = keys
            .iter()
            .map(|key| (name_of(key).unwrap_or_default(), key))
            .filter(|(name, _)| !known.contains_key(*name))
            .collect();
        let mut commands = Vec::new();
        for key in new.values() {
            let names = [self.names.generation_of_all(), self.names.generation_of(key)];
            commands.extend(command("MGET", &names));
        }
        let replies = self.ask_some(&commands, new.len())?;
        for (name, reply) in new.keys().zip(replies) {
            known.insert(name.to_vec(), generation(array(reply)?)?);
        }
        Ok(())
    }

    fn ask_some(
        &self,
        commands: &[u8],
        replies: usize,
    ) -> std::result::Result<Vec<Value>, Failure> {
        if replies == 0 { Ok(Vec::new()) } else { self.ask(commands, replies) }
    }

    /// Walks over all keys that match `pattern`, in slices; some may come twice.
    fn walk(
        &self,
        pattern: &str,
        mut visit: impl FnMut(Vec<Vec<u8>>) -> std::result::Result<(), Failure>,
    ) -> std::result::Result<(), Failure> {
        let mut cursor = b"0".to_vec();
        loop {
            let arguments: [&[u8]; 5] =
                [&cursor, b"MATCH", pattern.as_bytes(), b"COUNT", SLICE.as_bytes()];
            let mut parts = array(single(self.ask(&command("SCAN", &arguments), 1)?))?.into_iter();
            cursor = bytes(parts.next().unwrap_or_default())?.unwrap_or_default();
            let names = array(parts.next().unwrap_or_default())?;
            let names = names.into_iter().filter_map(|name| bytes(name).ok().flatten()).collect();
            visit(names)?;
            if cursor == b"0" || cursor.is_empty() {
                return Ok(());
            }
        }
    }

    /// Deletes all entries that no longer count. One that cannot be deleted now is not used either.
    pub(super) fn sweep(&self) {
        let pattern = self.names.entries();
        let _ = self.walk(&pattern, |names| {
            let keys: Vec<_> = names.iter().filter_map(|name| self.names.key(name)).collect();
            let mut generations = Generations::new();
            self.ask_generations(&keys, &mut generations)?;
            let mut commands = Vec::new();
            for key in &keys {
                commands.extend(head_of(&self.names.entry(key)));
            }
            let replies = self.ask_some(&commands, keys.len())?;
            let mut over = Vec::new();
            for (key, reply) in keys.iter().zip(replies) {
                let since = generations.get(name_of(key).unwrap_or_default()).copied();
                let head = head(&bytes(reply)?.unwrap_or_default());
                if head.is_some_and(|head| head.generation < since.unwrap_or(0.0)) {
                    over.push(self.names.entry(key));
                }
            }
            for part in over.chunks(TOGETHER) {
                sound(single(self.ask(&command("UNLINK", part), 1)?))?;
            }
            Ok(())
        });
    }

    /// Outdates the computations of keys that `purge` concerns, on any machine.
    pub(super) fn outdate_fitting(&self, purge: &Purge) -> Result<()> {
        let pattern = self.names.leases();
        let time = milliseconds(LEASE);
        self.told(self.walk(&pattern, |names| {
            let mut commands = Vec::new();
            let mut count = 0;
            for name in names {
                if self.names.key(&name).is_some_and(|key| purge.concerns(&key)) {
                    commands.extend(eval(scripts::OUTDATE, &[&name], &[&time]));
                    count += 1;
                }
            }
            self.ask_some(&commands, count).map(drop)
        }))
    }
}

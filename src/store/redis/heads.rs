//! What many entries say in their first bytes, and whether they count.

use std::collections::HashMap;

use bytes::Bytes;

use super::commands::{array, bytes, command, generation, present};
use super::entries::head_of;
use super::failure::Failure;
use super::names::Names;
use super::value::{Head, head};
use super::walk::{Ask, ask_some};
use crate::key::name_of;

/// An entry.
pub struct Seen {
    pub key: Bytes,
    pub head: Head,
    /// Since when entries of its function count.
    pub since: f64,
}

impl Seen {
    /// Returns whether it counts.
    pub fn counts(&self) -> bool {
        self.head.generation >= self.since
    }
}

/// A reader of heads, which asks for the generation of each function once.
#[derive(Debug, Default)]
pub struct Heads {
    generations: HashMap<Vec<u8>, f64>,
}

impl Heads {
    /// Returns the entries of `keys`, as far as there are any.
    pub fn read(
        &mut self,
        names: &Names,
        keys: Vec<Bytes>,
        ask: &mut Ask<'_>,
    ) -> Result<Vec<Seen>, Failure> {
        self.ask_generations(names, &keys, ask)?;
        let commands: Vec<u8> = keys.iter().flat_map(|key| head_of(&names.entry(key))).collect();
        let replies = ask_some(ask, &commands, keys.len())?;
        let mut seen = Vec::new();
        for (key, reply) in keys.into_iter().zip(replies) {
            let since = self.generations.get(name_of(&key).unwrap_or_default()).copied();
            let since = since.unwrap_or(0.0);
            // Another program may have put something else in its place.
            let head = head(&present(bytes(reply))?.unwrap_or_default());
            seen.extend(head.map(|head| Seen { key, head, since }));
        }
        Ok(seen)
    }

    /// Asks since when entries count of the functions that made `keys`.
    fn ask_generations(
        &mut self,
        names: &Names,
        keys: &[Bytes],
        ask: &mut Ask<'_>,
    ) -> Result<(), Failure> {
        let new: HashMap<&[u8], &Bytes> = keys
            .iter()
            .map(|key| (name_of(key).unwrap_or_default(), key))
            .filter(|(name, _)| !self.generations.contains_key(*name))
            .collect();
        let mut commands = Vec::new();
        for key in new.values() {
            let names = [names.generation_of_all(), names.generation_of(key)];
            commands.extend(command("MGET", &names));
        }
        let replies = ask_some(ask, &commands, new.len())?;
        for (name, reply) in new.keys().zip(replies) {
            self.generations.insert(name.to_vec(), generation(array(reply)?)?);
        }
        Ok(())
    }
}

//! The deletion of entries that no longer count.

use super::commands::eval;
use super::failure::{Failure, sound};
use super::heads::{Heads, Seen};
use super::names::Names;
use super::scripts;
use super::walk::{Ask, Walk, ask_some};

/// A walk that deletes them, in slices. One that cannot be deleted is not used either.
#[derive(Debug)]
pub struct Sweep {
    walk: Walk,
    heads: Heads,
}

impl Sweep {
    /// A sweep of all entries, which has not begun.
    pub fn new(names: &Names) -> Self {
        Self { walk: Walk::new(names.entries()), heads: Heads::default() }
    }

    /// Sweeps one slice; returns whether there is more.
    pub fn step(&mut self, names: &Names, ask: &mut Ask<'_>) -> Result<bool, Failure> {
        let Some(found) = self.walk.next(ask)? else { return Ok(false) };
        let keys = found.iter().filter_map(|name| names.key(name)).collect();
        let mut seen = self.heads.read(names, keys, ask)?;
        seen.retain(|seen| !seen.counts());
        let mut commands = Vec::new();
        for Seen { key, since, .. } in &seen {
            // A younger entry may have taken its place since.
            let since = since.to_string();
            commands.extend(eval(&scripts::SWEEP, &[&names.entry(key)], &[since.as_bytes()]));
        }
        ask_some(ask, &commands, seen.len())?.into_iter().try_for_each(|it| sound(it).map(drop))?;
        Ok(true)
    }
}

//! The loss of power: what of all that was not synced is on the disk afterwards.
//!
//! File systems keep the order of names that are made, renamed and removed (their journal does); of
//! the writes that were not synced each may be there, half of it, or nothing, and zeros in its
//! place where a later one got there (as in ALICE, OSDI 2014, and dm-log-writes).

use std::collections::BTreeMap;

use super::disk::Number;
use super::random::Random;

/// Decides what reaches the disk.
#[derive(Clone, Debug)]
pub enum Fate {
    /// By chance.
    Random(Random),
    /// As a script says, then the first choice; how many choices there were is noted.
    Script(Vec<usize>, Vec<usize>),
}

/// What is certainly on the disk, and what may be.
#[derive(Clone, Debug, Default)]
pub struct Stable {
    names: Vec<(String, Number)>,
    unsynced: Vec<NameChange>,
    files: BTreeMap<Number, Contents>,
}

/// One step of the folder.
#[derive(Clone, Debug)]
struct NameChange {
    gone: Option<String>,
    made: Option<(String, Number)>,
}

/// What is certainly in a file, and the writes since.
#[derive(Clone, Debug, Default)]
struct Contents {
    synced: Vec<u8>,
    writes: Vec<(usize, Vec<u8>)>,
    /// When it was last written to, if that is certain.
    modified: Option<u64>,
}

/// A file as it is found afterwards: its name and number, what it holds, and its time if that was
/// synced.
pub type Found = (String, Number, Vec<u8>, Option<u64>);

impl Fate {
    fn choose(&mut self, width: usize) -> usize {
        match self {
            Self::Random(random) => random.below(width),
            Self::Script(script, widths) => {
                widths.push(width);
                script.get(widths.len() - 1).copied().unwrap_or(0)
            }
        }
    }

    /// The script of the next fate to be tried; `None` if this was the last.
    pub fn next(&self) -> Option<Vec<usize>> {
        let Self::Script(script, widths) = self else { return None };
        let chosen = |at: usize| script.get(at).copied().unwrap_or(0);
        let last = (0..widths.len()).rev().find(|&at| chosen(at) + 1 < widths[at])?;
        Some((0..last).map(chosen).chain([chosen(last) + 1]).collect())
    }
}

impl Stable {
    /// A name was made.
    pub fn make(&mut self, name: &str, number: Number) {
        self.files.insert(number, Contents::default());
        self.unsynced.push(NameChange { gone: None, made: Some((name.to_owned(), number)) });
    }

    /// A name was removed.
    pub fn unlink(&mut self, name: &str) {
        self.unsynced.push(NameChange { gone: Some(name.to_owned()), made: None });
    }

    /// A file was given another name.
    pub fn rename(&mut self, from: &str, to: &str, number: Number) {
        let (gone, made) = (Some(from.to_owned()), Some((to.to_owned(), number)));
        self.unsynced.push(NameChange { gone, made });
    }

    /// Something was written at `start`.
    pub fn write(&mut self, number: Number, start: usize, bytes: &[u8]) {
        let contents = self.files.entry(number).or_default();
        contents.writes.push((start, bytes.to_vec()));
        contents.modified = None;
    }

    /// A file was synced while it held `bytes`.
    pub fn sync(&mut self, number: Number, bytes: &[u8]) {
        let contents = self.files.entry(number).or_default();
        (contents.synced, contents.writes) = (bytes.to_vec(), Vec::new());
    }

    /// The time of a file was synced, too.
    pub fn sync_time(&mut self, number: Number, modified: u64) {
        self.files.entry(number).or_default().modified = Some(modified);
    }

    /// The folder was synced.
    pub fn sync_names(&mut self) {
        for change in std::mem::take(&mut self.unsynced) {
            change.apply(&mut self.names);
        }
    }

    /// The power goes, and comes back: what is there now, all of it certain.
    pub fn lose_power(&mut self, fate: &mut Fate) -> Vec<Found> {
        let changes = std::mem::take(&mut self.unsynced);
        let taken = changes.len() - fate.choose(changes.len() + 1);
        changes.into_iter().take(taken).for_each(|change| change.apply(&mut self.names));
        let names = self.names.clone();
        let found: Vec<Found> = names
            .into_iter()
            .map(|(name, number)| {
                let modified = self.files.get(&number).and_then(|contents| contents.modified);
                (name, number, self.contents(number, fate), modified)
            })
            .collect();
        self.files.clear();
        for (_, number, bytes, modified) in &found {
            self.sync(*number, bytes);
            if let Some(modified) = modified {
                self.sync_time(*number, *modified);
            }
        }
        found
    }

    fn contents(&self, number: Number, fate: &mut Fate) -> Vec<u8> {
        let Some(Contents { synced, writes, .. }) = self.files.get(&number) else {
            return Vec::new();
        };
        let mut bytes = synced.clone();
        for (start, written) in writes {
            let taken = match fate.choose(3) {
                0 => written.len(),
                1 => 0,
                _ => written.len() / 2,
            };
            if taken > 0 {
                let end = start + taken;
                bytes.resize(bytes.len().max(end), 0);
                bytes[*start..end].copy_from_slice(&written[..taken]);
            }
        }
        bytes
    }
}

impl NameChange {
    fn apply(self, names: &mut Vec<(String, Number)>) {
        let new = self.made.as_ref().map(|made| made.0.clone());
        names.retain(|(name, _)| Some(name) != self.gone.as_ref() && Some(name) != new.as_ref());
        names.extend(self.made);
    }
}

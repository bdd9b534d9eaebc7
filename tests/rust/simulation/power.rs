//! Power loss: which unsynced changes are on the disk afterwards.
//!
//! File systems keep the order in which names are made, renamed and removed (their journal does).
//! Of each unsynced write, all, half or nothing may be there, with zeros in its place where a later
//! one lies beyond it (as in ALICE, OSDI 2014, and dm-log-writes).

use std::collections::BTreeMap;

use super::disk::Number;
use super::random::Random;

/// Decides what reaches the disk.
#[derive(Clone, Debug)]
pub enum Fate {
    /// At random.
    Random(Random),
    /// As a script says, then the first choice; the number of choices is noted each time.
    Script(Vec<usize>, Vec<usize>),
}

/// What is certainly on the disk, and what may be.
#[derive(Clone, Debug, Default)]
pub struct Stable {
    names: Vec<(String, Number)>,
    unsynced: Vec<NameChange>,
    files: BTreeMap<Number, Contents>,
}

/// A change of the names in the folder.
#[derive(Clone, Debug)]
struct NameChange {
    gone: Option<String>,
    made: Option<(String, Number)>,
}

/// What is certainly in a file, and the writes since then.
#[derive(Clone, Debug, Default)]
struct Contents {
    synced: Vec<u8>,
    writes: Vec<(usize, Vec<u8>)>,
    /// The time of the last write, if that is certain.
    modified: Option<u64>,
}

/// A file as it is found afterwards: its name, number and contents, and its time if that was
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

    /// Returns the script of the next fate to try; `None` if this was the last.
    pub fn next(&self) -> Option<Vec<usize>> {
        let Self::Script(script, widths) = self else { return None };
        let chosen = |at: usize| script.get(at).copied().unwrap_or(0);
        let last = (0..widths.len()).rev().find(|&at| chosen(at) + 1 < widths[at])?;
        Some((0..last).map(chosen).chain([chosen(last) + 1]).collect())
    }
}

impl Stable {
    /// Notes that a name was made.
    pub fn make(&mut self, name: &str, number: Number) {
        self.files.insert(number, Contents::default());
        self.unsynced.push(NameChange { gone: None, made: Some((name.to_owned(), number)) });
    }

    /// Notes that a name was removed.
    pub fn unlink(&mut self, name: &str) {
        self.unsynced.push(NameChange { gone: Some(name.to_owned()), made: None });
    }

    /// Notes that a file was renamed.
    pub fn rename(&mut self, from: &str, to: &str, number: Number) {
        let (gone, made) = (Some(from.to_owned()), Some((to.to_owned(), number)));
        self.unsynced.push(NameChange { gone, made });
    }

    /// Notes that something was written at `start`.
    pub fn write(&mut self, number: Number, start: usize, bytes: &[u8]) {
        let contents = self.files.entry(number).or_default();
        contents.writes.push((start, bytes.to_vec()));
        contents.modified = None;
    }

    /// Notes that a file was synced while it held `bytes`.
    pub fn sync(&mut self, number: Number, bytes: &[u8]) {
        let contents = self.files.entry(number).or_default();
        (contents.synced, contents.writes) = (bytes.to_vec(), Vec::new());
    }

    /// Notes that the time of a file was synced, too.
    pub fn sync_time(&mut self, number: Number, modified: u64) {
        self.files.entry(number).or_default().modified = Some(modified);
    }

    /// Notes that the folder was synced.
    pub fn sync_names(&mut self) {
        for change in std::mem::take(&mut self.unsynced) {
            change.apply(&mut self.names);
        }
    }

    /// Loses the power; returns what is on the disk afterwards, all of which is certain by then.
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

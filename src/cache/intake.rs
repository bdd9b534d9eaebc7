//! Applies the changes of other processes to the state.

use std::collections::HashSet;

use super::bounded_table::Displaced;
use super::entry::Entry;
use super::salt::Salt;
use super::state::{State, modified};
use crate::store::{Change, ExternalChange, Item, Loaded};

/// Applies the changes of other processes, in order.
#[derive(Debug)]
pub struct Intake<'s, L> {
    state: &'s mut State<L>,
    /// Entries that the store lost and must be given again.
    kept: Vec<Item>,
    displaced: Displaced<L>,
}

impl<'s, L: Clone> Intake<'s, L> {
    /// Applies all of `changes` to `state`; returns what was displaced, and what the store must be
    /// given again.
    pub fn run(state: &'s mut State<L>, changes: Vec<ExternalChange>) -> (Displaced<L>, Vec<Item>) {
        state.is_checked = false;
        let mut intake = Self { state, kept: Vec::new(), displaced: Displaced::new() };
        for change in changes {
            intake.take(change);
        }
        (intake.displaced, intake.kept)
    }

    fn take(&mut self, change: ExternalChange) {
        match change {
            ExternalChange::Change(Change::Put(item)) => self.put(item),
            ExternalChange::Change(Change::Remove(key)) => {
                self.kept.retain(|item| item.key != key);
                self.state.withheld.release(&key);
                self.displaced.extend(self.state.remove(&key).map(|old| (key, old)));
            }
            ExternalChange::Change(Change::Clear) => {
                self.kept.clear();
                self.replace_all(Loaded::default());
            }
            ExternalChange::Outdated(Some(key)) => {
                self.displaced.extend(self.state.drop_copy(&key));
            }
            ExternalChange::Outdated(None) => self.displaced.extend(self.state.drop_copies()),
            // The ledger outdates computations.
            ExternalChange::Purge(purge) => {
                self.displaced.extend(self.state.drop_purged(&purge));
            }
            ExternalChange::Missed(missed) => {
                self.displaced.extend(self.state.drop_missed(&missed));
            }
            ExternalChange::Replaced(loaded) => self.replace_all(loaded),
        }
    }

    fn put(&mut self, item: Item) {
        if self.state.take_salt(&item) {
            return;
        }
        let (key, mut entry) = Entry::from_item(item);
        // The journal has it, or a newer one: given again, it would come after what others did
        // since.
        self.kept.retain(|item| item.key != key);
        // This process can give it again if an editor knew nothing of it.
        entry.own = true;
        let (old, evicted) = self.state.put(&key, Box::new(entry));
        self.displaced.extend(old.map(|old| (key, *old)));
        self.displaced.extend(evicted);
    }

    /// The history began anew: the contents of the file count, and so do results that live only in
    /// this process. If the file's writer did not know our results, they count as well.
    fn replace_all(&mut self, loaded: Loaded) {
        let state = &mut *self.state;
        if loaded.missed {
            state.disown();
        }
        let salt = state.salt.take();
        let mut old = state.clear();
        let told: HashSet<_> = loaded.told.iter().filter(|_| loaded.foreign).cloned().collect();
        state.modified = modified(&loaded).or(state.modified);
        for item in loaded.items.into_vec() {
            if state.take_salt(&item) {
                continue;
            }
            let known = old.remove(&item.key);
            let (key, read) = state.read(item);
            let (entry, other) = match known {
                Some(known) if known.text == read.text => (known, None),
                // The writer of the file had read it before this result was made; the journals are
                // not its work.
                Some(known)
                    if loaded.foreign && !told.contains(&key) && is_newer(&known, &read) =>
                {
                    self.kept.extend(known.to_item(&key));
                    (known, Some(read))
                }
                known => (read, known),
            };
            self.displaced.extend(other.map(|other| (key.clone(), other)));
            let twin = state.table_mut().insert(key.clone(), entry);
            self.displaced.extend(twin.map(|twin| (key, *twin)));
        }
        for (key, entry) in old.into_entries() {
            match entry.to_item(&key) {
                Some(item) if loaded.foreign && entry.own => self.kept.push(item),
                Some(_) => {
                    self.displaced.push((key, entry));
                    continue;
                }
                None => {}
            }
            state.table_mut().insert(key, entry);
        }
        if loaded.foreign && state.salt.is_none() {
            // Without the salt nobody could make the keys of the kept results again.
            self.kept.extend(salt.iter().filter(|salt| salt.stored).map(Salt::to_item));
            state.salt = salt;
        }
        self.displaced.extend(state.rows.measure());
    }
}

/// Returns whether `own`, made by this process, was made after `read`.
fn is_newer<L>(own: &Entry<L>, read: &Entry<L>) -> bool {
    own.own && matches!((own.created, read.created), (Some(own), Some(read)) if own > read)
}

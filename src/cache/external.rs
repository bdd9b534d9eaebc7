//! What other processes did, taken in.

use super::Cache;
use super::entry::Entry;
use super::state::{Displaced, State, modified};
use crate::store::{Change, ExternalChange, Item, Loaded};
use crate::sync;

impl<L, E> Cache<L, E>
where
    L: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// Takes in what other processes did. Cheap when they did nothing.
    pub fn take_external_changes(&self) {
        let _displaced;
        let _active = sync::active();
        drop(self.loaded());
        _displaced = self.take_external_active();
    }

    /// The same for whoever is inside already; what it replaces is to be dropped outside.
    pub(super) fn take_external_active(&self) -> Displaced<L> {
        let _history = self.history.lock();
        let news = self.store.external_changes();
        if news.is_empty() { Displaced::new() } else { self.take_in(news) }
    }

    /// Takes in `news`; the history must be locked from the moment when they were read.
    pub(super) fn take_in(&self, news: Vec<ExternalChange>) -> Displaced<L> {
        let mut kept = Vec::new();
        let mut state = self.state.lock();
        let salt = state.salt().map(|salt| salt.text.clone());
        let displaced = state.take_in(news, &mut kept);
        let resalted = state.salt().map(|salt| &salt.text) != salt.as_ref();
        let outdated = resalted || !displaced.is_empty() && !self.gate.uses.are_tracked();
        drop(state);
        for (_, entry) in &displaced {
            entry.retire();
        }
        for item in kept {
            // A failure is in the store's notices, and the next snapshot makes up for it.
            let _ = self.store.append(&Change::Put(item));
        }
        if outdated {
            self.gate.epoch.advance();
        }
        displaced
    }
}

impl<L: Clone> State<L> {
    /// Takes in what other processes did; `kept` gets what the store lost and must be given again.
    pub fn take_in(&mut self, news: Vec<ExternalChange>, kept: &mut Vec<Item>) -> Displaced<L> {
        self.is_checked = false;
        let mut displaced = Vec::new();
        for news in news {
            match news {
                ExternalChange::Change(Change::Put(item)) if self.take_salt(&item) => {}
                ExternalChange::Change(Change::Put(item)) => {
                    let (key, mut entry) = Entry::from_item(item);
                    // The journal has it, or a newer one: given again, it would stand behind what
                    // others did since.
                    kept.retain(|item| item.key != key);
                    let same = |own: &Entry<L>| own.own && own.text == entry.text;
                    entry.own = self.table.get(&key).is_some_and(|own| same(&own));
                    let (old, evicted) = self.put(&key, entry);
                    displaced.extend(old.map(|old| (key, old)));
                    displaced.extend(evicted);
                }
                ExternalChange::Change(Change::Remove(key)) => {
                    kept.retain(|item| item.key != key);
                    self.release(&key);
                    displaced.extend(self.remove(&key).map(|old| (key, old)));
                }
                ExternalChange::Change(Change::Clear) => {
                    kept.clear();
                    self.replace(Loaded::default(), kept, &mut displaced);
                }
                ExternalChange::Replaced(loaded) => self.replace(loaded, kept, &mut displaced),
            }
        }
        displaced
    }

    /// The history began anew: what the file holds counts, and so does what only lives in this
    /// process. If the file's writer knew nothing of our results, they count as well.
    fn replace(&mut self, loaded: Loaded, kept: &mut Vec<Item>, displaced: &mut Displaced<L>) {
        let mut old = self.clear();
        self.modified = modified(&loaded).or(self.modified);
        for item in loaded.items.into_vec() {
            if self.take_salt(&item) {
                continue;
            }
            let known = old.remove(&item.key);
            let (key, read) = self.read(item);
            let (entry, other) = match known {
                Some(known) if known.text == read.text => (known, None),
                known => (read, known),
            };
            displaced.extend(other.map(|other| (key.clone(), other)));
            let old = self.table.insert(key.clone(), entry);
            displaced.extend(old.map(|old| (key, old)));
        }
        for (key, entry) in old.into_entries() {
            match entry.to_item(&key) {
                Some(item) if loaded.foreign && entry.own => kept.push(item),
                Some(_) => {
                    displaced.push((key, entry));
                    continue;
                }
                None => {}
            }
            self.table.insert(key, entry);
        }
        displaced.extend(self.measure());
    }
}

//! The state of a cache, behind its lock.

use std::time::UNIX_EPOCH;

use bytes::Bytes;

use super::asking::Found;
use super::bounded_table::{BoundedTable, Displaced, Replaced};
use super::entry::{Entry, Origin};
use super::gate::Gate;
use super::lifetimes::Lifetimes;
use super::limiter::Share;
use super::salt::Salt;
use super::table::Table;
use super::withheld::Withheld;
use crate::collections::Index;
use crate::store::snapshot::FileEntries;
use crate::store::{Change, Entries, Item, Items, Loaded};
use crate::sync::Arc;
use crate::value::check::check;

/// The entries, and what is known of the file behind them.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct State<L> {
    pub(super) rows: BoundedTable<L>,
    /// What the file has and this process does not serve.
    pub(super) withheld: Withheld,
    /// The salt of the digests of secrets, once there is one.
    pub(super) salt: Option<Salt>,
    loaded: bool,
    /// Whether there may be results that live in this process alone.
    pub(super) has_lone: bool,
    /// Whether all values from the file are known to be JSON, or to be damaged.
    pub(super) is_checked: bool,
    /// When the file was last changed: the time of entries that carry none.
    pub(super) modified: Option<f64>,
    /// Whether creation times must survive in the file, because a function uses expiry.
    pub(super) keeps_times: bool,
    /// What the file need not keep for ever.
    pub(super) lifetimes: Lifetimes,
}

impl<L> State<L> {
    /// Makes an empty state; `gate` counts the uses. A `mirror` holds copies of some of the store's
    /// entries.
    pub fn new(gate: Arc<Gate>, mirror: bool) -> Self {
        let mut rows = BoundedTable::new(gate);
        if mirror {
            rows.mirror();
        }
        Self {
            rows,
            withheld: Withheld::default(),
            salt: None,
            loaded: false,
            has_lone: false,
            is_checked: false,
            modified: None,
            keeps_times: false,
            lifetimes: Lifetimes::default(),
        }
    }

    /// Returns whether the store was read.
    pub fn is_loaded(&self) -> bool {
        self.loaded
    }

    /// All entries.
    pub fn table(&self) -> &Table<L> {
        self.rows.table()
    }

    /// All entries, mutably. What may be changed has no effect on a limit.
    pub(super) fn table_mut(&mut self) -> &mut Table<L> {
        self.rows.table_mut()
    }
}

impl<L: Clone> State<L> {
    /// Begins with the contents of the store.
    pub fn load(&mut self, loaded: Loaded) {
        self.modified = modified(&loaded);
        match loaded.items {
            Items::InFile(file, index) if self.table().is_empty() => self.read_file(file, index),
            Items::Changed(file, index, changes) if self.table().is_empty() => {
                self.read_file(file, index);
                for change in changes {
                    self.replay(change);
                }
            }
            items => self.read_all(items.into_vec()),
        }
        self.rows.measure();
        self.loaded = true;
    }

    fn read_file(&mut self, file: FileEntries, index: Index) {
        if let Some(salt) = file.salt() {
            self.take_salt(&salt);
        }
        *self.table_mut() = Table::of(file, index, self.modified);
    }

    /// Applies a change made since the file was written, before any entry was used.
    fn replay(&mut self, change: Change) {
        match change {
            Change::Put(item) if self.take_salt(&item) => {}
            Change::Put(item) => {
                let (key, mut entry) = self.read(item);
                // The process that made it may be alive, and an editor of the file may not know of
                // it.
                entry.own = true;
                self.table_mut().insert(key, entry);
            }
            Change::Remove(key) => drop(self.table_mut().remove(&key)),
            Change::Clear => {
                *self.table_mut() = Table::default();
                self.salt = None;
            }
        }
    }

    fn read_all(&mut self, items: Vec<Item>) {
        self.table_mut().reserve(items.len());
        for items in halves(items) {
            for item in items {
                if !self.take_salt(&item) {
                    let (key, entry) = self.read(item);
                    self.table_mut().insert_new(key, entry);
                }
            }
        }
    }

    /// Takes the salt if `item` holds one; returns whether it does.
    pub(super) fn take_salt(&mut self, item: &Item) -> bool {
        let salt = Salt::of_item(item);
        let taken = salt.is_some();
        self.salt = salt.or(self.salt.take());
        taken
    }

    /// Makes an entry of what the file holds; without a time of its own it is as old as the file.
    pub(super) fn read(&self, item: Item) -> (Bytes, Entry<L>) {
        let (key, mut entry) = Entry::from_item(item);
        entry.created = entry.created.or(self.modified);
        (key, entry)
    }

    /// Marks all entries as loaded from the store; from here on the store is authoritative.
    pub fn disown(&mut self) {
        self.table_mut().touched_mut().for_each(|entry| entry.own = false);
    }

    /// Returns the entry of `key` and records its use.
    pub fn hit(&mut self, key: &[u8], origin: Option<Origin>) -> Option<Found<L>> {
        self.rows.hit(key, origin)
    }

    /// The entry of `key`, without counting a use.
    pub fn peek(&self, key: &[u8]) -> Option<Found<L>> {
        let entry = self.table().get(key)?.into_owned();
        Some(Found { first_use: !entry.used, entry, claimed: None })
    }

    /// Returns the keys of values that are not JSON, checking each value from the file once.
    pub fn damaged(&mut self) -> Vec<Bytes> {
        if std::mem::replace(&mut self.is_checked, true) {
            return Vec::new();
        }
        let is_bad = |entry: &Entry<L>| {
            !entry.sound && entry.text.as_ref().is_some_and(|text| check(text).is_err())
        };
        let damaged = self.table().iter().filter(|(_, entry)| is_bad(entry));
        damaged.map(|(key, _)| key.into_owned()).collect()
    }

    /// All keys in order.
    pub fn keys(&self) -> Vec<Bytes> {
        self.table().iter().map(|(key, _)| key.into_owned()).collect()
    }

    /// Returns what is known of entries beyond a time, with their keys.
    pub fn notes(&self) -> Vec<(Bytes, Bytes)> {
        let known = |entry: &Entry<L>| entry.notes.others.as_deref().cloned();
        let rows = self.table().iter();
        rows.filter_map(|(key, entry)| Some((key.into_owned(), known(&entry)?))).collect()
    }

    /// Returns everything that a store can hold, in order.
    pub fn entries(&self) -> Entries {
        let mut entries = self.rows.entries();
        for item in self.withheld.items() {
            entries.push(item.clone());
        }
        if self.keeps_times {
            entries.keep_times();
        }
        if let Some(salt) = self.salt.as_ref().filter(|salt| salt.stored) {
            entries.push(salt.to_item());
        }
        entries
    }

    /// Keeps the decoded form `live` beside the text it was made from, if that is still there.
    pub fn keep_live(&mut self, key: &[u8], text: &Bytes, live: &L) -> Option<L> {
        let entry = self.table_mut().get_mut(key).filter(|entry| entry.is_same_text(text))?;
        let old = entry.live.replace(live.clone());
        self.rows.weigh(key);
        old
    }

    /// Puts a copy of the store's entry into memory; returns the entry that it replaces.
    pub fn page_in(&mut self, item: Item) -> Option<Entry<L>> {
        let (key, entry) = Entry::from_item(item);
        self.rows.put(&key, Box::new(entry)).0.map(|old| *old)
    }

    /// Takes out the entry of `key` if it is a copy of what the store holds.
    pub fn drop_copy(&mut self, key: &Bytes) -> Option<(Bytes, Entry<L>)> {
        let is_copy = self.table().get(key).is_some_and(|entry| entry.is_copy());
        if is_copy { self.remove(key).map(|old| (key.clone(), old)) } else { None }
    }

    /// Takes out all copies of what the store holds.
    pub fn drop_copies(&mut self) -> Displaced<L> {
        let copies = self.table().touched().filter(|(_, entry)| entry.is_copy());
        let keys: Vec<_> = copies.map(|(key, _)| key.clone()).collect();
        keys.into_iter().filter_map(|key| self.remove(&key).map(|entry| (key, entry))).collect()
    }

    /// Makes room for one more entry; unwinds if there is no memory.
    pub fn make_room(&mut self) {
        self.table_mut().reserve(1);
    }

    /// Puts an entry; returns the one that it replaces, and those evicted for it.
    #[inline]
    pub fn put(&mut self, key: &Bytes, entry: Box<Entry<L>>) -> Replaced<L> {
        let transient = entry.transient;
        self.has_lone |= entry.is_lone();
        let (old, evicted) = self.rows.put(key, entry);
        match &old {
            Some(old) if transient => self.withheld.keep(key, old),
            _ if transient => {}
            _ => drop(self.withheld.release(key)),
        }
        (old, evicted)
    }

    /// The keys of all entries that were made before `time`, by the functions of `share` if it
    /// names one.
    pub fn made_before(&self, time: f64, share: &Share) -> Vec<Bytes> {
        let is_meant = |key: &Bytes, entry: &Entry<L>| {
            let old = entry.created.is_some_and(|created| created < time);
            old && (*share == Share::All || Share::of(key, None).as_ref() == Some(share))
        };
        let meant = self.table().iter().filter(|(key, entry)| is_meant(key, entry));
        meant.map(|(key, _)| key.into_owned()).collect()
    }

    /// Takes out entries that expired so long before `now` that the file need not keep them.
    pub fn drop_expired(&mut self, now: f64) -> Displaced<L> {
        let over = self.lifetimes.over(self.table(), now);
        over.into_iter().filter_map(|key| self.remove(&key).map(|entry| (key, entry))).collect()
    }

    /// Restores entries that this process dropped and the file kept, so that they can be listed and
    /// forgotten. Returns what is evicted for them.
    pub fn recall(&mut self) -> Displaced<L> {
        let mut evicted = Displaced::new();
        for item in self.withheld.take() {
            if self.table().contains(&item.key) {
                // What replaced it here is in its place.
                self.withheld.insert(item);
                continue;
            }
            let (key, entry) = Entry::from_item(item);
            evicted.extend(self.rows.put(&key, Box::new(entry)).1);
        }
        evicted
    }

    /// Takes the entry of `key` out.
    pub fn remove(&mut self, key: &[u8]) -> Option<Entry<L>> {
        self.rows.remove(key)
    }

    /// Takes the entry of `key` out if `text` is still its text.
    pub fn discard(&mut self, key: &[u8], text: &Bytes) -> Option<Entry<L>> {
        self.table().get(key).filter(|entry| entry.is_same_text(text))?;
        self.remove(key)
    }

    /// Forgets everything, including the salt.
    pub fn clear(&mut self) -> Table<L> {
        self.salt = None;
        self.withheld.clear();
        self.rows.take()
    }

    /// Forgets everything but what the file holds.
    pub fn clear_here(&mut self) -> Table<L> {
        let old = self.rows.take();
        old.iter().for_each(|(key, entry)| self.withheld.keep(&key, &entry));
        old
    }

    /// All decoded forms.
    pub fn lives(&self) -> impl Iterator<Item = &L> {
        self.table().touched().filter_map(|(_, entry)| entry.live.as_ref())
    }

    /// Takes out every entry that has no text.
    pub fn forget_unstorable(&mut self) -> Displaced<L> {
        let unstorable =
            |(key, entry): (&Bytes, &Entry<L>)| entry.text.is_none().then(|| key.clone());
        let keys: Vec<_> = self.table().touched().filter_map(unstorable).collect();
        keys.into_iter().filter_map(|key| self.remove(&key).map(|entry| (key, entry))).collect()
    }
}

/// Splits items in two, so that the memory of the first half is free before the second is used.
fn halves(mut items: Vec<Item>) -> [Vec<Item>; 2] {
    let rest = items.split_off(items.len() / 2);
    items.shrink_to_fit();
    [items, rest]
}

/// When the file was last changed, in seconds since the epoch.
pub(super) fn modified(loaded: &Loaded) -> Option<f64> {
    let since = loaded.modified?.duration_since(UNIX_EPOCH).ok()?;
    Some(since.as_secs_f64())
}

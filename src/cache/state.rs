//! What a cache's lock guards.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::UNIX_EPOCH;

use bytes::Bytes;

use super::entry::{Entry, Origin};
use super::gate::Gate;
use super::lease::Found;
use super::limiter::{Limiter, Share};
use super::table::Table;
use crate::policy::{Limits, Liveness};
use crate::store::snapshot::{salt_item, salt_of};
use crate::store::{Entries, Item, Items, Loaded};
use crate::sync::Arc;
use crate::value::check::check;

/// Entries that were replaced, removed or evicted, with their keys; drop them after unlocking.
pub type Displaced<L> = Vec<(Bytes, Entry<L>)>;

/// The entries, and what is known of the file behind them.
#[derive(Debug)]
pub struct State<L> {
    pub(super) table: Table<L>,
    loaded: bool,
    /// Whether all values that the file gave are known to be JSON, or to be damaged.
    pub(super) is_checked: bool,
    /// When the file was last changed: the age of entries that carry no time.
    pub(super) modified: Option<f64>,
    /// Whether creation times must survive in the file: somebody uses expiry.
    keeps_times: bool,
    /// What digests of secrets are keyed with, once there was one.
    salt: Option<Salt>,
    /// What was used last, once somebody set a limit.
    limiter: Option<Limiter>,
    /// Counts uses, and knows whether entries are marked.
    gate: Arc<Gate>,
    /// The use up to which the file has the order of use.
    ordered_until: u64,
    /// What the file goes on to hold although this process replaced or dropped it in a mode that
    /// leaves the file alone.
    withheld: HashMap<Bytes, Item>,
}

/// What digests of secret arguments are keyed with.
#[derive(Clone, Debug)]
pub struct Salt {
    pub text: String,
    /// Whether it is in the store, or only in this process.
    pub stored: bool,
}

impl<L> State<L> {
    /// Nothing yet; `gate` counts the uses.
    pub fn new(gate: Arc<Gate>) -> Self {
        Self {
            table: Table::default(),
            loaded: false,
            is_checked: false,
            modified: None,
            keeps_times: false,
            salt: None,
            limiter: None,
            gate,
            ordered_until: 0,
            withheld: HashMap::new(),
        }
    }
}

impl<L: Clone> State<L> {
    pub fn is_loaded(&self) -> bool {
        self.loaded
    }

    /// Begins with what the store holds.
    pub fn load(&mut self, loaded: Loaded) {
        self.loaded = true;
        self.modified = modified(&loaded);
        match loaded.items {
            Items::InFile(file, index) if self.table.is_empty() => {
                if let Some(salt) = file.salt() {
                    self.take_salt(&salt);
                }
                self.table = Table::of(file, index, self.modified);
            }
            items => self.read_all(items.into_vec()),
        }
        self.measure();
    }

    fn read_all(&mut self, items: Vec<Item>) {
        self.table.reserve(items.len());
        for items in halves(items) {
            for item in items {
                if !self.take_salt(&item) {
                    let (key, entry) = self.read(item);
                    self.table.insert_new(key, entry);
                }
            }
        }
    }

    /// The salt that holds now.
    pub fn salt(&self) -> Option<&Salt> {
        self.salt.as_ref()
    }

    /// Lets another salt hold.
    pub fn set_salt(&mut self, salt: Salt) {
        self.salt = Some(salt);
    }

    /// Takes the salt that `item` stands for; says whether it is one.
    pub(super) fn take_salt(&mut self, item: &Item) -> bool {
        let salt = salt_of(item).map(|text| Salt { text, stored: true });
        let taken = salt.is_some();
        self.salt = salt.or(self.salt.take());
        taken
    }

    /// An entry that the file holds; without a time of its own it is as old as the file.
    pub(super) fn read(&self, item: Item) -> (Bytes, Entry<L>) {
        let (key, mut entry) = Entry::from_item(item);
        entry.created = entry.created.or(self.modified);
        (key, entry)
    }

    /// Takes all entries for ones that the store gave: from now on it knows better.
    pub fn disown(&mut self) {
        self.table.touched_mut().for_each(|entry| entry.own = false);
    }

    /// Has creation times survive in the file from now on: entries grow old, others take their place.
    pub fn keep_times(&mut self) {
        self.keeps_times = true;
        self.gate.track_liveness();
    }

    /// Sets limits; what is too much goes.
    pub fn limit(&mut self, share: Share, limits: Limits) -> Displaced<L> {
        self.gate.uses.start_counting();
        self.gate.track_liveness();
        let remeasure = self.limiter.is_none() || share != Share::All;
        let limiter = self.limiter.get_or_insert_default();
        let keys = limiter.limit(share, limits);
        let mut evicted = self.evict(keys);
        if remeasure {
            evicted.extend(self.measure());
        }
        evicted
    }

    /// How much the whole cache may have.
    pub fn limits(&self) -> Limits {
        self.limiter.as_ref().map(Limiter::limits).unwrap_or_default()
    }

    /// How many entries went for want of room.
    pub fn evictions(&self, share: &Share) -> u64 {
        self.limiter.as_ref().map_or(0, |limiter| limiter.evictions(share))
    }

    /// Shows all entries to the limiter, oldest first.
    pub(super) fn measure(&mut self) -> Displaced<L> {
        let Some(limiter) = &mut self.limiter else { return Vec::new() };
        let (mut keys, gate) = (Vec::new(), &self.gate);
        self.table.for_each_mut(|key, entry| {
            let size = entry.size();
            let liveness = entry
                .liveness
                .get_or_insert_with(|| Arc::new(Liveness::new(gate.uses.clock.tick())));
            keys.extend(limiter.insert(key, size, entry.origin, liveness));
        });
        self.evict(keys)
    }

    fn evict(&mut self, keys: Vec<Bytes>) -> Displaced<L> {
        keys.into_iter()
            .filter_map(|key| self.table.remove(&key).map(|entry| (key, entry)))
            .inspect(|(key, entry)| {
                entry.retire();
                if let Some(limiter) = &mut self.limiter {
                    limiter.count_evicted(key, entry.origin);
                }
            })
            .collect()
    }

    pub fn get(&mut self, key: &[u8]) -> Option<Entry<L>> {
        if !self.gate.uses.are_tracked() {
            return self.table.get(key).map(Cow::into_owned);
        }
        let now = self.gate.uses.clock.tick();
        let entry = self.table.get_mut(key)?;
        entry.liveness.get_or_insert_with(|| Arc::new(Liveness::new(now))).touch(now);
        Some(entry.clone())
    }

    /// The entry of `key`, whose use is noted.
    pub fn hit(&mut self, key: &[u8], origin: Option<Origin>) -> Option<Found<L>> {
        if origin.is_none() && !self.gate.uses.are_tracked() {
            let (entry, used) = self.table.hit(key)?;
            let entry = entry.into_owned();
            return Some(Found { entry, first_use: !used, claimed: None });
        }
        let entry = self.table.get_mut(key)?;
        if self.gate.uses.are_tracked() {
            let now = self.gate.uses.clock.tick();
            entry.liveness.get_or_insert_with(|| Arc::new(Liveness::new(now))).touch(now);
        }
        let claimed = origin.map(|origin| *entry.origin.get_or_insert(origin));
        let first_use = !std::mem::replace(&mut entry.used, true);
        Some(Found { entry: entry.clone(), first_use, claimed })
    }

    /// The entry of `key`, looked at and not used.
    pub fn peek(&self, key: &[u8]) -> Option<Found<L>> {
        let entry = self.table.get(key)?.into_owned();
        Some(Found { first_use: !entry.used, entry, claimed: None })
    }

    /// The keys of values that are no JSON, once for all that the file gave.
    pub fn damaged(&mut self) -> Vec<Bytes> {
        if std::mem::replace(&mut self.is_checked, true) {
            return Vec::new();
        }
        let is_bad = |entry: &Entry<L>| {
            !entry.sound && entry.text.as_ref().is_some_and(|text| check(text).is_err())
        };
        let damaged = self.table.iter().filter(|(_, entry)| is_bad(entry));
        damaged.map(|(key, _)| key.into_owned()).collect()
    }

    pub fn contains(&self, key: &[u8]) -> bool {
        self.table.contains(key)
    }

    pub fn len(&self) -> usize {
        self.table.len()
    }

    pub fn keys(&self) -> Vec<Bytes> {
        self.table.iter().map(|(key, _)| key.into_owned()).collect()
    }

    pub fn notes(&self) -> Vec<(Bytes, Bytes)> {
        let known = |entry: &Entry<L>| entry.notes.others.as_deref().cloned();
        let rows = self.table.iter();
        rows.filter_map(|(key, entry)| Some((key.into_owned(), known(&entry)?))).collect()
    }

    /// Whether entries were used in another order than the file has them, since that was written.
    /// Without a limit nobody asks for it.
    pub fn is_reordered(&self) -> bool {
        if self.limiter.is_none() {
            return false;
        }
        let (mut last, mut newest, mut is_sorted) = (0, 0, true);
        for (_, entry) in self.table.iter() {
            let used = entry.used_at();
            is_sorted &= last <= used;
            newest = used.max(newest);
            last = used;
        }
        !is_sorted && newest > self.ordered_until
    }

    /// The file has the order of use of now.
    pub fn note_order(&mut self) {
        self.ordered_until = self.gate.uses.clock.tick();
    }

    /// All entries, the least recently used first: so the order of use survives in the file.
    fn entries_by_use(&self) -> Entries {
        let mut rows: Vec<_> = self.table.iter().collect();
        rows.sort_by_key(|(_, entry)| entry.used_at());
        let mut entries = Entries::default();
        let items = rows.iter().filter_map(|(key, entry)| entry.to_item(key));
        items.for_each(|item| entries.push(item));
        entries
    }

    /// All that a store can hold, in order.
    pub fn entries(&self) -> Entries {
        let mut entries =
            if self.limiter.is_some() { self.entries_by_use() } else { self.table.entries() };
        for item in self.withheld.values() {
            entries.push(item.clone());
        }
        if self.keeps_times {
            entries.keep_times();
        }
        if let Some(salt) = self.salt.as_ref().filter(|salt| salt.stored) {
            entries.push(salt_item(&salt.text));
        }
        entries
    }

    pub fn keep_live(&mut self, key: &[u8], text: &Bytes, live: &L) -> Option<L> {
        let entry = self.table.get_mut(key).filter(|entry| entry.is_same_text(text))?;
        entry.live.replace(live.clone())
    }

    /// Puts an entry; the one it replaces, and those that go for it.
    pub fn put(&mut self, key: &Bytes, mut entry: Entry<L>) -> (Option<Entry<L>>, Displaced<L>) {
        let (size, transient, origin) = (entry.size(), entry.transient, entry.origin);
        entry.liveness = entry.liveness.or_else(|| self.gate.uses.new_liveness());
        let liveness = entry.liveness.clone();
        // What was used while it was made was used before it.
        if let Some(liveness) = &liveness {
            liveness.touch(self.gate.uses.clock.tick());
        }
        let old = self.table.insert(key.clone(), entry);
        old.iter().for_each(Entry::retire);
        match &old {
            Some(old) if transient => self.withhold(key, old),
            _ if transient => {}
            _ => drop(self.release(key)),
        }
        let limiter = self.limiter.as_mut().zip(liveness.as_ref());
        let keys = limiter.map(|(limiter, liveness)| limiter.insert(key, size, origin, liveness));
        (old, self.evict(keys.unwrap_or_default()))
    }

    /// Has the file keep the entry `old` of `key`, which this process does without.
    pub fn withhold(&mut self, key: &[u8], old: &Entry<L>) {
        let key = Bytes::copy_from_slice(key);
        if let Some(item) = old.to_item(&key) {
            self.withheld.insert(key, item);
        }
    }

    /// Lets the file lose what it holds under `key` although this process does without it; says
    /// whether there is such a thing.
    pub fn release(&mut self, key: &[u8]) -> bool {
        // Nearly always there is nothing, and then it would take longer to hash the key than to ask.
        !self.withheld.is_empty() && self.withheld.remove(key).is_some()
    }

    pub fn remove(&mut self, key: &[u8]) -> Option<Entry<L>> {
        if let Some(limiter) = &mut self.limiter {
            limiter.remove(key);
        }
        self.table.remove(key).inspect(Entry::retire)
    }

    pub fn discard(&mut self, key: &[u8], text: &Bytes) -> Option<Entry<L>> {
        self.table.get(key).filter(|entry| entry.is_same_text(text))?;
        self.remove(key)
    }

    pub fn clear(&mut self) -> Table<L> {
        if let Some(limiter) = &mut self.limiter {
            limiter.clear();
        }
        self.salt = None;
        self.withheld.clear();
        self.table.take()
    }

    /// Forgets everything but what the file holds.
    pub fn clear_here(&mut self) -> Table<L> {
        let (salt, withheld) = (self.salt.take(), std::mem::take(&mut self.withheld));
        let old = self.clear();
        (self.salt, self.withheld) = (salt, withheld);
        old.iter().for_each(|(key, entry)| self.withhold(&key, &entry));
        old
    }

    pub fn lives(&self) -> impl Iterator<Item = &L> {
        self.table.touched().filter_map(|(_, entry)| entry.live.as_ref())
    }

    pub fn forget_unstorable(&mut self) -> Displaced<L> {
        let unstorable =
            |(key, entry): (&Bytes, &Entry<L>)| entry.text.is_none().then(|| key.clone());
        let keys: Vec<_> = self.table.touched().filter_map(unstorable).collect();
        keys.into_iter().filter_map(|key| self.remove(&key).map(|entry| (key, entry))).collect()
    }
}

/// The same items in two parts, so that the memory of the first is free before the second is used.
fn halves(mut items: Vec<Item>) -> [Vec<Item>; 2] {
    let rest = items.split_off(items.len() / 2);
    items.shrink_to_fit();
    [items, rest]
}

pub(super) fn modified(loaded: &Loaded) -> Option<f64> {
    let since = loaded.modified?.duration_since(UNIX_EPOCH).ok()?;
    Some(since.as_secs_f64())
}

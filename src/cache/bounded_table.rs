//! The entries of a cache, and the eviction of those that exceed a limit.

use bytes::Bytes;

use super::asking::Found;
use super::entry::{Entry, Origin};
use super::gate::Gate;
use super::limiter::{Limiter, Share};
use super::near::Near;
use super::table::Table;
use crate::policy::{Limits, Liveness};
use crate::store::Entries;
use crate::sync::Arc;

/// Entries that were replaced, removed or evicted, with their keys; to be dropped after unlocking.
pub type Displaced<L> = Vec<(Bytes, Entry<L>)>;

/// The entry that another one replaced, and those that were evicted for it. Boxed: nearly always
/// there is none, and to hand on the room for one takes as long.
pub type Replaced<L> = (Option<Box<Entry<L>>>, Displaced<L>);

/// A table whose entries record their use and are evicted by it, once there is a limit.
#[derive(Debug)]
pub struct BoundedTable<L> {
    table: Table<L>,
    /// The order of use, once there is a limit.
    limiter: Option<Limiter>,
    /// How much of a store that is not loaded whole may be in memory.
    near: Option<Near>,
    /// Counts uses, and knows whether they are recorded.
    gate: Arc<Gate>,
    /// The use up to which the file has the order of use.
    ordered_until: u64,
}

impl<L> BoundedTable<L> {
    /// Makes an empty table without a limit; `gate` counts the uses.
    pub fn new(gate: Arc<Gate>) -> Self {
        Self { table: Table::default(), limiter: None, near: None, gate, ordered_until: 0 }
    }

    /// Makes all further entries copies of what a store holds, dropped when they take too much
    /// memory.
    pub fn mirror(&mut self) {
        self.gate.uses.start_counting();
        self.gate.track_liveness();
        self.near = Some(Near::default());
    }

    /// Sets how many bytes such copies may take; the excess is dropped at the next trim.
    pub fn limit_near(&mut self, most: u64) {
        if let Some(near) = &mut self.near {
            near.limit(most);
        }
    }

    /// All entries.
    pub fn table(&self) -> &Table<L> {
        &self.table
    }

    /// All entries, mutably. What may be changed has no effect on a limit.
    pub fn table_mut(&mut self) -> &mut Table<L> {
        &mut self.table
    }
}

impl<L: Clone> BoundedTable<L> {
    /// Sets limits, and evicts what exceeds them.
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

    /// Evicts the least recently used entries until the whole cache keeps `limits`, after `newest`
    /// was put.
    pub fn trim(&mut self, limits: Limits, newest: Option<&Bytes>) -> Displaced<L> {
        let keys = self.limiter.as_mut().map(|limiter| limiter.trim(limits, newest));
        self.evict(keys.unwrap_or_default())
    }

    /// The number of evicted entries.
    pub fn evictions(&self, share: &Share) -> u64 {
        self.limiter.as_ref().map_or(0, |limiter| limiter.evictions(share))
    }

    /// Shows all entries to the limiter, oldest first.
    pub fn measure(&mut self) -> Displaced<L> {
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

    /// Takes out the copies that take too much memory. The store has them.
    pub fn trim_near(&mut self) -> Displaced<L> {
        let over = self.near.as_mut().map(Near::take_over).unwrap_or_default();
        let mut gone = Displaced::new();
        for key in over {
            // Another entry may have come meanwhile that no store holds.
            if self.table.get(&key).is_some_and(|entry| entry.is_copy()) {
                gone.extend(self.remove(&key).map(|entry| (key, entry)));
            }
        }
        gone
    }

    /// How many entries are not copies of what a store holds.
    pub fn originals(&self) -> usize {
        self.table.len() - self.near.as_ref().map_or(0, Near::len)
    }

    /// Counts the growth of the entry of `key`.
    pub fn weigh(&mut self, key: &[u8]) {
        let Some(near) = &mut self.near else { return };
        let Some(entry) = self.table.get(key) else { return };
        if let Some(liveness) = entry.liveness.clone() {
            near.insert(&Bytes::copy_from_slice(key), &entry, &liveness);
        }
    }

    fn evict(&mut self, keys: Vec<Bytes>) -> Displaced<L> {
        if keys.is_empty() {
            return Displaced::new();
        }
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

    /// Returns the entry of `key` and records its use by `origin`.
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

    /// Puts an entry; returns the one that it replaces, and those evicted for it.
    #[inline]
    pub fn put(&mut self, key: &Bytes, mut entry: Box<Entry<L>>) -> Replaced<L> {
        let (size, origin) = (entry.size(), entry.origin);
        entry.liveness = entry.liveness.take().or_else(|| self.gate.uses.new_liveness());
        let liveness = entry.liveness.clone();
        // Entries used while this one was made were used before it.
        if let Some(liveness) = &liveness {
            liveness.touch(self.gate.uses.clock.tick());
        }
        if let Some((near, liveness)) = self.near.as_mut().zip(liveness.as_ref()) {
            near.insert(key, &entry, liveness);
        }
        let old = self.table.insert(key.clone(), entry);
        if let Some(old) = &old {
            old.retire();
        }
        let limiter = self.limiter.as_mut().zip(liveness.as_ref());
        let keys = limiter.map(|(limiter, liveness)| limiter.insert(key, size, origin, liveness));
        (old, self.evict(keys.unwrap_or_default()))
    }

    /// Takes out the entry of `key`, which does not count as evicted.
    pub fn remove(&mut self, key: &[u8]) -> Option<Entry<L>> {
        if let Some(limiter) = &mut self.limiter {
            limiter.remove(key);
        }
        if let Some(near) = &mut self.near {
            near.remove(key);
        }
        self.table.remove(key).inspect(Entry::retire)
    }

    /// Takes all entries out; the limits stay.
    pub fn take(&mut self) -> Table<L> {
        if let Some(limiter) = &mut self.limiter {
            limiter.clear();
        }
        if let Some(near) = &mut self.near {
            near.clear();
        }
        self.table.take()
    }

    /// Returns whether entries were used in another order than the file has them. Without a limit
    /// nobody needs to know.
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

    /// Notes that the file has the present order of use.
    pub fn note_order(&mut self) {
        self.ordered_until = self.gate.uses.clock.tick();
    }

    /// Returns everything that a store can hold: in insertion order or, under a limit, by use.
    pub fn entries(&self) -> Entries {
        if self.limiter.is_some() { self.entries_by_use() } else { self.table.entries() }
    }

    /// Returns all entries, the least recently used first, so that the order of use survives in the
    /// file.
    fn entries_by_use(&self) -> Entries {
        let mut rows: Vec<_> = self.table.iter().collect();
        rows.sort_by_key(|(_, entry)| entry.used_at());
        let mut entries = Entries::default();
        let items = rows.iter().filter_map(|(key, entry)| entry.to_item(key));
        items.for_each(|item| entries.push(item));
        entries
    }
}

//! What is known of entries without looking into their values: lists, sums, histograms.

use std::cmp::Ordering;
use std::collections::HashMap;

use bytes::Bytes;

use super::entry::Entry;
use super::limiter::function_of;
use super::listing::Listing;
use crate::store::{Notes, Purge};
use crate::sync;
use crate::value::check::check;

/// A selection of entries: those that meet all conditions.
#[derive(Debug, Default)]
pub struct Selection {
    /// Their keys match this pattern of Python's `fnmatch`.
    pub pattern: Option<Bytes>,
    /// Their keys begin with the name of this function.
    pub function: Option<Vec<u8>>,
    /// They were made before this time, in seconds since the epoch.
    pub before: Option<f64>,
}

/// The keys to sort entries by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKey {
    /// The text of the key.
    Key,
    /// The size of the value's text.
    Size,
    /// The time when it was made.
    Created,
    /// How long the call took.
    Took,
}

/// An order of entries: a sort key, and whether the largest come first. `None`: insertion order.
pub type Order = Option<(SortKey, bool)>;

/// What is known of one entry.
#[derive(Clone, Debug)]
pub struct Fact {
    /// The key's text.
    pub key: Bytes,
    /// The value's text; `None` if it lives in this process only.
    pub text: Option<Bytes>,
    /// When it was made, in seconds since the epoch.
    pub created: Option<f64>,
    /// Everything else that is known.
    pub notes: Notes,
}

/// What is known of several entries together.
#[derive(Clone, Debug, Default)]
pub struct Sum {
    /// How many there are.
    pub count: u64,
    /// The bytes of the texts of their values.
    pub bytes: u64,
    /// The seconds that the calls took, as far as known.
    pub took: f64,
    /// How many calls these are.
    pub timed: u64,
    /// When the oldest was made.
    pub oldest: Option<f64>,
    /// When the newest was made.
    pub newest: Option<f64>,
}

/// The entries that stand out, where known.
#[derive(Clone, Debug, Default)]
pub struct Extremes {
    /// Made first.
    pub oldest: Option<Fact>,
    /// Made last.
    pub newest: Option<Fact>,
    /// With the longest text.
    pub largest: Option<Fact>,
    /// Whose call took longest.
    pub slowest: Option<Fact>,
}

/// How many entries lie between limits: sizes, times and durations, each in ascending order. There
/// is one more count than limits.
#[derive(Debug, Default)]
pub struct Histograms {
    /// In bytes.
    pub sizes: Histogram,
    /// In seconds since the epoch.
    pub times: Histogram,
    /// In seconds.
    pub durations: Histogram,
}

/// Counts between limits.
#[derive(Debug, Default)]
pub struct Histogram {
    limits: Vec<f64>,
    /// The first counts what lies below the first limit.
    pub counts: Vec<u64>,
}

impl Selection {
    fn has<L>(&self, key: &[u8], entry: &Entry<L>) -> bool {
        let is_older = |before: f64| entry.created.is_some_and(|created| created < before);
        self.before.is_none_or(is_older) && self.names(key)
    }

    /// Returns whether the key alone fits the selection.
    fn names(&self, key: &[u8]) -> bool {
        let fits = |pattern: &Bytes| Purge::Fitting(pattern.clone()).concerns(key);
        self.function.as_ref().is_none_or(|name| function_of(key) == Some(name))
            && self.pattern.as_ref().is_none_or(fits)
    }
}

impl Fact {
    fn new<L>(key: &Bytes, entry: &Entry<L>) -> Self {
        let (key, notes) = (key.clone(), entry.notes.clone());
        Self { key, text: entry.text.clone(), created: entry.created, notes }
    }

    /// The size of the value's text in bytes.
    pub fn size(&self) -> u64 {
        self.text.as_ref().map_or(0, |text| text.len() as u64)
    }

    fn compare(&self, other: &Self, by: SortKey) -> Ordering {
        let time = |value: Option<f64>| value.unwrap_or(f64::NEG_INFINITY);
        match by {
            SortKey::Key => self.key.cmp(&other.key),
            SortKey::Size => self.size().cmp(&other.size()),
            SortKey::Created => time(self.created).total_cmp(&time(other.created)),
            SortKey::Took => time(self.notes.took).total_cmp(&time(other.notes.took)),
        }
    }
}

impl Extremes {
    fn add<L>(&mut self, key: &Bytes, entry: &Entry<L>) {
        let fact = || Fact::new(key, entry);
        let time = |fact: &Fact| fact.created;
        if let Some(created) = entry.created {
            replace(&mut self.oldest, fact, |old| time(old).is_some_and(|old| created < old));
            replace(&mut self.newest, fact, |old| time(old).is_some_and(|old| created > old));
        }
        replace(&mut self.largest, fact, |old| entry.size() > old.size());
        if let Some(took) = entry.notes.took {
            replace(&mut self.slowest, fact, |old| old.notes.took.is_some_and(|old| took > old));
        }
    }
}

/// Replaces a fact if the other one surpasses it.
fn replace(
    place: &mut Option<Fact>,
    fact: impl FnOnce() -> Fact,
    surpasses: impl FnOnce(&Fact) -> bool,
) {
    if place.as_ref().is_none_or(surpasses) {
        *place = Some(fact());
    }
}

impl Sum {
    fn add<L>(&mut self, entry: &Entry<L>) {
        self.count += 1;
        self.bytes += entry.size();
        if let Some(took) = entry.notes.took {
            self.took += took;
            self.timed += 1;
        }
        let Some(created) = entry.created else { return };
        self.oldest = Some(self.oldest.map_or(created, |oldest| oldest.min(created)));
        self.newest = Some(self.newest.map_or(created, |newest| newest.max(created)));
    }
}

impl Histogram {
    /// A histogram between these `limits` that has counted nothing.
    pub fn new(limits: Vec<f64>) -> Self {
        Self { counts: vec![0; limits.len() + 1], limits }
    }

    fn add(&mut self, value: f64) {
        self.counts[self.limits.partition_point(|&limit| limit <= value)] += 1;
    }
}

impl Histograms {
    #[expect(clippy::cast_precision_loss, reason = "a size of 2^53 bytes is none")]
    fn add<L>(&mut self, entry: &Entry<L>) {
        self.sizes.add(entry.size() as f64);
        entry.created.into_iter().for_each(|time| self.times.add(time));
        entry.notes.took.into_iter().for_each(|took| self.durations.add(took));
    }
}

fn add_to<L>(sums: &mut HashMap<Vec<u8>, Sum>, key: &[u8], entry: &Entry<L>) {
    let name = function_of(key).unwrap_or_default();
    match sums.get_mut(name) {
        Some(sum) => sum.add(entry),
        None => sums.entry(name.to_vec()).or_default().add(entry),
    }
}

/// Collects the first facts in an order.
struct First {
    found: Vec<Fact>,
    order: Order,
    limit: usize,
}

impl First {
    /// Adds a fact; when the list is sorted, the last ones are dropped from time to time.
    fn push(&mut self, fact: impl FnOnce() -> Fact) {
        if self.order.is_none() && self.found.len() >= self.limit {
            return;
        }
        self.found.push(fact());
        if self.found.len() >= self.limit.saturating_mul(2).max(1024) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if let Some((by, descending)) = self.order {
            // Stable: equal facts stay in their order.
            self.found.sort_by(|one, other| {
                let order = one.compare(other, by);
                if descending { order.reverse() } else { order }
            });
        }
        self.found.truncate(self.limit);
    }
}

impl<L: Clone> Listing<L> {
    /// The first `limit` entries of a selection in an order, and the sum of all of it.
    pub fn facts(&self, selection: &Selection, order: Order, limit: usize) -> (Vec<Fact>, Sum) {
        let mut first = First { found: Vec::new(), order, limit };
        let mut sum = Sum::default();
        self.each(selection, |key, entry| {
            sum.add(entry);
            first.push(|| Fact::new(key, entry));
        });
        first.cut();
        (first.found, sum)
    }

    /// Returns the keys of all values that are not JSON, and what is wrong with each. Unlike
    /// `damaged`, it checks all of them, each time.
    pub fn bad(&self) -> Vec<(Bytes, String)> {
        let mut bad = Vec::new();
        self.each(&Selection::default(), |key, entry| {
            let checked = entry.text.as_ref().map_or(Ok(()), |text| check(text).map(drop));
            if let Err(error) = checked {
                bad.push((key.clone(), error.to_string()));
            }
        });
        bad
    }

    /// What is known of the entry of `key`.
    pub fn fact(&self, key: &[u8]) -> Option<Fact> {
        let _active = sync::active();
        let found = self.0.peek(key)?;
        Some(Fact::new(&Bytes::copy_from_slice(key), &found.entry))
    }

    /// Returns the sums of each function in a selection; entries whose keys name no function are
    /// summed up under an empty name.
    pub fn sums(&self, selection: &Selection) -> HashMap<Vec<u8>, Sum> {
        let mut sums = HashMap::<Vec<u8>, Sum>::new();
        self.each(selection, |key, entry| add_to(&mut sums, key, entry));
        sums
    }

    /// Returns the sums of each function, as [`sums`](Self::sums) does, and the extremes.
    pub fn overview(&self) -> (HashMap<Vec<u8>, Sum>, Extremes) {
        let (mut sums, mut extremes) = (HashMap::new(), Extremes::default());
        self.each(&Selection::default(), |key, entry| {
            add_to(&mut sums, key, entry);
            extremes.add(key, entry);
        });
        (sums, extremes)
    }

    /// The sum of all entries whose key begins with `start`, the name of a function and a parenthesis.
    pub fn sum_of(&self, start: &[u8]) -> Sum {
        let _active = sync::active();
        let mut sum = Sum::default();
        if let Some(paged) = self.0.store.paged() {
            let keys = self.keys_that_begin(paged, start);
            keys.iter().filter_map(|key| self.0.peek(key)).for_each(|found| sum.add(&found.entry));
            return sum;
        }
        let mut state = self.0.loaded();
        for (_, entry) in state.table_mut().entries_of(start) {
            sum.add(&entry);
        }
        sum
    }

    /// Counts the entries of a selection between the limits of `histograms`.
    pub fn count_between(&self, selection: &Selection, histograms: &mut Histograms) {
        self.each(selection, |_, entry| histograms.add(entry));
    }

    fn each(&self, selection: &Selection, mut run: impl FnMut(&Bytes, &Entry<L>)) {
        let _active = sync::active();
        if let Some(paged) = self.0.store.paged() {
            let keys = self.0.keys_named(paged, selection.function.as_deref());
            for key in keys.into_iter().filter(|key| selection.names(key)) {
                if let Some(found) = self.0.peek(&key).filter(|it| selection.has(&key, &it.entry)) {
                    run(&key, &found.entry);
                }
            }
            return;
        }
        let state = self.0.loaded();
        for (key, entry) in state.table().iter() {
            if selection.has(&key, &entry) {
                run(&key, &entry);
            }
        }
    }
}

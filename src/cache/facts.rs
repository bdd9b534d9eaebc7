//! What is known of entries beside their values, alone and together.

use std::cmp::Ordering;

use bytes::Bytes;

use super::entry::Entry;
use super::limiter::function_of;
use crate::store::{Item, Notes, Outline, Purge};

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

/// What lists, sums and histograms go by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measures<'m> {
    /// The key's text; empty where nobody asked for it.
    pub key: &'m [u8],
    /// The size of the value's text in bytes.
    pub size: u64,
    /// When it was made, in seconds since the epoch.
    pub created: Option<f64>,
    /// How many seconds the call took.
    pub took: Option<f64>,
}

/// What is known of several entries together.
#[derive(Clone, Debug, Default)]
pub struct Sum {
    /// How many there are.
    pub count: u64,
    /// The bytes of the texts of their values.
    pub bytes: u64,
    /// The nanoseconds that the calls took, as far as known: whole ones add up to the same in any
    /// order.
    nanoseconds: u64,
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
#[derive(Clone, Debug, Default)]
pub struct Histograms {
    /// In bytes.
    pub sizes: Histogram,
    /// In seconds since the epoch.
    pub times: Histogram,
    /// In seconds.
    pub durations: Histogram,
}

/// Counts between limits.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    limits: Vec<f64>,
    /// The first counts what lies below the first limit.
    pub counts: Vec<u64>,
}

impl Selection {
    /// Returns whether it selects an entry made then.
    pub(super) fn is_of(&self, created: Option<f64>) -> bool {
        self.before.is_none_or(|before| created.is_some_and(|created| created < before))
    }

    /// Returns whether the key alone fits the selection.
    pub(super) fn names(&self, key: &[u8]) -> bool {
        let fits = |pattern: &Bytes| Purge::Fitting(pattern.clone()).concerns(key);
        self.function.as_ref().is_none_or(|name| function_of(key) == Some(name))
            && self.pattern.as_ref().is_none_or(fits)
    }
}

impl<'m> Measures<'m> {
    /// Those of an entry.
    pub fn of_entry<L>(key: &'m [u8], entry: &Entry<L>) -> Self {
        Self { key, size: entry.size(), created: entry.created, took: entry.notes.took }
    }

    /// Those of an entry in a store.
    pub fn of_outline(outline: &Outline<'m>) -> Self {
        let &Outline { key, size, created, took, .. } = outline;
        Self { key, size, created, took }
    }

    /// Returns which of two stands first.
    pub fn compare(&self, other: &Self, by: SortKey) -> Ordering {
        let time = |value: Option<f64>| value.unwrap_or(f64::NEG_INFINITY);
        match by {
            SortKey::Key => self.key.cmp(other.key),
            SortKey::Size => self.size.cmp(&other.size),
            SortKey::Created => time(self.created).total_cmp(&time(other.created)),
            SortKey::Took => time(self.took).total_cmp(&time(other.took)),
        }
    }
}

impl Fact {
    pub(super) fn new<L>(key: &Bytes, entry: &Entry<L>) -> Self {
        let (key, notes) = (key.clone(), entry.notes.clone());
        Self { key, text: entry.text.clone(), created: entry.created, notes }
    }

    /// The size of the value's text in bytes.
    pub fn size(&self) -> u64 {
        self.text.as_ref().map_or(0, |text| text.len() as u64)
    }

    /// The fact of an item that a store returned.
    pub(super) fn of_item(item: Item) -> Self {
        let Item { key, text, created, notes, .. } = item;
        Self { key, text: Some(text), created, notes }
    }

    pub(super) fn measures(&self) -> Measures<'_> {
        let (created, took) = (self.created, self.notes.took);
        Measures { key: &self.key, size: self.size(), created, took }
    }
}

impl Sum {
    /// The seconds that the calls took, as far as known.
    #[expect(clippy::cast_precision_loss, reason = "104 days are exact, and more is near enough")]
    pub fn took(&self) -> f64 {
        self.nanoseconds as f64 / 1e9
    }

    pub(super) fn add(&mut self, entry: &Measures<'_>) {
        self.count += 1;
        self.bytes += entry.size;
        if let Some(took) = entry.took {
            self.nanoseconds = self.nanoseconds.saturating_add(nanoseconds(took));
            self.timed += 1;
        }
        let Some(created) = entry.created else { return };
        self.oldest = Some(self.oldest.map_or(created, |oldest| oldest.min(created)));
        self.newest = Some(self.newest.map_or(created, |newest| newest.max(created)));
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
fn nanoseconds(seconds: f64) -> u64 {
    (seconds * 1e9).round() as u64
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
    pub(super) fn add(&mut self, entry: &Measures<'_>) {
        self.sizes.add(entry.size as f64);
        entry.created.into_iter().for_each(|time| self.times.add(time));
        entry.took.into_iter().for_each(|took| self.durations.add(took));
    }
}

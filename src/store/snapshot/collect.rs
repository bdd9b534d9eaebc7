//! From entries as the scanner finds them to a list of them, each key once.

#![expect(
    clippy::inline_always,
    reason = "an entry that is handed on in memory costs a stall; in registers it costs nothing"
)]

use bytes::Bytes;

use super::file_entries::{EntrySpan, FileEntries, key, plain_or_unescaped};
use super::meta::{self, Meta};
use super::scan::Entry;
use crate::collections::{Hash, Index};
use crate::store::RESERVED_KEY;

/// What the file held so far.
#[derive(Debug, Default)]
pub(super) struct Collector {
    found: Vec<EntrySpan>,
    /// Hashes of the keys at the end of `found`, of which nobody knows yet whether they are new.
    fresh: Vec<Hash>,
    /// Where the other keys are.
    index: Index,
    meta: Meta,
}

impl Collector {
    /// Takes an entry of `text` in; one with the same key loses its value but keeps its place.
    #[inline(always)]
    pub(super) fn add(&mut self, text: &[u8], entry: &Entry) {
        let key = plain_or_unescaped(&text[entry.key.clone()], entry.escapes);
        if *key == *RESERVED_KEY.as_bytes() && self.take_meta(&text[entry.value.clone()]) {
            return;
        }
        // While the key is in the CPU's cache. To look it up is cheaper for many keys at once.
        self.fresh.push(self.index.hash(&key));
        self.found.push(EntrySpan { key: entry.key.start, value: entry.value.clone() });
    }

    /// Takes an entry of `text` in unless its key is there already.
    pub(super) fn add_missing(&mut self, text: &[u8], entry: &Entry) {
        self.settle(text);
        let key = plain_or_unescaped(&text[entry.key.clone()], entry.escapes);
        let (found, hash) = (&self.found, self.index.hash(&key));
        let same = |place: usize| *self::key(text, &found[place]) == *key;
        if self.index.find_or_insert(hash, found.len(), same).is_none() {
            self.found.push(EntrySpan { key: entry.key.start, value: entry.value.clone() });
        }
    }

    /// All that was found in `file`, with the index of it.
    pub(super) fn finish(mut self, file: &Bytes) -> (FileEntries, Index) {
        self.settle(file);
        (FileEntries::new(file.clone(), self.found, self.meta), self.index)
    }

    /// Looks up the keys whose hashes are known.
    fn settle(&mut self, text: &[u8]) {
        let fresh = std::mem::take(&mut self.fresh);
        self.index.reserve(fresh.len());
        let first = self.found.len() - fresh.len();
        let mut end = first;
        for (at, hash) in (first..).zip(fresh) {
            let found = &self.found;
            let same = |place: usize| key(text, &found[place]) == key(text, &found[at]);
            if let Some(place) = self.index.find_or_insert(hash, end, same) {
                self.found[place].value = found[at].value.clone();
            } else {
                self.found.swap(end, at);
                end += 1;
            }
        }
        self.found.truncate(end);
    }

    /// Whether the reserved member was ours.
    #[cold]
    fn take_meta(&mut self, text: &[u8]) -> bool {
        let Some(meta) = meta::read(text) else { return false };
        self.meta = meta;
        true
    }
}

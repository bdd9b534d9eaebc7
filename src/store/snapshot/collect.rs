//! From entries as places in the file to items, each key once.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};

use bytes::Bytes;
use foldhash::fast::RandomState;

use super::meta::{self, Meta};
use super::scan::Entry;
use crate::store::{Item, RESERVED_KEY};
use crate::value::text::unescape;

/// What the file held so far.
pub(super) struct Collector<'f> {
    file: &'f Bytes,
    items: Vec<Item>,
    /// Where the first item with this hash of its key is. The keys themselves are not kept twice.
    places: HashMap<u64, usize, RandomState>,
    meta: Meta,
}

impl<'f> Collector<'f> {
    pub(super) fn new(file: &'f Bytes) -> Self {
        let (items, places) = (Vec::new(), HashMap::default());
        Self { file, items, places, meta: Meta::default() }
    }

    /// Takes an entry in; one with the same key loses its value but keeps its place.
    pub(super) fn add(&mut self, entry: &Entry) {
        let item = self.item(entry);
        if item.key == RESERVED_KEY && self.take_meta(&item.text) {
            return;
        }
        match self.place(&item.key) {
            Some(place) => self.items[place] = item,
            None => self.items.push(item),
        }
    }

    /// Takes an entry in unless its key is there already.
    pub(super) fn add_missing(&mut self, entry: &Entry) {
        let item = self.item(entry);
        if self.place(&item.key).is_none() {
            self.items.push(item);
        }
    }

    /// All items, with their times, and the salt.
    pub(super) fn finish(mut self) -> Vec<Item> {
        if !self.meta.times.is_empty() {
            for item in &mut self.items {
                item.created = self.meta.times.get(item.key.as_ref()).copied();
                item.timed = item.created.is_some();
            }
        }
        self.items.extend(self.meta.salt.as_deref().map(meta::salt_item));
        self.items
    }

    fn item(&self, entry: &Entry) -> Item {
        Item {
            key: self.key(entry),
            text: self.file.slice(entry.value.clone()),
            sound: false,
            created: None,
            timed: false,
        }
    }

    fn key(&self, entry: &Entry) -> Bytes {
        if !entry.escaped {
            return self.file.slice(entry.key.clone());
        }
        let mut key = Vec::with_capacity(entry.key.len());
        unescape(&self.file[entry.key.clone()], &mut key);
        key.into()
    }

    /// Whether the reserved member was ours.
    fn take_meta(&mut self, text: &[u8]) -> bool {
        let Some(meta) = meta::read(text) else { return false };
        self.meta = meta;
        true
    }

    /// Where `key` is; notes that it will be at the end if it is not there.
    fn place(&mut self, key: &[u8]) -> Option<usize> {
        let mut hasher = self.places.hasher().build_hasher();
        hasher.write(key);
        let end = self.items.len();
        let place = *self.places.entry(hasher.finish()).or_insert(end);
        let same = |item: &Item| item.key == key;
        match self.items.get(place) {
            Some(item) if same(item) => Some(place),
            // Two keys with one hash: a matter of 2^32 entries, so slow is good enough.
            Some(_) => self.items.iter().position(same),
            None => None,
        }
    }
}

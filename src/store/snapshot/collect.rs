//! From entries as places in the file to items, each key once.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher};

use bytes::Bytes;
use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::meta::{self, Meta};
use super::scan::Entry;
use crate::store::{Item, RESERVED_KEY};
use crate::value::text::unescape;

/// What the file held so far.
#[derive(Debug, Default)]
pub(super) struct Collector {
    found: Vec<Found>,
    /// The places of what was found, by the hash of its key.
    places: HashTable<u32>,
    hasher: RandomState,
    meta: Meta,
}

#[derive(Debug)]
struct Found {
    hash: u64,
    entry: Entry,
}

impl Collector {
    /// Takes an entry of `text` in; one with the same key loses its value but keeps its place.
    pub(super) fn add(&mut self, text: &[u8], entry: Entry) {
        let key = key(text, &entry);
        if *key == *RESERVED_KEY.as_bytes() && self.take_meta(&text[entry.value.clone()]) {
            return;
        }
        let hash = self.hash(&key);
        match self.place(text, hash, &key) {
            Some(place) => self.found[place].entry = entry,
            None => self.push(hash, entry),
        }
    }

    /// Takes an entry of `text` in unless its key is there already.
    pub(super) fn add_missing(&mut self, text: &[u8], entry: Entry) {
        let key = key(text, &entry);
        let hash = self.hash(&key);
        if self.place(text, hash, &key).is_none() {
            self.push(hash, entry);
        }
    }

    /// All items of `file`, with their times, and the salt.
    pub(super) fn finish(self, file: &Bytes) -> Vec<Item> {
        let times = &self.meta.times;
        let salt = self.meta.salt.as_deref().map(meta::salt_item);
        let mut items = Vec::with_capacity(self.found.len() + usize::from(salt.is_some()));
        items.extend(self.found.iter().map(|Found { entry, .. }| {
            let mut item = item(file, entry);
            if !times.is_empty() {
                item.created = times.get(item.key.as_ref()).copied();
                item.timed = item.created.is_some();
            }
            item
        }));
        items.extend(salt);
        items
    }

    /// Whether the reserved member was ours.
    fn take_meta(&mut self, text: &[u8]) -> bool {
        let Some(meta) = meta::read(text) else { return false };
        self.meta = meta;
        true
    }

    fn hash(&self, key: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(key);
        hasher.finish()
    }

    /// Where the entry of a key is.
    fn place(&self, text: &[u8], hash: u64, wanted: &[u8]) -> Option<usize> {
        let same = |&place: &u32| {
            let found = &self.found[place as usize];
            found.hash == hash && *key(text, &found.entry) == *wanted
        };
        self.places.find(hash, same).map(|&place| place as usize)
    }

    fn push(&mut self, hash: u64, entry: Entry) {
        let place = u32::try_from(self.found.len()).expect("fewer than 2^32 entries fit in memory");
        self.found.push(Found { hash, entry });
        self.places.insert_unique(hash, place, |&place| self.found[place as usize].hash);
    }
}

/// The key of an entry of `text`.
fn key<'t>(text: &'t [u8], entry: &Entry) -> Cow<'t, [u8]> {
    let body = &text[entry.key.clone()];
    if !entry.escaped {
        return Cow::Borrowed(body);
    }
    let mut key = Vec::with_capacity(body.len());
    unescape(body, &mut key);
    Cow::Owned(key)
}

fn item(file: &Bytes, entry: &Entry) -> Item {
    let key = match key(file, entry) {
        Cow::Borrowed(_) => file.slice(entry.key.clone()),
        Cow::Owned(key) => key.into(),
    };
    let text = file.slice(entry.value.clone());
    Item { key, text, sound: false, created: None, timed: false }
}

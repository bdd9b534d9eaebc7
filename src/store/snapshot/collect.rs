//! From entries as places in the file to items, each key once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};

use bytes::Bytes;
use foldhash::fast::RandomState;

use super::meta::{self, Meta};
use super::scan::Entry;
use crate::store::{Item, RESERVED_KEY};
use crate::value::text::unescape;

/// What the file held so far.
#[derive(Debug, Default)]
pub(super) struct Collector {
    entries: Vec<Entry>,
    /// Where the first entry with this hash of its key is.
    places: HashMap<u64, u32, Hashed>,
    hasher: RandomState,
    meta: Meta,
}

impl Collector {
    /// Takes an entry of `text` in; one with the same key loses its value but keeps its place.
    pub(super) fn add(&mut self, text: &[u8], entry: Entry) {
        let key = key(text, &entry);
        if *key == *RESERVED_KEY.as_bytes() && self.take_meta(&text[entry.value.clone()]) {
            return;
        }
        match self.place(text, &key) {
            Some(place) => self.entries[place] = entry,
            None => self.entries.push(entry),
        }
    }

    /// Takes an entry of `text` in unless its key is there already.
    pub(super) fn add_missing(&mut self, text: &[u8], entry: Entry) {
        if self.place(text, &key(text, &entry)).is_none() {
            self.entries.push(entry);
        }
    }

    /// All items of `file`, with their times, and the salt.
    pub(super) fn finish(self, file: &Bytes) -> Vec<Item> {
        let times = &self.meta.times;
        let salt = self.meta.salt.as_deref().map(meta::salt_item);
        let mut items = Vec::with_capacity(self.entries.len() + usize::from(salt.is_some()));
        items.extend(self.entries.iter().map(|entry| {
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

    /// Where `key` is; notes that it will be at the end if it is not there.
    fn place(&mut self, text: &[u8], wanted: &[u8]) -> Option<usize> {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(wanted);
        let end = u32::try_from(self.entries.len()).expect("fewer than 2^32 fit in memory");
        let place = *self.places.entry(hasher.finish()).or_insert(end) as usize;
        let same = |entry: &Entry| *key(text, entry) == *wanted;
        match self.entries.get(place) {
            Some(entry) if same(entry) => Some(place),
            // Two keys with one hash: a matter of 2^32 entries, so slow is good enough.
            Some(_) => self.entries.iter().position(same),
            None => None,
        }
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

/// Takes the hash of a key for the hash of it.
#[derive(Debug, Default)]
struct Already(u64);

type Hashed = BuildHasherDefault<Already>;

impl Hasher for Already {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only whole hashes are looked up");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

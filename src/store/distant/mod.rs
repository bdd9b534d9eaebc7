//! A cache in a place that is reached only while no lock is held: somebody's mapping in Python,
//! whose code may do anything, and call this very cache.
//!
//! So the store itself reaches nothing. Whoever is about to ask for an entry first [`ask`]s for it
//! and brings what the place has; what a step has changed waits here and is carried away after it.
//! In between, what waits and what was brought is all that the store has, and what this process did
//! counts for more than what is brought.
//!
//! [`ask`]: Distant::ask

mod asked;
mod form;
mod waiting;

use std::collections::HashSet;

use bytes::Bytes;

use self::asked::Asked;
use self::waiting::Waiting;
use super::file::Notices;
use super::known::Known;
use super::paged::Paged;
use super::{Cause, Change, ExternalChange, Item, Loaded, RESERVED_KEY, Store};
use crate::error::Result;
use crate::key::name_of;
use crate::sync::{self, Arc, Mutex, rank};

pub use form::{Read, bytes_of, read};

/// What stands between a cache and a place far away.
#[derive(Debug, Default)]
pub struct Distant {
    state: Mutex<State, { rank::FILE }>,
    notices: Mutex<Notices, { rank::NOTICES }>,
}

#[derive(Debug, Default)]
struct State {
    waiting: Waiting,
    asked: Asked,
    /// Keys whose entries a later version wrote: they are left alone.
    later: HashSet<Bytes>,
}

/// Someone who asks for an entry. As long as this lives the store has what was brought.
#[must_use = "dropped it asks for nothing"]
#[derive(Debug)]
pub struct Asking {
    place: Arc<Distant>,
    key: Bytes,
    /// Whether nothing needs to be brought: this process knows what there is.
    pub is_known: bool,
}

/// Someone who lists all entries, or counts some. As long as this lives the store has them.
#[must_use = "dropped it lists nothing"]
#[derive(Debug)]
pub struct Listed {
    place: Arc<Distant>,
    what: What,
}

/// What was brought.
#[derive(Debug)]
enum What {
    Entries,
    /// The number of entries of the function with this name, or of all.
    Count(Option<Vec<u8>>),
}

impl Distant {
    /// Notes that somebody is about to ask the cache for `key`.
    pub fn ask(self: &Arc<Self>, key: &Bytes) -> Asking {
        let _active = sync::active();
        let mut state = self.state.lock();
        let State { waiting, asked, .. } = &mut *state;
        let is_known = asked.ask(key, waiting.of(key));
        drop(state);
        Asking { place: Arc::clone(self), key: key.clone(), is_known }
    }

    /// Brings all entries for somebody who is about to list them.
    pub fn list(self: &Arc<Self>, mut items: Vec<Item>) -> Listed {
        let _active = sync::active();
        let mut state = self.state.lock();
        let State { waiting, asked, .. } = &mut *state;
        items.retain(|item| waiting.of(&item.key).is_none());
        items.extend(waiting.items().cloned());
        items.retain(|item| item.key != RESERVED_KEY.as_bytes());
        asked.bring_all(items);
        drop(state);
        Listed { place: Arc::clone(self), what: What::Entries }
    }

    /// Brings the number of entries of the function with this name, or of all, to one who asks.
    pub fn count(self: &Arc<Self>, name: Option<&[u8]>, count: usize) -> Listed {
        let _active = sync::active();
        self.state.lock().asked.bring_count(name, count);
        Listed { place: Arc::clone(self), what: What::Count(name.map(<[u8]>::to_vec)) }
    }

    /// Returns the number of the last change.
    pub fn last(&self) -> u64 {
        let _active = sync::active();
        self.state.lock().waiting.last()
    }

    /// Returns the first change after number `after` that is to be carried away; those that were
    /// refused are tried `again`.
    pub fn next(&self, mut after: u64, again: bool) -> Option<(u64, Change)> {
        let _active = sync::active();
        let mut state = self.state.lock();
        while let Some((number, change)) = state.waiting.first(after, again) {
            let key = match &change {
                Change::Put(item) => &item.key,
                Change::Remove(key) => key,
                Change::Clear => return Some((number, change)),
            };
            if !state.later.contains(key) {
                return Some((number, change));
            }
            state.waiting.refused(number);
            after = number;
        }
        None
    }

    /// Notes that the change with this number was carried away.
    pub fn done(&self, number: u64) {
        let _active = sync::active();
        self.state.lock().waiting.done(number);
    }

    /// Notes that the change with this number was refused: it stays in this process, and is tried
    /// again later.
    pub fn refused(&self, number: u64) {
        let _active = sync::active();
        self.state.lock().waiting.refused(number);
    }

    /// Tells the user, unless something `about` the same was told before.
    pub fn tell(&self, about: &str, text: String) {
        let _active = sync::active();
        self.notices.lock().add(about, text);
    }
}

impl Asking {
    /// Brings what the place has.
    pub fn bring(&self, read: Read) {
        let _active = sync::active();
        let mut state = self.place.state.lock();
        if matches!(read, Read::Later) {
            state.later.insert(self.key.clone());
        }
        let found = if let Read::Item(item) = read { Known::Item(item) } else { Known::Nothing };
        state.asked.bring(&self.key, found);
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let _active = sync::active();
        self.place.state.lock().asked.release(&self.key);
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let _active = sync::active();
        let asked = &mut self.place.state.lock().asked;
        match &self.what {
            What::Count(name) => asked.release_count(name.as_deref()),
            What::Entries => asked.release_all(),
        }
    }
}

/// The store of a cache in a place far away.
#[derive(Clone, Debug, Default)]
pub struct DistantStore(pub Arc<Distant>);

impl Store for DistantStore {
    fn paged(&self) -> Option<&dyn Paged> {
        Some(self)
    }

    fn load(&self) -> Loaded {
        Loaded::default()
    }

    /// Nobody tells what others did, but the salt is news once it was brought.
    fn external_changes(&self) -> Vec<ExternalChange> {
        let state = self.0.state.lock();
        let salt = state.asked.get(RESERVED_KEY.as_bytes());
        salt.map(|salt| ExternalChange::Change(Change::Put(salt))).into_iter().collect()
    }

    fn append_as(&self, change: Change, _: Cause) -> Result<bool> {
        let mut state = self.0.state.lock();
        state.asked.note(&change);
        state.waiting.push(change);
        Ok(true)
    }

    fn quarantine(&self, why: &str) {
        let text = format!("a mapping holds a damaged entry: {why}; it will be made anew");
        self.0.notices.lock().add("row", text);
    }

    fn close(&self) {}

    fn notices(&self) -> Vec<String> {
        self.0.notices.lock().take()
    }

    fn after_fork(&self) {
        let child = self.0.notices.lock().child();
        *self.0.notices.lock() = child;
    }
}

impl Paged for DistantStore {
    fn get(&self, key: &[u8]) -> Option<Item> {
        let state = self.0.state.lock();
        state.waiting.of(key).map_or_else(|| state.asked.get(key), Known::item)
    }

    fn contains(&self, key: &[u8]) -> bool {
        self.get(key).is_some()
    }

    fn count(&self, name: Option<&[u8]>) -> usize {
        let counted = self.0.state.lock().asked.count(name);
        counted.unwrap_or_else(|| self.keys(name, None).len())
    }

    fn keys(&self, name: Option<&[u8]>, before: Option<f64>) -> Vec<Bytes> {
        let state = self.0.state.lock();
        let is_meant = |item: &&Item| {
            let old = before.is_none_or(|before| item.created.is_some_and(|it| it < before));
            old && (name.is_none() || name_of(&item.key) == name)
        };
        state.asked.all().filter(is_meant).map(|item| item.key.clone()).collect()
    }

    fn notes(&self) -> Vec<(Bytes, Bytes)> {
        let state = self.0.state.lock();
        let known = |item: &Item| Some((item.key.clone(), item.notes.others.as_deref()?.clone()));
        state.asked.all().filter_map(known).collect()
    }

    fn expire(&self, _: &[u8], _: Option<f64>, _: bool) {}
}

//! One result as the cache holds it.

use bytes::Bytes;

use crate::policy::Liveness;
use crate::store::{Item, Notes};
use crate::sync::Arc;

/// A result: its text, its decoded form once it was used, or both.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Debug)]
pub struct Entry<L> {
    /// The JSON text; `None` if the value cannot be stored and lives in this process only.
    pub text: Option<Bytes>,
    /// Whether the text is known to be strict JSON in the store's charset.
    pub sound: bool,
    /// The decoded form that hits are served from, once it was asked for a second time.
    pub live: Option<L>,
    /// Whether it was decoded for a hit already.
    pub used: bool,
    /// When it was made, in seconds since the epoch.
    pub created: Option<f64>,
    /// Whether `created` must survive in the file.
    pub timed: bool,
    /// Everything else that is known of it.
    pub notes: Notes,
    /// The call that made or first used it: it tells a collision of keys from a hit.
    pub origin: Option<Origin>,
    /// Whether it is only kept in memory although it could be stored.
    pub transient: bool,
    /// Whether it comes from a second cache, which is only read.
    pub borrowed: bool,
    /// Whether it was made while this process followed the store, rather than read in the file.
    pub own: bool,
    /// Its mark for tables that serve it without asking the cache, if there may be any.
    pub liveness: Option<Arc<Liveness>>,
}

/// A function, and those of its arguments that are not in the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The function's number in this process.
    pub function: u64,
    /// A number for what it closes over.
    pub closed_over: u64,
    /// A hash of the other arguments; `None` if they cannot be hashed.
    pub others: Option<u64>,
}

impl<L> Entry<L> {
    /// An entry of this process that holds nothing yet, made at `created`.
    pub fn new(created: Option<f64>) -> Self {
        Self {
            text: None,
            sound: true,
            live: None,
            used: false,
            created,
            timed: false,
            notes: Notes::default(),
            origin: None,
            transient: false,
            borrowed: false,
            own: true,
            liveness: None,
        }
    }

    /// Makes an entry of what a store holds; also returns its key.
    pub fn from_item(item: Item) -> (Bytes, Self) {
        let entry = Self {
            text: Some(item.text),
            sound: item.sound,
            live: None,
            used: false,
            created: item.created,
            timed: item.timed,
            notes: item.notes,
            origin: None,
            transient: false,
            borrowed: false,
            own: false,
            liveness: None,
        };
        (item.key, entry)
    }

    /// Returns what a store is given; `None` for a result that lives in this process only.
    pub fn to_item(&self, key: &Bytes) -> Option<Item> {
        let text = self.text.clone().filter(|_| !self.transient)?;
        Some(Item {
            key: key.clone(),
            text,
            sound: self.sound,
            created: self.created,
            timed: self.timed,
            notes: self.notes.clone(),
        })
    }

    /// The result for another cache, which checks the text before it is written.
    #[must_use]
    pub fn for_another_cache(self, transient: bool) -> Self {
        let live = self.live.filter(|_| self.text.is_none());
        let known = (self.text, self.timed, self.notes);
        let mut entry = Self { live, transient, sound: false, ..Self::new(self.created) };
        (entry.text, entry.timed, entry.notes) = known;
        entry
    }

    /// The result for a cache that stands in front of this one: served, and not written.
    #[must_use]
    pub fn lent(self) -> Self {
        Self { borrowed: true, own: false, ..self.for_another_cache(true) }
    }

    /// Returns whether a store holds it, too.
    pub fn is_copy(&self) -> bool {
        self.text.is_some() && !self.transient
    }

    /// The size of its text in bytes; 0 for a result that lives in this process only.
    pub fn size(&self) -> u64 {
        self.stored_size().unwrap_or(0)
    }

    /// The size of its text in bytes; None for a result that lives in this process only.
    pub fn stored_size(&self) -> Option<u64> {
        self.text.as_ref().map(|text| text.len() as u64)
    }

    /// The last use; 0 if uses are not counted.
    pub fn used_at(&self) -> u64 {
        self.liveness.as_ref().map_or(0, |liveness| liveness.used())
    }

    /// Marks it as gone: no table serves it from now on.
    pub fn retire(&self) {
        if let Some(liveness) = &self.liveness {
            liveness.retire();
        }
    }

    /// Returns whether both are the same stored result.
    pub fn is_same_text(&self, text: &Bytes) -> bool {
        self.text.as_ref().is_some_and(|own| own.as_ptr() == text.as_ptr())
    }
}

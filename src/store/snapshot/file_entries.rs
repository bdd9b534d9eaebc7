//! The entries of a file as places in it: next to nothing is made of them before they are used.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use super::meta::{self, Meta};
use super::scan::string;
use crate::store::Item;
use crate::value::find::special_or_wide;
use crate::value::text::unescape;

/// An entry by its place in the file. Kept small: fresh memory costs more than reading does.
#[derive(Debug)]
pub(super) struct EntrySpan {
    /// Where the key begins, behind its quote.
    pub(super) key: usize,
    /// The value.
    pub(super) value: Range<usize>,
}

/// The results of a file, each key once, in their order.
#[derive(Debug)]
pub struct FileEntries {
    file: Bytes,
    found: Vec<EntrySpan>,
    meta: Meta,
}

impl FileEntries {
    pub(super) fn new(file: Bytes, found: Vec<EntrySpan>, meta: Meta) -> Self {
        Self { file, found, meta }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The item that stands for the file's salt.
    pub fn salt(&self) -> Option<Item> {
        self.meta.salt.as_deref().map(meta::salt_item)
    }

    /// The result in this place of the order: key and text are slices of the file.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn item(&self, at: usize) -> Item {
        let place = &self.found[at];
        let key = match key(&self.file, place) {
            Cow::Borrowed(body) => self.file.slice(place.key..place.key + body.len()),
            Cow::Owned(key) => key.into(),
        };
        let text = self.file.slice(place.value.clone());
        let created = self.time(&key);
        Item { key, text, sound: false, created, timed: created.is_some() }
    }

    /// Its key.
    ///
    /// # Panics
    /// As `item`.
    pub fn key(&self, at: usize) -> Cow<'_, [u8]> {
        key(&self.file, &self.found[at])
    }

    /// When the result with this key was made, if the file says so.
    pub fn time(&self, key: &[u8]) -> Option<f64> {
        self.meta.times.get(key).copied()
    }

    /// Whether the file has times.
    pub fn has_times(&self) -> bool {
        !self.meta.times.is_empty()
    }

    /// The text of the whole file.
    pub(super) fn text(&self) -> &[u8] {
        &self.file
    }

    /// Where the value of a result stands.
    pub(super) fn value(&self, at: usize) -> Range<usize> {
        self.found[at].value.clone()
    }

    /// Where key and value stand, if between quotes, colon and all they are as we would write them.
    pub(super) fn line(&self, at: usize) -> Option<Range<usize>> {
        let EntrySpan { key, value } = &self.found[at];
        // In a printable ASCII body without escapes nothing is to be escaped.
        let end = special_or_wide(&self.file, *key);
        let ours = self.file.get(end..value.start) == Some(b"\": ");
        ours.then_some(key - 1..value.end)
    }

    /// Whether the result in this place has this key.
    ///
    /// # Panics
    /// As `item`.
    pub fn has_key(&self, at: usize, wanted: &[u8]) -> bool {
        *key(&self.file, &self.found[at]) == *wanted
    }
}

/// The key of an entry of `text`.
pub(super) fn key<'t>(text: &'t [u8], place: &EntrySpan) -> Cow<'t, [u8]> {
    // It was read before, so it has an end.
    let (end, escapes) = string(text, place.key - 1).unwrap_or((place.key + 1, 0));
    plain_or_unescaped(&text[place.key..end - 1], escapes)
}

/// A string's body with as many escapes, without them.
#[inline]
pub(super) fn plain_or_unescaped(body: &[u8], escapes: usize) -> Cow<'_, [u8]> {
    if escapes == 0 {
        return Cow::Borrowed(body);
    }
    let mut plain = Vec::with_capacity(body.len());
    unescape(body, &mut plain);
    Cow::Owned(plain)
}

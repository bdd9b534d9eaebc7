//! The entries of a file as places in it: next to nothing is made of them before they are used.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use super::annotated::{self, Value};
use super::flat::{Fact, Facts};
use super::format::Format;
use super::reserved::{self, unspell};
use super::scan::{plain_or_unescaped, string};
use crate::store::{Item, Notes};
use crate::value::escape::{escape_classes, may_name_class};
use crate::value::find::special_or_wide;

/// The place of an entry in the file. Kept small: fresh memory costs more than reading does.
#[derive(Debug)]
pub(super) struct EntrySpan {
    /// Where the key begins, after its quote.
    pub(super) key: usize,
    /// The place of the value.
    pub(super) value: Range<usize>,
}

/// The results of a file, each key once, in their order.
#[derive(Debug)]
pub struct FileEntries {
    pub(super) file: Bytes,
    pub(super) format: Format,
    pub(super) spans: Vec<EntrySpan>,
    pub(super) salt: Option<String>,
    /// What a flat file says of its entries.
    pub(super) facts: Facts,
    /// Whether an entry of a flat file could be taken for the last line of an annotated one.
    pub(super) is_ambiguous: bool,
    /// Whether the file is from before classes were stored: what looks like an instance is a dict.
    pub(super) is_before_classes: bool,
}

impl FileEntries {
    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Returns the item for the file's salt.
    pub fn salt(&self) -> Option<Item> {
        self.salt.as_deref().map(reserved::salt_item)
    }

    /// Returns the result at this place of the order: key and text are slices of the file.
    ///
    /// # Panics
    /// If there are fewer entries.
    pub fn item(&self, at: usize) -> Item {
        let key = match self.key(at) {
            Cow::Borrowed(key) => self.file.slice_ref(key),
            Cow::Owned(key) => key.into(),
        };
        let (text, created, notes) = self.result(at, &key);
        Item { key, text, sound: false, created, timed: created.is_some(), notes }
    }

    fn result(&self, at: usize, key: &[u8]) -> (Bytes, Option<f64>, Notes) {
        let text = &self.file[self.value(at)];
        if self.format == Format::Flat {
            let (created, notes) = self.facts.of(key);
            return (self.flat_text(text), created, notes);
        }
        let read = annotated::read(text);
        let text = match read.value {
            Value::Result(value) => Some(self.file.slice_ref(value)),
            Value::Error(payload) => annotated::error_text(payload),
            Value::Missing => None,
        };
        // No value can be made of an empty text: a reader finds out that it is damaged.
        (text.unwrap_or_default(), read.created, read.notes)
    }

    /// Returns the text of a value of a flat file; a dict that looks like an instance is escaped.
    fn flat_text(&self, text: &[u8]) -> Bytes {
        if self.is_before_classes
            && may_name_class(text)
            && let Some(escaped) = escape_classes(text)
        {
            return escaped.into();
        }
        self.file.slice_ref(text)
    }

    /// Returns its key.
    ///
    /// # Panics
    /// As `item`.
    pub fn key(&self, at: usize) -> Cow<'_, [u8]> {
        let spelling = key(&self.file, &self.spans[at]);
        if self.format == Format::Annotated { unspell(spelling) } else { spelling }
    }

    /// Returns what a flat file says of the entry at this place beside its value.
    pub(crate) fn fact(&self, at: usize) -> Fact<'_> {
        let key = self.key(at);
        let (created, notes) = self.facts.of(&key);
        (key, created, notes)
    }

    /// Returns whether anything is known of entries beside their values.
    pub(crate) fn has_facts(&self) -> bool {
        !self.facts.is_empty()
    }

    /// Returns the text of the whole file.
    pub(super) fn text(&self) -> &[u8] {
        &self.file
    }

    /// Returns the place of an entry's value; in an annotated file, with everything that is known
    /// of it.
    pub(super) fn value(&self, at: usize) -> Range<usize> {
        self.spans[at].value.clone()
    }

    /// Returns the place of key and value, if these and what is between them are as we would write
    /// them.
    pub(super) fn line(&self, at: usize) -> Option<Range<usize>> {
        let EntrySpan { key, value } = &self.spans[at];
        // A printable ASCII body without escapes needs none.
        let end = special_or_wide(&self.file, *key);
        let ours = self.file.get(end..value.start) == Some(b"\": ");
        ours.then_some(key - 1..value.end)
    }

    /// Returns whether the result at this place has this key.
    ///
    /// # Panics
    /// As `item`.
    pub fn has_key(&self, at: usize, wanted: &[u8]) -> bool {
        *self.key(at) == *wanted
    }
}

/// Returns the key of an entry of `text`.
pub(super) fn key<'t>(text: &'t [u8], place: &EntrySpan) -> Cow<'t, [u8]> {
    // It was read before, so it has an end.
    let (end, escapes) = string(text, place.key - 1).unwrap_or((place.key + 1, 0));
    plain_or_unescaped(&text[place.key..end - 1], escapes)
}

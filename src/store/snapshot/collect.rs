//! From entries as the scanner finds them to a list of them, each key once.

#![expect(
    clippy::inline_always,
    reason = "an entry that is handed on in memory costs a stall; in registers it costs nothing"
)]

use bytes::Bytes;

use super::annotated::looks_annotated;
use super::file_entries::{EntrySpan, FileEntries, key};
use super::flat::{self, Meta};
use super::format::Format;
use super::reserved::{self, Line, is_like_line_key, is_reserved_spelling, unspell};
use super::scan::{Entry, plain_or_unescaped};
use crate::collections::{Hash, Index};
use crate::memory::make_room;
use crate::store::RESERVED_KEY;

/// The entries of the file so far.
#[derive(Debug, Default)]
pub(super) struct Collector {
    found: Vec<EntrySpan>,
    /// Hashes of the keys at the end of `found` that were not looked up yet.
    fresh: Vec<Hash>,
    /// The places of the other keys.
    index: Index,
    /// The reserved member of a flat file.
    meta: Option<Meta>,
    /// The last line of an annotated file; an ordinary entry if the file turns out to be flat.
    line: Option<(Entry, Line)>,
    /// How many entries were found before it.
    before_line: usize,
    /// Keys that an annotated file spells with an extra colon.
    respelled: Vec<Vec<u8>>,
}

/// Everything in a file.
#[derive(Debug)]
pub(super) struct Collected {
    pub(super) entries: FileEntries,
    pub(super) index: Index,
    /// The format of the file, if it says so or its entries show it.
    pub(super) format: Option<Format>,
    /// The number of its format, if it is unknown.
    pub(super) later: Option<u64>,
    /// Where the last line of an annotated file is, if it is damaged.
    pub(super) broken_line: Option<usize>,
}

impl Collector {
    /// Adds an entry of `text`; an earlier one with the same key loses its value but keeps its
    /// place.
    #[inline(always)]
    pub(super) fn add(&mut self, text: &[u8], entry: &Entry) {
        let key = plain_or_unescaped(&text[entry.key.clone()], entry.escapes);
        if key.starts_with(reserved::PREFIX) && self.take_reserved(text, entry, &key) {
            return;
        }
        self.add_fresh(&key, entry);
    }

    #[inline(always)]
    fn add_fresh(&mut self, key: &[u8], entry: &Entry) {
        // Hashed while the key is in the CPU's cache. Looking up many keys at once is cheaper.
        make_room(&mut self.fresh, 1);
        make_room(&mut self.found, 1);
        self.fresh.push(self.index.hash(key));
        self.found.push(EntrySpan { key: entry.key.start, value: entry.value.clone() });
    }

    /// Adds an entry of `text` unless its key is there already.
    pub(super) fn add_missing(&mut self, text: &[u8], entry: &Entry) {
        self.settle(text);
        let key = plain_or_unescaped(&text[entry.key.clone()], entry.escapes);
        if key.starts_with(reserved::PREFIX) && self.take_missing_reserved(text, entry, &key) {
            return;
        }
        let (found, hash) = (&self.found, self.index.hash(&key));
        let same = |place: usize| *self::key(text, &found[place]) == *key;
        if self.index.find_or_insert(hash, found.len(), same).is_none() {
            make_room(&mut self.found, 1);
            self.found.push(EntrySpan { key: entry.key.start, value: entry.value.clone() });
        }
    }

    /// Returns everything that was found in `file`. If it is `damaged`, its last line may be lost:
    /// then the entries show the format.
    pub(super) fn finish(mut self, file: &Bytes, damaged: bool) -> Collected {
        let (later, salt) = (self.later(), self.salt());
        // A reserved member without contents guards an entry of the user that looks reserved.
        let is_ambiguous = self.line.is_some() || self.meta.as_ref().is_some_and(Meta::is_bare);
        let is_ambiguous = is_ambiguous && self.meta.is_some();
        let mut format = match (&self.meta, &self.line) {
            (Some(_), _) => Some(Format::Flat),
            (None, Some(_)) => Some(Format::Annotated),
            (None, None) => None,
        };
        let broken_line = if format.is_none() { self.take_broken_line(file) } else { None };
        format = format.or(broken_line.map(|_| Format::Annotated));
        if let Some((entry, _)) = self.line.take().filter(|_| is_ambiguous) {
            self.insert_line(&entry);
        }
        self.settle(file);
        if format.is_none() && !self.found.is_empty() {
            let annotated = damaged && all_look_annotated(file, &self.found);
            format = Some(if annotated { Format::Annotated } else { Format::Flat });
        }
        if format == Some(Format::Annotated) {
            self.respell(file);
        }
        let knows_classes = self.meta.as_ref().map(|meta| meta.version == flat::WITH_CLASSES);
        let format_now = format.unwrap_or(Format::Flat);
        let entries = FileEntries {
            file: file.clone(),
            format: format_now,
            // The member that says so may be lost.
            is_before_classes: format_now == Format::Flat && !knows_classes.unwrap_or(damaged),
            spans: self.found,
            salt,
            facts: self.meta.map(|meta| meta.facts).unwrap_or_default(),
            is_ambiguous,
        };
        Collected { entries, index: self.index, format, later, broken_line }
    }

    /// Adds what looked like a last line as an entry after all: in its place, unless that is not
    /// known any more.
    fn insert_line(&mut self, entry: &Entry) {
        self.add_fresh(reserved::PREFIX, entry);
        if self.fresh.len() == self.found.len() {
            self.fresh[self.before_line..].rotate_right(1);
            self.found[self.before_line..].rotate_right(1);
        }
    }

    /// Removes the last entry if all others are those of an annotated file and it is the remains of
    /// its last line; returns its place. No user's entry is affected: a flat file that holds such a
    /// key has a reserved member.
    fn take_broken_line(&mut self, text: &[u8]) -> Option<usize> {
        let (last, others) = self.found.split_last()?;
        let is_line = !self.fresh.is_empty()
            && !others.is_empty()
            && is_like_line_key(&key(text, last))
            && !looks_annotated(&text[last.value.clone()])
            && all_look_annotated(text, others);
        if !is_line {
            return None;
        }
        self.fresh.pop();
        self.found.pop().map(|line| line.key - 1)
    }

    fn later(&self) -> Option<u64> {
        match (&self.meta, &self.line) {
            (Some(meta), _) => Some(meta.version).filter(|version| !flat::is_known(*version)),
            (None, Some((_, line))) => Some(line.format).filter(|it| *it != reserved::ANNOTATED),
            (None, None) => None,
        }
    }

    fn salt(&self) -> Option<String> {
        match &self.meta {
            Some(meta) => meta.salt.clone(),
            None => self.line.as_ref().and_then(|(_, line)| line.salt.clone()),
        }
    }

    /// Files keys that an annotated file spells differently under their real names.
    fn respell(&mut self, file: &Bytes) {
        let mut rows = Vec::new();
        for spelling in std::mem::take(&mut self.respelled) {
            let (found, hash) = (&self.found, self.index.hash(&spelling));
            let row = self.index.remove(hash, |row| *key(file, &found[row]) == *spelling);
            rows.extend(row.map(|row| (row, spelling)));
        }
        let mut usurper = None;
        for (row, spelling) in rows {
            let real = unspell(spelling.into());
            let (found, hash) = (&self.found, self.index.hash(&real));
            // An entry with our own key that is no last line is not the entry of that key.
            let other = self.index.remove(hash, |row| *key(file, &found[row]) == *real);
            usurper = usurper.or(other);
            self.index.insert_new(hash, row);
        }
        if let Some(row) = usurper {
            self.drop_row(row);
        }
    }

    /// Removes a row that the index no longer knows.
    fn drop_row(&mut self, row: usize) {
        let number = |old: usize| old - usize::from(old > row);
        let numbers = (0..self.found.len()).map(|old| u32::try_from(number(old)));
        let numbers: Result<Vec<u32>, _> = numbers.collect();
        self.index.renumber(&numbers.expect("fewer than 2^32 entries fit in memory"));
        self.found.remove(row);
    }

    /// Looks up the keys whose hashes are collected.
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

    /// Returns whether an entry whose key looks reserved is ours.
    #[cold]
    fn take_reserved(&mut self, text: &[u8], entry: &Entry, key: &[u8]) -> bool {
        let value = &text[entry.value.clone()];
        if key == RESERVED_KEY.as_bytes() {
            let meta = flat::read(value);
            let ours = meta.is_some();
            self.meta = meta.or(self.meta.take());
            return ours;
        }
        if key == reserved::LINE_KEY.as_bytes() {
            let line = reserved::read_line(value).map(|line| (entry.clone(), line));
            let ours = line.is_some();
            if self.line.is_none() {
                self.before_line = self.found.len();
            }
            self.line = line.or(self.line.take());
            return ours;
        }
        if is_reserved_spelling(key) {
            self.respelled.push(key.to_vec());
        }
        false
    }

    /// Takes a missing reserved member, judging the file by what was found before.
    #[cold]
    fn take_missing_reserved(&mut self, text: &[u8], entry: &Entry, key: &[u8]) -> bool {
        let before = (self.meta.take(), self.line.take(), self.before_line);
        let is_known = before.0.is_some() || before.1.is_some();
        let ours = self.take_reserved(text, entry, key);
        if is_known {
            (self.meta, self.line, self.before_line) = before;
        }
        ours
    }
}

/// Returns whether all these entries look like those of an annotated file.
fn all_look_annotated(text: &[u8], entries: &[EntrySpan]) -> bool {
    entries.iter().all(|span| looks_annotated(&text[span.value.clone()]))
}

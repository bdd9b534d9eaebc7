//! The reserved member of a flat file, which stands last and only if somebody needs it:
//!
//! ```text
//! "outlive:meta": {
//!   "version": 3,
//!   "salt": "…",
//!   "entries": {
//!     "af63dc4c8601ec8c": {"at": 1764412345.1, "code": "3f2a9c1b"}
//!   }
//! }
//! ```
//!
//! Version 1 has no `entries`, but may have `times` by whole keys, as 0.1.0 wrote them.

use std::borrow::Cow;
use std::collections::HashMap;

use super::annotated;
use super::members::{members, number, string};
use crate::key::fnv1a;
use crate::store::{Notes, RESERVED_KEY};
use crate::value::write::Writer;

/// For a salt alone, and to say that a file is flat.
pub(super) const PLAIN: u64 = 1;
/// With facts about entries.
pub(super) const WITH_ENTRIES: u64 = 3;

/// With instances of classes, and with or without facts.
pub(super) const WITH_CLASSES: u64 = 5;

/// Returns whether a flat file of this version can be read.
pub(super) fn is_known(version: u64) -> bool {
    matches!(version, PLAIN | WITH_ENTRIES | WITH_CLASSES)
}

/// The contents of the reserved member.
#[derive(Debug, Default)]
pub(super) struct Meta {
    pub(super) version: u64,
    pub(super) salt: Option<String>,
    pub(super) facts: Facts,
}

impl Meta {
    /// Returns whether it says only that the file is flat.
    pub(super) fn is_bare(&self) -> bool {
        self.salt.is_none() && self.facts.is_empty()
    }
}

/// What is known of the entries of a flat file, by the digests of their keys.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// When they were made, in seconds since the epoch.
    times: HashMap<u64, f64, foldhash::fast::RandomState>,
    notes: HashMap<u64, Notes, foldhash::fast::RandomState>,
}

impl Facts {
    pub(super) fn is_empty(&self) -> bool {
        self.times.is_empty() && self.notes.is_empty()
    }

    /// Returns what is known of the entry of `key`.
    pub(super) fn of(&self, key: &[u8]) -> (Option<f64>, Notes) {
        if self.is_empty() {
            return (None, Notes::default());
        }
        let digest = fnv1a(key);
        let notes = self.notes.get(&digest).cloned();
        (self.times.get(&digest).copied(), notes.unwrap_or_default())
    }

    fn add(&mut self, digest: u64, created: Option<f64>, notes: Notes) {
        if let Some(created) = created {
            self.times.insert(digest, created);
        }
        if !notes.is_empty() {
            self.notes.insert(digest, notes);
        }
    }
}

/// Reads a reserved member; `None` if `text` is not ours but a user's result.
pub(super) fn read(text: &[u8]) -> Option<Meta> {
    let mut meta = Meta::default();
    let mut version = None;
    let whole = members(text, |name, value| match &*name {
        b"version" => version = integer(value),
        b"salt" => meta.salt = string(value),
        b"times" => meta.facts.add_times(value),
        b"entries" => meta.facts.add_entries(value),
        _ => {}
    });
    meta.version = version?;
    whole.is_ok().then_some(meta)
}

/// Returns the version that `text` spells.
pub(super) fn integer(text: &[u8]) -> Option<u64> {
    str::from_utf8(text).ok()?.parse().ok()
}

impl Facts {
    /// Adds what 0.1.0 wrote: `{"key": 1764412345.1}`.
    fn add_times(&mut self, text: &[u8]) {
        // Damage after a good member does not make that one bad.
        let _ = members(text, |key, value| self.add(fnv1a(&key), number(value), Notes::default()));
    }

    fn add_entries(&mut self, text: &[u8]) {
        let _ = members(text, |key, value| {
            let digits =
                str::from_utf8(&key).ok().and_then(|key| u64::from_str_radix(key, 16).ok());
            if let Some(digest) = digits {
                let read = annotated::read(value);
                self.add(digest, read.created, read.notes);
            }
        });
    }
}

/// Writes the reserved member up to the first entry's facts.
pub(super) fn put_head(version: u64, salt: Option<&str>, out: &mut Writer) {
    out.str(RESERVED_KEY);
    out.raw(b": {\n  \"version\": ");
    out.digits(&version.to_string());
    if let Some(salt) = salt {
        out.raw(b",\n  \"salt\": ");
        out.str(salt);
    }
    out.raw(b",\n  \"entries\": {");
}

/// Writes the line of an entry's facts: `"af63dc4c8601ec8c": {"at": 1764412345.1}`.
pub(super) fn put_facts(key: &[u8], created: Option<f64>, notes: &Notes, out: &mut Writer) {
    out.str(&format!("{:016x}", fnv1a(key)));
    out.colon();
    let start = out.as_bytes().len();
    annotated::put_tail(created, notes, out);
    // It begins with the comma after a value that is not here.
    let facts = out.as_bytes()[start..].strip_prefix(b", ").map(<[u8]>::to_vec);
    out.rewind(start);
    out.begin_dict();
    out.raw(&facts.unwrap_or_else(|| b"}".to_vec()));
}

/// A key borrowed from an item or a file, and what is known of its entry.
pub(crate) type Fact<'e> = (Cow<'e, [u8]>, Option<f64>, Notes);

#[cfg(test)]
mod tests {
    use super::read;

    /// A member without a whole number as its version is a user's result.
    #[test]
    fn only_a_version_makes_it_ours() {
        for text in ["1", "{}", "{\"version\": \"1\"}", "{\"version\": 1.5}", "[{\"version\": 1}]"]
        {
            assert!(read(text.as_bytes()).is_none(), "{text}");
        }
        assert_eq!(read(b"{\"version\": 1}").unwrap().version, 1);
    }
}

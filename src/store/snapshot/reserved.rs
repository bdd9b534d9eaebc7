//! Members of a file that are no results, and keys that look like theirs.
//!
//! The salt is the key of the digests of secret arguments. It is made when the first secret comes.
//! In the file it is in the reserved member; in the journal, and among the items of a store, it is
//! an item of its own under the reserved key, whose text is a flat file's reserved member with
//! nothing but the salt.

use std::borrow::Cow;

use bytes::Bytes;

use super::flat::{self, integer};
use super::members::{members, string};
use crate::store::{Item, Notes, RESERVED_KEY};
use crate::value::check::check;
use crate::value::write::{Charset, Writer};

/// The beginning of all reserved keys.
pub(super) const PREFIX: &[u8] = b"outlive";
/// The reserved member of an annotated file.
pub(super) const LINE_KEY: &str = "outlive";
/// The number of the annotated format.
pub(super) const ANNOTATED: u64 = 2;

/// The contents of the last line of an annotated file.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) format: u64,
    pub(super) salt: Option<String>,
}

/// Reads the last line of an annotated file; `None` if `text` is not ours but a user's entry.
pub(super) fn read_line(text: &[u8]) -> Option<Line> {
    let (mut format, mut salt) = (None, None);
    let whole = members(text, |name, value| match &*name {
        b"format" => format = integer(value),
        b"salt" => salt = string(value),
        _ => {}
    });
    whole.ok()?;
    check(text).ok()?;
    Some(Line { format: format?, salt })
}

/// Writes the last line of an annotated file: nothing in it changes when entries do.
pub(super) fn put_line(salt: Option<&str>, out: &mut Writer) {
    put_member(LINE_KEY, "format", ANNOTATED, salt, out);
}

/// Writes the reserved member of a flat file without facts.
pub(super) fn put_meta(version: u64, salt: Option<&str>, out: &mut Writer) {
    put_member(RESERVED_KEY, "version", version, salt, out);
}

fn put_member(key: &str, name: &str, version: u64, salt: Option<&str>, out: &mut Writer) {
    out.str(key);
    out.colon();
    put_version(name, version, salt, out);
}

fn put_version(name: &str, version: u64, salt: Option<&str>, out: &mut Writer) {
    out.begin_dict();
    out.key(true, name);
    out.digits(&version.to_string());
    if let Some(salt) = salt {
        out.key(false, "salt");
        out.str(salt);
    }
    out.end_dict();
}

/// Returns the item for `salt`.
pub fn salt_item(salt: &str) -> Item {
    let mut text = Writer::new(Charset::Ascii);
    put_version("version", flat::PLAIN, Some(salt), &mut text);
    Item {
        key: Bytes::from_static(RESERVED_KEY.as_bytes()),
        text: text.take_exact(),
        sound: true,
        created: None,
        timed: false,
        notes: Notes::default(),
    }
}

/// Returns the salt in `item`; `None` if it is an ordinary result.
pub fn salt_of(item: &Item) -> Option<String> {
    (item.key == RESERVED_KEY).then(|| flat::read(&item.text)?.salt).flatten()
}

/// Returns the spelling of `key` in an annotated file: the reserved key with any number of colons
/// gets one more.
pub(super) fn spell(key: &[u8]) -> Cow<'_, [u8]> {
    if is_reserved_spelling(key) { [key, b":"].concat().into() } else { key.into() }
}

/// Returns the key with this `spelling` in an annotated file.
pub(super) fn unspell(spelling: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    if !spelling.starts_with(PREFIX) || spelling == PREFIX || !is_reserved_spelling(&spelling) {
        return spelling;
    }
    match spelling {
        Cow::Borrowed(spelling) => spelling[..spelling.len() - 1].into(),
        Cow::Owned(mut spelling) => {
            spelling.pop();
            spelling.into()
        }
    }
}

/// Returns whether `key` is the reserved key followed by nothing but colons.
pub(super) fn is_reserved_spelling(key: &[u8]) -> bool {
    key.strip_prefix(PREFIX).is_some_and(|rest| rest.iter().all(|&byte| byte == b':'))
}

/// Returns whether `key` is that of an annotated file's last line, or was before one byte was
/// damaged.
pub(super) fn is_like_line_key(key: &[u8]) -> bool {
    let line = LINE_KEY.as_bytes();
    key.len() == line.len() && key.iter().zip(line).filter(|(a, b)| a != b).count() <= 1
}

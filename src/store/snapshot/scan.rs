//! Finds the entries of a file: spans of keys and values, with the values' insides unread.

#![expect(
    clippy::inline_always,
    reason = "an entry that is handed on in memory costs a stall; in registers it costs nothing"
)]

use std::borrow::Cow;
use std::ops::Range;

use fearless_simd::Level;

use super::block::{End, container_end};
use crate::error::{Error, Result};
use crate::value::check::check;
use crate::value::find;
use crate::value::text::unescape;

/// One member of the file's object, as places in the file.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The key without its quotes, escapes in place.
    pub(super) key: Range<usize>,
    /// How many escapes there are in the key.
    pub(super) escapes: usize,
    /// The value without white space around it.
    pub(super) value: Range<usize>,
}

/// An entry, and how much of it is certain to be ASCII.
pub(super) struct Scanned {
    pub(super) entry: Entry,
    /// Zero if the value is ASCII; the key was not looked at.
    pub(super) wide: u64,
}

/// What follows an entry.
pub(super) enum After {
    /// A comma: another entry should follow at this place.
    Comma(usize),
    /// The closing bracket; the place after it.
    Close(usize),
    /// Something else, or the end of the file, at this place.
    Other(usize),
}

/// Takes entries from the front of a text.
pub(super) struct Scanner<'t> {
    text: &'t [u8],
    /// What the CPU supports.
    level: Level,
    /// Memory for open brackets.
    open: Vec<u8>,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        Self { text, level: Level::new(), open: Vec::new() }
    }

    /// Returns the first place from `at` on that is not white space.
    #[inline]
    pub(super) fn word(&self, at: usize) -> usize {
        let mut at = at;
        while matches!(self.byte(at), b' ' | b'\n' | b'\r' | b'\t') {
            at += 1;
        }
        at
    }

    /// Returns the byte at this place; 0 at the end.
    #[inline]
    pub(super) fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }

    /// Takes the entry whose key's quote is at `at`.
    pub(super) fn entry(&mut self, at: usize) -> Result<Entry> {
        self.scan(at).map(|scanned| scanned.entry)
    }

    /// Scans a value; returns what was seen on the way.
    #[inline(always)]
    pub(super) fn scan(&mut self, at: usize) -> Result<Scanned> {
        if self.byte(at) != b'"' {
            return self.fail("expected an entry", at);
        }
        let (end, escapes) = string(self.text, at)?;
        if escapes > 0 {
            // A key is used at once; only for values can the grammar wait.
            check(&self.text[at..end]).map_err(|error| shift(&error, at))?;
        }
        let colon = self.word(end);
        if self.byte(colon) != b':' {
            return self.fail("expected a colon", colon);
        }
        let start = self.word(colon + 1);
        let value = self.value(start)?;
        let entry = Entry { key: at + 1..end - 1, escapes, value: start..value.at };
        Ok(Scanned { entry, wide: value.wide })
    }

    /// Returns what follows an entry that ends at `end`.
    #[inline(always)]
    pub(super) fn after(&self, end: usize) -> After {
        let at = self.word(end);
        match self.byte(at) {
            b',' => After::Comma(self.word(at + 1)),
            b'}' => After::Close(at + 1),
            _ => After::Other(at),
        }
    }

    /// Returns the error for something other than `what`, or for the end of the file.
    pub(super) fn fail<T>(&self, what: &'static str, at: usize) -> Result<T> {
        fail(self.text, what, at)
    }

    /// Returns the end of the value that begins at `at`.
    #[inline(always)]
    fn value(&mut self, at: usize) -> Result<End> {
        match self.byte(at) {
            b'{' | b'[' => container_end(self.level, self.text, at, &mut self.open),
            b'"' => string(self.text, at).map(|(at, _)| End { at, wide: u64::MAX }),
            _ => self.scalar(at).map(|at| End { at, wide: 0 }),
        }
    }

    /// Returns the place after a number or a literal.
    fn scalar(&self, at: usize) -> Result<usize> {
        let word = self.text.get(at..).unwrap_or_default();
        let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.');
        match word.iter().take_while(|b| is_part(b)).count() {
            0 => self.fail("expected a value", at),
            length => Ok(at + length),
        }
    }
}

/// Returns the place after the string that opens at `at`, and how many escapes it has.
#[inline]
pub(super) fn string(text: &[u8], at: usize) -> Result<(usize, usize)> {
    let (mut at, mut escapes) = (at + 1, 0);
    loop {
        at = find::special(text, at);
        match text.get(at) {
            Some(b'"') => return Ok((at + 1, escapes)),
            Some(b'\\') => at += 2,
            _ => return fail(text, "a control character", at),
        }
        escapes += 1;
    }
}

#[cold]
fn fail<T>(text: &[u8], what: &'static str, at: usize) -> Result<T> {
    let what = if at >= text.len() { "the file is cut off" } else { what };
    Err(Error::Syntax { what, at })
}

/// The description of a value that is nested deeper than a file may hold.
pub(super) const TOO_DEEP: &str = "a value that is nested too deep";

/// Turns an error in the part of a file that begins at `by` into an error in the file.
pub(super) fn shift(error: &Error, by: usize) -> Error {
    match error {
        Error::Syntax { what, at } => Error::Syntax { what, at: *at + by },
        _ => Error::Syntax { what: TOO_DEEP, at: by },
    }
}

/// The mark that some editors put before UTF-8.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

/// Returns `text` without that mark and white space in front.
pub(super) fn beginning(text: &[u8]) -> &[u8] {
    text.strip_prefix(BOM).unwrap_or(text).trim_ascii_start()
}

/// Returns where the first entry is; `None` if the object is empty.
pub(super) fn first_entry(scanner: &Scanner<'_>, text: &[u8]) -> Result<Option<usize>> {
    let start = scanner.word(if text.starts_with(BOM) { BOM.len() } else { 0 });
    if scanner.byte(start) != b'{' {
        return scanner.fail("expected an object", start);
    }
    let first = scanner.word(start + 1);
    if scanner.byte(first) != b'}' {
        return Ok(Some(first));
    }
    at_end(scanner, text, first + 1).map(|()| None)
}

/// Refuses anything but white space from `end` on.
pub(super) fn at_end(scanner: &Scanner<'_>, text: &[u8], end: usize) -> Result<()> {
    match scanner.word(end) {
        at if at < text.len() => {
            Err(Error::Syntax { what: "something follows the end of the object", at })
        }
        _ => Ok(()),
    }
}

/// Decodes a string's body that has this many escapes.
#[inline]
pub(super) fn plain_or_unescaped(body: &[u8], escapes: usize) -> Cow<'_, [u8]> {
    if escapes == 0 {
        return Cow::Borrowed(body);
    }
    let mut plain = Vec::with_capacity(body.len());
    unescape(body, &mut plain);
    Cow::Owned(plain)
}

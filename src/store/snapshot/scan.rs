//! Where the entries of a file are: spans of keys and values, the values' insides unread.

use std::ops::Range;

use fearless_simd::Level;

use super::block::container_end;
use crate::error::{Error, Result};
use crate::value::check::check;
use crate::value::find;

/// One member of the file's object, as places in the file.
#[derive(Debug)]
pub(super) struct Entry {
    /// The key without its quotes, escapes in place.
    pub(super) key: Range<usize>,
    /// Whether there are escapes in the key.
    pub(super) escaped: bool,
    /// The value without white space around it.
    pub(super) value: Range<usize>,
}

/// What stands behind an entry.
pub(super) enum After {
    /// A comma: another entry should follow at this place.
    Comma(usize),
    /// The closing bracket; the place behind it.
    Close(usize),
    /// Something else, or the end of the file, at this place.
    Other(usize),
}

/// Takes entries from the front of a text.
pub(super) struct Scanner<'t> {
    text: &'t [u8],
    /// What the CPU can do.
    level: Level,
    /// Memory for open brackets.
    open: Vec<u8>,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        Self { text, level: Level::new(), open: Vec::new() }
    }

    /// The first place from `at` on that is not white space.
    #[inline]
    pub(super) fn word(&self, at: usize) -> usize {
        let mut at = at;
        while matches!(self.byte(at), b' ' | b'\n' | b'\r' | b'\t') {
            at += 1;
        }
        at
    }

    /// The byte at this place; 0 at the end.
    #[inline]
    pub(super) fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }

    /// Takes the entry of which the key's quote is at `at`.
    #[inline]
    pub(super) fn entry(&mut self, at: usize) -> Result<Entry> {
        if self.byte(at) != b'"' {
            return self.fail("expected an entry", at);
        }
        let (end, escaped) = self.string(at)?;
        if escaped {
            // A key is used at once; only of values the grammar can wait.
            check(&self.text[at..end]).map_err(|error| shift(&error, at))?;
        }
        let colon = self.word(end);
        if self.byte(colon) != b':' {
            return self.fail("expected a colon", colon);
        }
        let start = self.word(colon + 1);
        Ok(Entry { key: at + 1..end - 1, escaped, value: start..self.value(start)? })
    }

    /// What stands behind an entry that ends at `end`.
    #[inline]
    pub(super) fn after(&self, end: usize) -> After {
        let at = self.word(end);
        match self.byte(at) {
            b',' => After::Comma(self.word(at + 1)),
            b'}' => After::Close(at + 1),
            _ => After::Other(at),
        }
    }

    /// The error of finding something else than `what`, or the end of the file.
    #[cold]
    pub(super) fn fail<T>(&self, what: &'static str, at: usize) -> Result<T> {
        let what = if at >= self.text.len() { "the file is cut off" } else { what };
        Err(Error::Syntax { what, at })
    }

    /// The place behind the string that opens at `at`, and whether it has escapes.
    #[inline]
    fn string(&self, at: usize) -> Result<(usize, bool)> {
        let (mut at, mut escaped) = (at + 1, false);
        loop {
            at = find::special(self.text, at);
            match self.byte(at) {
                b'"' => return Ok((at + 1, escaped)),
                b'\\' => at += 2,
                _ => return self.fail("a control character", at),
            }
            escaped = true;
        }
    }

    /// The place behind the value that begins at `at`.
    #[inline]
    fn value(&mut self, at: usize) -> Result<usize> {
        match self.byte(at) {
            b'{' | b'[' => container_end(self.level, self.text, at, &mut self.open),
            b'"' => self.string(at).map(|(end, _)| end),
            _ => self.scalar(at),
        }
    }

    /// The place behind a number or a word.
    fn scalar(&self, at: usize) -> Result<usize> {
        let word = self.text.get(at..).unwrap_or_default();
        let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.');
        match word.iter().take_while(|b| is_part(b)).count() {
            0 => self.fail("expected a value", at),
            length => Ok(at + length),
        }
    }
}

/// What is said of a value that is nested deeper than a file may hold.
pub(super) const TOO_DEEP: &str = "a value that is nested too deep";

/// What a check found in the part of a file that begins at `by`, as an error in the file.
pub(super) fn shift(error: &Error, by: usize) -> Error {
    match error {
        Error::Syntax { what, at } => Error::Syntax { what, at: *at + by },
        _ => Error::Syntax { what: TOO_DEEP, at: by },
    }
}

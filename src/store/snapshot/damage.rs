//! Damage of a file, in words for its user.

use std::fmt;

use super::scan::beginning;
use crate::value::check::check;

/// How many bytes of a file show whether it is text.
const START: usize = 512;

/// What files of usual formats begin with.
const MAGIC: [&[u8]; 19] = [
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"7z\xbc\xaf",
    b"\x28\xb5\x2f\xfd",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"RIFF",
    b"%PDF",
    b"\x7fELF",
    b"\x80\x03",
    b"\x80\x04",
    b"\x80\x05",
    b"PAR1",
    b"ARROW1",
    b"\x93NUMPY",
    b"\x89HDF",
];

/// The reason why a file could not be read whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// What was found, as in "the file is cut off".
    pub what: &'static str,
    /// Byte offset in the file.
    pub at: usize,
    /// The line of that place; the first is 1.
    pub line: usize,
    /// What the file is, as far as its beginning shows.
    pub looks: Looks,
}

/// What a file that is no whole cache looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// A cache that was cut or overwritten, or nothing that is known.
    Torn,
    /// Printed text other than an object.
    Prose,
    /// A program, a picture, an archive or the like, which begins with a number that says so.
    Numbered,
    /// A list of objects, whole: damage makes no such thing of a cache.
    Records,
}

impl Damage {
    /// Makes the damage at a place of `text`.
    pub(super) fn new(what: &'static str, at: usize, text: &[u8]) -> Self {
        let at = at.min(text.len());
        let line = 1 + memchr::memchr_iter(b'\n', &text[..at]).count();
        Self { what, at, line, looks: Looks::of(text) }
    }
}

impl Looks {
    fn of(text: &[u8]) -> Self {
        let start = beginning(&text[..text.len().min(START)]);
        if start.first() == Some(&b'[') {
            let has_records = start[1..].trim_ascii_start().starts_with(b"{");
            if has_records && check(beginning(text).trim_ascii_end()).is_ok() {
                return Self::Records;
            }
        }
        if MAGIC.iter().any(|magic| text.starts_with(magic)) {
            return Self::Numbered;
        }
        let is_printed = |byte: &u8| !byte.is_ascii_control() || byte.is_ascii_whitespace();
        let is_object = start.first().is_none_or(|first| *first == b'{');
        if !is_object && start.iter().all(is_printed) { Self::Prose } else { Self::Torn }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at == 0 {
            return f.write_str(self.what); // the file as a whole
        }
        write!(f, "{} at line {} (byte {})", self.what, self.line, self.at)
    }
}

//! Damage of a file, in words for its user.

use std::fmt;

use super::scan::beginning;

/// How many bytes of a file show whether it is text.
const START: usize = 512;

/// The reason why a file could not be read whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// What was found, as in "the file is cut off".
    pub what: &'static str,
    /// Byte offset in the file.
    pub at: usize,
    /// The line of that place; the first is 1.
    pub line: usize,
    /// Whether the file begins with text that no cache begins with.
    pub is_prose: bool,
}

impl Damage {
    /// Makes the damage at a place of `text`.
    pub(super) fn new(what: &'static str, at: usize, text: &[u8]) -> Self {
        let at = at.min(text.len());
        let line = 1 + memchr::memchr_iter(b'\n', &text[..at]).count();
        Self { what, at, line, is_prose: is_prose(text) }
    }
}

/// Returns whether a file begins with printed text other than an object.
fn is_prose(text: &[u8]) -> bool {
    let start = &text[..text.len().min(START)];
    let start = beginning(start);
    let is_printed = |byte: &u8| !byte.is_ascii_control() || byte.is_ascii_whitespace();
    start.first().is_some_and(|first| *first != b'{') && start.iter().all(is_printed)
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at == 0 {
            return f.write_str(self.what); // the file as a whole
        }
        write!(f, "{} at line {} (byte {})", self.what, self.line, self.at)
    }
}

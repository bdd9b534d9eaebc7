//! Damage of a file, in words for its user.

use std::fmt;

/// The reason why a file could not be read whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// What was found, as in "the file is cut off".
    pub what: &'static str,
    /// Byte offset in the file.
    pub at: usize,
    /// The line of that place; the first is 1.
    pub line: usize,
}

impl Damage {
    /// Makes the damage at a place of `text`.
    pub(super) fn new(what: &'static str, at: usize, text: &[u8]) -> Self {
        let at = at.min(text.len());
        let line = 1 + memchr::memchr_iter(b'\n', &text[..at]).count();
        Self { what, at, line }
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

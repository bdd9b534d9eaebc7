//! The tokens of JSON: white space, strings and numbers, taken from the front of a text.

use super::find;
use super::text::hex4;
use crate::error::{Error, Result};

/// A number as it is written in the text.
#[derive(Clone, Copy)]
pub(super) struct Number<'t> {
    /// All its characters, or `NaN`, `Infinity`, `-Infinity`.
    pub(super) text: &'t str,
    /// The kind of number.
    pub(super) kind: Kind,
}

/// The kind of a number, as far as its characters tell.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// An integer with so few digits that its value is known at once.
    Small(i64),
    /// An integer of any size.
    Int,
    /// A number with a fraction or an exponent.
    Float,
    /// One of the words that Python writes where JSON has none.
    NonFinite(f64),
}

/// The inside of a string as it is written: its grammar is checked, its escapes are not decoded.
#[derive(Clone, Copy)]
pub(super) struct Body<'t> {
    /// The text between the quotes.
    pub(super) raw: &'t str,
    /// Whether it holds a backslash.
    pub(super) escaped: bool,
}

/// A place in a text of proven UTF-8.
pub(super) struct Cursor<'t> {
    text: &'t str,
    at: usize,
    /// Whether there were line breaks or tabs between tokens so far, or words that JSON lacks.
    pub(super) loose: bool,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0, loose: false }
    }

    /// Returns the byte at this place; 0 at the end (and for a NUL, with which no token begins).
    #[inline]
    pub(super) fn peek(&self) -> u8 {
        self.byte(self.at)
    }

    #[inline]
    fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or(0)
    }

    #[inline]
    pub(super) fn step(&mut self) {
        self.at += 1;
    }

    /// Moves to the next byte that is not white space, and returns it.
    #[inline]
    pub(super) fn next_word(&mut self) -> u8 {
        let mut byte = self.peek();
        while matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
            self.loose |= byte != b' ';
            self.at += 1;
            byte = self.peek();
        }
        byte
    }

    pub(super) fn at_end(&self) -> bool {
        self.at == self.text.len()
    }

    /// Returns the error for something other than `what` at this place.
    #[cold]
    pub(super) fn fail<T>(&self, what: &'static str) -> Result<T> {
        Err(Error::Syntax { what, at: self.at })
    }

    /// Takes a fixed word such as `null`.
    #[inline]
    pub(super) fn word(&mut self, word: &'static str) -> Result<()> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return self.fail("expected a value");
        }
        self.at += word.len();
        Ok(())
    }

    /// Takes a string; its opening quote is at this place.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Body<'t>> {
        let start = self.at + 1;
        // Most strings are short: one look is enough.
        match find::near(self.text.as_bytes(), start) {
            Some(end) if self.text.as_bytes()[end] == b'"' => {
                self.at = end + 1;
                Ok(Body { raw: &self.text[start..end], escaped: false })
            }
            _ => self.any_string(),
        }
    }

    #[inline(never)]
    fn any_string(&mut self) -> Result<Body<'t>> {
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at = find::special(self.text.as_bytes(), self.at);
            match self.peek() {
                b'"' => break,
                b'\\' => self.escape()?,
                _ if self.at_end() => return self.fail("a string without an end"),
                _ => return self.fail("a control character in a string"),
            }
            escaped = true;
        }
        let raw = &self.text[start..self.at];
        self.at += 1;
        Ok(Body { raw, escaped })
    }

    /// Skips one escape; its backslash is at this place.
    fn escape(&mut self) -> Result<()> {
        match self.byte(self.at + 1) {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 2,
            b'u' if hex4(&self.text.as_bytes()[self.at + 2..]).is_some() => self.at += 6,
            _ => return self.fail("a bad escape in a string"),
        }
        Ok(())
    }

    /// Takes a number, or one of Python's words for non-finite ones.
    #[inline]
    pub(super) fn number(&mut self) -> Result<Number<'t>> {
        let start = self.at;
        let negative = self.peek() == b'-';
        self.at += usize::from(negative);
        if self.peek() == b'I' {
            return self.non_finite(start, "Infinity", f64::INFINITY);
        }
        let magnitude = self.integer()?;
        let digits = self.at - start - usize::from(negative);
        if matches!(self.peek(), b'.' | b'e' | b'E') {
            self.fraction()?;
            return Ok(Number { text: &self.text[start..self.at], kind: Kind::Float });
        }
        // 18 digits always fit; the sum of more may have wrapped.
        let kind = match digits {
            ..=18 => Kind::Small(if negative { -magnitude } else { magnitude }),
            _ => Kind::Int,
        };
        Ok(Number { text: &self.text[start..self.at], kind })
    }

    /// Takes the word for a number that JSON lacks; its sign was at `start`.
    pub(super) fn non_finite(
        &mut self,
        start: usize,
        word: &'static str,
        value: f64,
    ) -> Result<Number<'t>> {
        self.word(word)?;
        self.loose = true;
        let text = &self.text[start..self.at];
        let value = if text.starts_with('-') { -value } else { value };
        Ok(Number { text, kind: Kind::NonFinite(value) })
    }

    /// Takes `NaN`.
    pub(super) fn nan(&mut self) -> Result<Number<'t>> {
        self.non_finite(self.at, "NaN", f64::NAN)
    }

    /// Takes the digits before a point; returns their value, which is right for up to 18 of them.
    #[inline]
    fn integer(&mut self) -> Result<i64> {
        let start = self.at;
        let mut sum: i64 = 0;
        while let digit @ b'0'..=b'9' = self.peek() {
            sum = sum.wrapping_mul(10).wrapping_add(i64::from(digit - b'0'));
            self.at += 1;
        }
        match self.at - start {
            0 => self.fail("expected a digit"),
            2.. if self.byte(start) == b'0' => self.fail("a number with a leading zero"),
            _ => Ok(sum),
        }
    }

    /// Takes what follows the integral part: a fraction, an exponent, or both.
    fn fraction(&mut self) -> Result<()> {
        if self.peek() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), b'+' | b'-'));
            self.digits()?;
        }
        Ok(())
    }

    /// Takes one digit or more.
    #[inline]
    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        if self.at == start { self.fail("expected a digit") } else { Ok(()) }
    }
}

//! Values as JSON text, in the manner of Python's `json.dumps`.

use bytes::Bytes;

use super::find;
use super::scratch_buffer::ScratchBuffer;
use super::shared::shared;
use super::tag::Tag;
use super::text::surrogate;
use crate::error::{Error, Result};

/// The characters that are written unescaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// Printable ASCII only; all others are `\uXXXX`. Every reader gets this right.
    Ascii,
    /// Everything that UTF-8 can hold.
    Utf8,
}

/// Appends JSON to a reusable buffer.
///
/// The caller puts brackets, commas and colons in the right order.
#[derive(Debug)]
pub struct Writer {
    buffer: ScratchBuffer,
    charset: Charset,
}

impl Writer {
    /// A writer of texts in `charset`.
    pub fn new(charset: Charset) -> Self {
        Self::reusing(ScratchBuffer::default(), charset)
    }

    /// Makes a writer on a buffer that was used before.
    pub fn reusing(mut buffer: ScratchBuffer, charset: Charset) -> Self {
        buffer.clear();
        Self { buffer, charset }
    }

    /// Returns the buffer, for the next writer.
    pub fn into_buffer(self) -> ScratchBuffer {
        self.buffer
    }

    /// Removes everything after the first `len` bytes.
    pub fn rewind(&mut self, len: usize) {
        self.buffer.rewind(len);
    }

    /// Drops the text, keeps the buffer.
    pub fn clear(&mut self) {
        self.buffer.clear();
    }

    /// The text so far.
    pub fn as_bytes(&self) -> &[u8] {
        self.buffer.as_bytes()
    }

    /// The text in memory of exactly its size; this writer is empty again and keeps its buffer.
    pub fn take_exact(&mut self) -> Bytes {
        // Shared from the start: a result is cloned at once, for the store and for those who wait.
        let text = shared(self.as_bytes());
        self.clear();
        text
    }

    /// Writes `null`.
    pub fn null(&mut self) {
        self.raw(b"null");
    }

    /// Writes `true` or `false`.
    pub fn bool(&mut self, value: bool) {
        if value { self.raw(b"true") } else { self.raw(b"false") }
    }

    /// Writes an integer.
    pub fn int64(&mut self, value: i64) {
        match u8::try_from(value) {
            Ok(digit @ 0..10) => self.raw(&[b'0' + digit]),
            _ => self.buffer.short(itoa::Buffer::new().format(value).as_bytes()),
        }
    }

    /// Writes an integer of any size: a sign if it is negative, and decimal digits.
    pub fn digits(&mut self, digits: &str) {
        self.raw(digits.as_bytes());
    }

    /// Writes a float as the shortest text that reads back as the same float, never as an integer.
    /// A non-finite one becomes a tagged value: `{"$float": "nan"}`.
    pub fn float(&mut self, value: f64) {
        if value.is_finite() {
            self.raw(zmij::Buffer::new().format_finite(value).as_bytes());
            return;
        }
        let word = match value {
            f64::INFINITY => "inf",
            f64::NEG_INFINITY => "-inf",
            _ => "nan",
        };
        self.begin_tag(Tag::Float);
        self.str(word);
        self.end_dict();
    }

    /// Writes a string.
    #[inline]
    pub fn str(&mut self, text: &str) {
        self.framed(b"\"", text, b"\"");
    }

    /// Writes the key of a dict's first member, or of another one, and its colon.
    #[inline]
    pub fn key(&mut self, first: bool, text: &str) {
        if first { self.framed(b"\"", text, b"\": ") } else { self.framed(b", \"", text, b"\": ") }
    }

    /// Writes a string with what surrounds it; both hold its quotes. Out of line: inlined into the
    /// recursive caller, its check of the string was not inlined itself.
    #[inline(never)]
    fn framed<const A: usize, const B: usize>(
        &mut self,
        before: &[u8; A],
        text: &str,
        behind: &[u8; B],
    ) {
        let plain = match self.charset {
            Charset::Utf8 => self.buffer.framed::<false, A, B>(before, text.as_bytes(), behind),
            Charset::Ascii => self.buffer.framed::<true, A, B>(before, text.as_bytes(), behind),
        };
        if !plain {
            self.odd_framed(before, text, behind);
        }
    }

    /// Writes a string that needs escapes, or for which there is no room yet.
    #[cold]
    #[inline(never)]
    fn odd_framed(&mut self, before: &[u8], text: &str, behind: &[u8]) {
        self.raw(before);
        self.characters(text);
        self.raw(behind);
    }

    /// Writes a string that may hold lone surrogates; they become `\udXXX`. Fails, and writes
    /// nothing, if `text` is not WTF-8.
    pub fn wtf8(&mut self, text: &[u8]) -> Result<()> {
        let start = self.as_bytes().len();
        self.raw(b"\"");
        let written = self.wtf8_characters(text);
        match written {
            Ok(()) => self.raw(b"\""),
            Err(_) => self.rewind(start),
        }
        written
    }

    /// Writes `[`.
    pub fn begin_list(&mut self) {
        self.raw(b"[");
    }

    /// Writes `]`.
    pub fn end_list(&mut self) {
        self.raw(b"]");
    }

    /// Writes `{`.
    pub fn begin_dict(&mut self) {
        self.raw(b"{");
    }

    /// Writes `}`.
    pub fn end_dict(&mut self) {
        self.raw(b"}");
    }

    /// Returns the room behind the text, where more of it may be written: see [`written`].
    ///
    /// [`written`]: Self::written
    #[inline]
    pub fn room(&mut self) -> &mut [u8] {
        self.buffer.spare()
    }

    /// Makes the first `more` bytes of the [room](Self::room) part of the text.
    ///
    /// # Panics
    /// If the room is smaller.
    #[inline]
    pub fn written(&mut self, more: usize) {
        self.buffer.advance(more);
    }

    /// Writes what separates two items or members.
    pub fn comma(&mut self) {
        self.raw(b", ");
    }

    /// Writes what separates a key from its value.
    pub fn colon(&mut self) {
        self.raw(b": ");
    }

    /// Returns the character set of this writer's texts.
    pub fn charset(&self) -> Charset {
        self.charset
    }

    /// Begins a tagged value: `{"$tuple": `, then its payload, then [`end_dict`](Self::end_dict).
    pub fn begin_tag(&mut self, tag: Tag) {
        self.begin_dict();
        self.str(tag.name());
        self.colon();
    }

    /// Writes text that is known to be right as it is.
    #[inline]
    pub fn raw(&mut self, text: &[u8]) {
        self.buffer.put(text);
    }

    /// Writes the inside of a string whose escapes are in place: only the charset is enforced.
    pub(super) fn escaped_body(&mut self, body: &str) {
        match self.charset {
            Charset::Utf8 => self.raw(body.as_bytes()),
            Charset::Ascii => self.ascii_only(body, |_, from| {
                let wide = body.as_bytes()[from..].iter().position(|&byte| byte >= 0x7f);
                wide.map_or(body.len(), |at| from + at)
            }),
        }
    }

    fn wtf8_characters(&mut self, text: &[u8]) -> Result<()> {
        let mut rest = text;
        loop {
            let error = match std::str::from_utf8(rest) {
                Ok(clean) => {
                    self.characters(clean);
                    return Ok(());
                }
                Err(error) => error,
            };
            let (clean, tail) = rest.split_at(error.valid_up_to());
            let what = "a string that is neither UTF-8 nor surrogates";
            let at = text.len() - tail.len();
            let unit = surrogate(tail).ok_or(Error::Syntax { what, at })?;
            self.characters(std::str::from_utf8(clean).expect("it is valid up to here"));
            self.unit(unit);
            rest = &tail[3..];
        }
    }

    #[inline]
    fn characters(&mut self, text: &str) {
        match self.charset {
            Charset::Utf8 => self.utf8(text.as_bytes()),
            Charset::Ascii => self.ascii_only(text, find::special_or_wide),
        }
    }

    #[inline]
    fn utf8(&mut self, text: &[u8]) {
        let mut from = 0;
        loop {
            let at = find::special(text, from);
            self.raw(&text[from..at]);
            match text.get(at) {
                Some(&byte) => self.escape(byte),
                None => return,
            }
            from = at + 1;
        }
    }

    /// Writes runs of plain ASCII as they are, and escapes the characters that `next` finds.
    #[inline]
    fn ascii_only(&mut self, text: &str, next: impl Fn(&[u8], usize) -> usize) {
        let mut from = 0;
        loop {
            let at = next(text.as_bytes(), from);
            self.raw(&text.as_bytes()[from..at]);
            let Some(character) = text[at..].chars().next() else { return };
            self.escape_character(character);
            from = at + character.len_utf8();
        }
    }

    fn escape_character(&mut self, character: char) {
        match u8::try_from(character) {
            Ok(byte) if byte < 0x7f => self.escape(byte),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    self.unit(*unit);
                }
            }
        }
    }

    /// Writes the escape of a byte that must not be written as it is.
    #[cold]
    fn escape(&mut self, byte: u8) {
        let letter = match byte {
            b'\n' => b'n',
            b'\t' => b't',
            b'\r' => b'r',
            0x08 => b'b',
            0x0c => b'f',
            b'"' | b'\\' => byte,
            _ => return self.unit(u16::from(byte)),
        };
        self.raw(&[b'\\', letter]);
    }

    /// Writes `\uXXXX`.
    fn unit(&mut self, unit: u16) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let digit = |shift: u32| HEX[usize::from(unit >> shift & 0xf)];
        self.raw(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
    }
}

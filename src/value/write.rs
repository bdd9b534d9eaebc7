//! Values as JSON text, in the manner of Python's `json.dumps`.

use bytes::Bytes;

use super::find;
use super::scratch_buffer::ScratchBuffer;
use super::tag::Tag;
use super::text::surrogate;
use crate::error::{Error, Result};
use crate::memory::OutOfMemory;

/// Which characters stand for themselves in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// Printable ASCII only; all others are `\uXXXX`. Any reader gets this right.
    Ascii,
    /// All that UTF-8 can hold.
    Utf8,
}

/// Appends JSON to a buffer that can be used again and again.
///
/// Brackets, commas and colons are the caller's to put in the right order.
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

    /// The buffer, for the next writer.
    pub fn into_buffer(self) -> ScratchBuffer {
        self.buffer
    }

    /// Takes back everything behind the first `len` bytes.
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
        let mut text = Vec::new();
        if text.try_reserve_exact(self.as_bytes().len()).is_err() {
            OutOfMemory::unwind();
        }
        text.extend_from_slice(self.as_bytes());
        self.clear();
        text.into()
    }

    /// `null`.
    pub fn null(&mut self) {
        self.raw(b"null");
    }

    /// `true` or `false`.
    pub fn bool(&mut self, value: bool) {
        if value { self.raw(b"true") } else { self.raw(b"false") }
    }

    /// An integer.
    pub fn int64(&mut self, value: i64) {
        match u8::try_from(value) {
            Ok(digit @ 0..10) => self.raw(&[b'0' + digit]),
            _ => self.buffer.short(itoa::Buffer::new().format(value).as_bytes()),
        }
    }

    /// An integer of any size: a sign if it is negative, and decimal digits.
    pub fn digits(&mut self, digits: &str) {
        self.raw(digits.as_bytes());
    }

    /// A float: the shortest text that reads back as the same float, never as an integer.
    /// What is no number becomes a tagged value: `{"$float": "nan"}`.
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

    /// A string.
    #[inline]
    pub fn str(&mut self, text: &str) {
        self.framed(b"\"", text, b"\"");
    }

    /// The key of a dict's first member, or of another one, and the colon behind it.
    #[inline]
    pub fn key(&mut self, first: bool, text: &str) {
        if first { self.framed(b"\"", text, b"\": ") } else { self.framed(b", \"", text, b"\": ") }
    }

    /// A string with what stands around it; both hold its quotes. Out of line: where it was part of
    /// what calls itself for each level, its look at the string was not.
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

    /// A string that may hold lone surrogates; they become `\udXXX`. An error (and nothing written)
    /// if `text` is not WTF-8.
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

    /// `[`
    pub fn begin_list(&mut self) {
        self.raw(b"[");
    }

    /// `]`
    pub fn end_list(&mut self) {
        self.raw(b"]");
    }

    /// `{`
    pub fn begin_dict(&mut self) {
        self.raw(b"{");
    }

    /// `}`
    pub fn end_dict(&mut self) {
        self.raw(b"}");
    }

    /// Between two items or members.
    pub fn comma(&mut self) {
        self.raw(b", ");
    }

    /// Between a key and its value.
    pub fn colon(&mut self) {
        self.raw(b": ");
    }

    /// What the texts of this writer may hold.
    pub fn charset(&self) -> Charset {
        self.charset
    }

    /// A tagged value begins: `{"$tuple": `, then its payload, then [`end_dict`](Self::end_dict).
    pub fn begin_tag(&mut self, tag: Tag) {
        self.begin_dict();
        self.str(tag.name());
        self.colon();
    }

    /// Something that is known to be right as it is.
    #[inline]
    pub fn raw(&mut self, text: &[u8]) {
        self.buffer.put(text);
    }

    /// The inside of a string of which the escapes are in place: only the charset is seen to.
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

    /// Writes runs of plain ASCII as they are; escapes what stands where `next` says.
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

    /// The escape of a byte that cannot stand for itself.
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

    /// `\uXXXX`
    fn unit(&mut self, unit: u16) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let digit = |shift: u32| HEX[usize::from(unit >> shift & 0xf)];
        self.raw(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
    }
}

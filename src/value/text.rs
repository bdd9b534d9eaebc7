//! Strings as they are read from a JSON text: WTF-8, with or without a copy.

use crate::error::{Error, Result};

/// A string's content: WTF-8, un-escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    /// UTF-8 in which lone surrogates (U+D800 to U+DFFF) may take three bytes.
    pub bytes: &'a [u8],
    /// Whether all bytes are below 0x80.
    pub ascii: bool,
}

/// Returns whether `wtf8` holds a high surrogate directly followed by a low one, as two code
/// points. JSON cannot distinguish these from the one character that the pair stands for.
pub fn has_split_pair(wtf8: &[u8]) -> bool {
    split_pair(wtf8).is_some()
}

/// Returns the place of the first low surrogate that directly follows a high one: a string cut
/// there holds no such pair.
pub fn split_pair(wtf8: &[u8]) -> Option<usize> {
    let high = memchr::memchr_iter(0xed, wtf8).find(|&at| {
        matches!(surrogate(&wtf8[at..]), Some(0xd800..=0xdbff))
            && matches!(surrogate(&wtf8[at + 3..]), Some(0xdc00..=0xdfff))
    });
    high.map(|at| at + 3)
}

/// Returns the surrogate that `wtf8` begins with.
pub fn surrogate(wtf8: &[u8]) -> Option<u16> {
    match wtf8 {
        [0xed, second @ 0xa0..=0xbf, third @ 0x80..=0xbf, ..] => {
            Some(0xd000 | u16::from(second & 0x3f) << 6 | u16::from(third & 0x3f))
        }
        _ => None,
    }
}

/// Un-escapes `body` (the inside of a string whose grammar was checked) to the end of `out`.
pub(crate) fn unescape(body: &[u8], out: &mut Vec<u8>) {
    let mut rest = body;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = unescape_one(&rest[at + 1..], out);
    }
    out.extend_from_slice(rest);
}

/// Un-escapes what follows one backslash; returns the rest of the body.
fn unescape_one<'a>(body: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let Some((&letter, rest)) = body.split_first() else { return body };
    let plain = match letter {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 0x08,
        b'f' => 0x0c,
        b'u' => return unescape_unicode(rest, out),
        quote_or_slash => quote_or_slash,
    };
    out.push(plain);
    rest
}

/// Un-escapes what follows `\u`: one unit, or a pair of surrogates as one character. Returns the
/// rest.
fn unescape_unicode<'a>(body: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let high = hex4(body).unwrap_or_default();
    let rest = body.get(4..).unwrap_or_default();
    if let Some((character, rest)) = pair(high, rest) {
        push_utf8(character, out);
        return rest;
    }
    match char::from_u32(u32::from(high)) {
        Some(character) => push_utf8(character, out),
        None => push_surrogate(high, out),
    }
    rest
}

/// Returns the character of `high` and the low surrogate that `body` may begin with, and the rest.
fn pair(high: u16, body: &[u8]) -> Option<(char, &[u8])> {
    if !(0xd800..0xdc00).contains(&high) {
        return None;
    }
    let body = body.strip_prefix(b"\\u")?;
    let low = hex4(body)?;
    let character = char::decode_utf16([high, low]).next()?.ok()?;
    Some((character, &body[4..]))
}

/// Returns the number that four hexadecimal digits represent.
pub(super) fn hex4(body: &[u8]) -> Option<u16> {
    let digits = body.first_chunk::<4>()?;
    let mut unit = 0;
    for digit in digits {
        unit = unit << 4 | u16::try_from(char::from(*digit).to_digit(16)?).ok()?;
    }
    Some(unit)
}

fn push_utf8(character: char, out: &mut Vec<u8>) {
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

fn push_surrogate(unit: u16, out: &mut Vec<u8>) {
    let [high, low] = unit.to_be_bytes();
    let middle = 0x80 | (high & 0x0f) << 2 | low >> 6;
    out.extend_from_slice(&[0xed, middle, 0x80 | low & 0x3f]);
}

/// Returns `text` as UTF-8; the error has the place where it stops being UTF-8.
pub(crate) fn utf8(text: &[u8]) -> Result<&str> {
    simdutf8::basic::from_utf8(text).map_err(|_| {
        // The quick check does not tell the place; the slow one is run for the message only.
        let at = std::str::from_utf8(text).err().map_or(0, |e| e.valid_up_to());
        Error::Syntax { what: "not UTF-8", at }
    })
}

/// Returns whether `text` is WTF-8, the form of Python's strings.
pub(crate) fn is_wtf8(text: &[u8]) -> bool {
    let mut rest = text;
    loop {
        let Err(error) = std::str::from_utf8(rest) else { return true };
        let tail = &rest[error.valid_up_to()..];
        if surrogate(tail).is_none() {
            return false;
        }
        rest = &tail[3..];
    }
}

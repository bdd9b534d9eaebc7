//! Key texts: the name of a call in the file.
//!
//! A key text is WTF-8 and reads like the call it stands for: `module.name(first=1, second="x")`.
//! It is injective: every kind of value begins with characters of its own (`"` a str, `b"` bytes,
//! a digit or `-` a number, `[` a list, `(` a tuple, `{` a dict or set, a word followed by `(` the
//! rest), strings are closed by the only quote that is not escaped, and members are separated by
//! `, ` outside of strings only.
//!
//! In the drop-in's file a string is its own key, so everything else carries [`PREFIX`], and a
//! string that begins with it is written like any other value: quoted, after the prefix.

use std::cell::Cell;

use bytes::Bytes;

use crate::value::find::special_or_wide;
use crate::value::shared::shared;
use crate::value::text::{has_split_pair, surrogate};

/// The beginning of every key text of the drop-in that is not a plain string.
pub const PREFIX: &str = "outlive:";

/// Builds one key text.
#[derive(Debug, Default)]
pub struct KeyText {
    text: Vec<u8>,
    /// Whether it is for the drop-in's file.
    flat: bool,
}

thread_local! {
    /// The memory in which the last key was built, for the next one.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// More memory is not kept for the next key.
const LARGEST_SPARE: usize = 1 << 12;

impl KeyText {
    /// Starts an empty text.
    pub fn new() -> Self {
        Self { text: Vec::with_capacity(96), flat: false }
    }

    /// Starts the text of a whole key, for the drop-in's file if `flat`: see
    /// [`into_key`](Self::into_key).
    pub fn of_key(flat: bool) -> Self {
        let spare = SPARE.try_with(Cell::take).ok().filter(|spare| spare.capacity() > 0);
        spare.map_or_else(|| Self::for_file(flat), |text| Self { text, flat })
    }

    /// The finished text of a whole key. Its memory is kept for the next one.
    pub fn into_key(mut self) -> Bytes {
        let key = shared(&self.text);
        if self.text.capacity() <= LARGEST_SPARE {
            self.text.clear();
            // A thread that is about to end keeps none any more.
            let _ = SPARE.try_with(|spare| spare.set(self.text));
        }
        key
    }

    /// Starts an empty text for the drop-in's file if `flat`.
    pub fn for_file(flat: bool) -> Self {
        Self { flat, ..Self::new() }
    }

    /// Returns whether it is for the drop-in's file.
    pub fn is_flat(&self) -> bool {
        self.flat
    }

    /// Appends punctuation or a word, as it is.
    pub fn raw(&mut self, text: &str) {
        self.text.extend_from_slice(text.as_bytes());
    }

    /// Appends a finished piece of key text.
    pub fn piece(&mut self, text: &[u8]) {
        self.text.extend_from_slice(text);
    }

    /// Appends a string between quotes, so that nothing in it can end it or look like the rest.
    ///
    /// Surrogates are written as `\uhhhh`: in the file, two of them would become a character.
    pub fn quoted(&mut self, wtf8: &[u8]) {
        self.text.push(b'"');
        let mut at = 0;
        loop {
            let plain = special_or_wide(wtf8, at);
            self.piece(&wtf8[at..plain]);
            at = plain;
            let Some(&byte) = wtf8.get(at) else { break };
            if let Some(unit) = surrogate(&wtf8[at..]) {
                self.raw(&format!("\\u{unit:04x}"));
                at += 3;
                continue;
            }
            match byte {
                b'"' | b'\\' => self.text.extend([b'\\', byte]),
                b'\n' => self.raw("\\n"),
                b'\r' => self.raw("\\r"),
                b'\t' => self.raw("\\t"),
                0..=0x1f | 0x7f => self.raw(&format!("\\x{byte:02x}")),
                _ => self.text.push(byte),
            }
            at += 1;
        }
        self.text.push(b'"');
    }

    /// Appends bytes as `b"…"`, printable ASCII as it is and the rest as `\xhh`.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.raw("b\"");
        for &byte in bytes {
            match byte {
                b'"' | b'\\' => self.text.extend([b'\\', byte]),
                0x20..=0x7e => self.text.push(byte),
                _ => self.raw(&format!("\\x{byte:02x}")),
            }
        }
        self.text.push(b'"');
    }

    /// Appends a float as Python writes it, which always differs from an integer.
    pub fn float(&mut self, value: f64) {
        if value.is_finite() {
            self.raw(zmij::Buffer::new().format_finite(value));
        } else if value.is_nan() {
            self.raw("nan");
        } else {
            self.raw(if value > 0.0 { "inf" } else { "-inf" });
        }
    }

    /// Appends pieces in the order of their texts, for dicts and sets, which have no order.
    pub fn sorted(&mut self, mut pieces: Vec<Vec<u8>>) {
        pieces.sort_unstable();
        for (n, piece) in pieces.iter().enumerate() {
            if n > 0 {
                self.raw(", ");
            }
            self.piece(piece);
        }
    }

    /// Removes everything after the first `len` bytes.
    pub fn rewind(&mut self, len: usize) {
        self.text.truncate(len);
    }

    /// Returns the length of the text so far, in bytes.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Returns whether nothing was appended yet.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The finished text.
    pub fn into_bytes(self) -> Vec<u8> {
        self.text
    }
}

/// Returns the drop-in's text of a string key: the string itself, unless it looks like another text
/// or holds two surrogates that the file would return as one character.
pub fn plain(wtf8: &[u8]) -> Option<&[u8]> {
    (!wtf8.starts_with(PREFIX.as_bytes()) && !has_split_pair(wtf8)).then_some(wtf8)
}

/// Returns the place of the parenthesis of a key's arguments: parentheses within quotes or brackets
/// belong to the name.
pub fn name_end(key: &[u8]) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, &byte) in key.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' => depth += 1,
            b']' => depth = depth.saturating_sub(1),
            b'(' if depth == 0 => return Some(at),
            _ => {}
        }
    }
    None
}

/// Returns what precedes the parenthesis of a key's arguments.
pub fn name_of(key: &[u8]) -> Option<&[u8]> {
    let key = key.strip_prefix(PREFIX.as_bytes()).unwrap_or(key);
    name_end(key).map(|end| &key[..end])
}

/// Computes FNV-1a of 64 bits, by which a file refers to keys and calls without their texts; any
/// reader can compute it.
pub fn fnv1a(text: &[u8]) -> u64 {
    text.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A longer key is shortened to its ends.
const LONGEST_SHOWN: usize = 200;

/// Returns a key text for messages and logs: quoted; of a long one, the first and the last
/// characters, the length, and a digest that distinguishes it.
pub fn shown(key: &[u8]) -> String {
    let quoted = format!("{:?}", String::from_utf8_lossy(key));
    let length = quoted.chars().count() - 2;
    if length <= LONGEST_SHOWN {
        return quoted;
    }
    let first: String = quoted.chars().take(112).collect();
    let last: String = quoted.chars().skip(length - 30).collect();
    format!("{first}...{last} ({length} characters, digest {:08x})", crc32fast::hash(key))
}

#[cfg(test)]
mod tests {
    use super::{fnv1a, name_of, shown};

    /// The digest is FNV-1a: these values are from its authors' page.
    #[test]
    fn digests_are_those_of_the_world() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    /// A short key is shown whole, a long one by its ends, in no more than 200 characters; two that
    /// differ in the middle are shown differently.
    #[test]
    fn long_keys_are_shown_by_their_ends() {
        assert_eq!(shown(b"m.f(x=\"1\")"), r#""m.f(x=\"1\")""#);
        let key =
            |middle: &str| format!("m.f(prompt={}{middle}{})", "a".repeat(300), "b".repeat(900));
        let (one, other) = (shown(key("1").as_bytes()), shown(key("2").as_bytes()));
        assert!(
            one.starts_with("\"m.f(prompt=aaa") && one.contains("bbb)\" (1213 characters, digest ")
        );
        assert!(one.chars().count() <= 200, "{one}");
        assert_ne!(one, other);
    }

    /// Parentheses between quotes or brackets belong to the name.
    #[test]
    fn names_may_hold_parentheses() {
        for (key, name) in [
            ("m.f(x=1)", Some("m.f")),
            ("m.f@\"1\"(x=1)", Some("m.f@\"1\"")),
            ("\"odd (name\"(x=1)", Some("\"odd (name\"")),
            ("\"a\\\"(b\"(x=1)", Some("\"a\\\"(b\"")),
            ("m.f[[[1,\"(\"],{}]](x=1)", Some("m.f[[[1,\"(\"],{}]]")),
            ("outlive:m.f(x=1)", Some("m.f")),
            ("no function", None),
        ] {
            assert_eq!(name_of(key.as_bytes()), name.map(str::as_bytes), "{key}");
        }
    }
}

//! The members of an object inside the file, one after the other.

use std::borrow::Cow;

use super::scan::{After, Scanner, at_end, first_entry, plain_or_unescaped};
use crate::error::Result;
use crate::value::check::check;
use crate::value::text::unescape;

/// Passes the key and the value of each member of the object `text` to `take`. The grammar inside
/// the values is not checked.
pub(super) fn members<'t>(
    text: &'t [u8],
    mut take: impl FnMut(Cow<'t, [u8]>, &'t [u8]),
) -> Result<()> {
    let mut scanner = Scanner::new(text);
    let Some(mut at) = first_entry(&scanner, text)? else { return Ok(()) };
    loop {
        let entry = scanner.entry(at)?;
        take(plain_or_unescaped(&text[entry.key], entry.escapes), &text[entry.value.clone()]);
        match scanner.after(entry.value.end) {
            After::Comma(next) => at = next,
            After::Close(end) => return at_end(&scanner, text, end),
            After::Other(place) => return scanner.fail("expected a comma", place),
        }
    }
}

/// Returns the finite number that `text` is.
pub(super) fn number(text: &[u8]) -> Option<f64> {
    // Rust accepts words such as "inf", too.
    text.first().filter(|byte| matches!(byte, b'0'..=b'9' | b'-'))?;
    str::from_utf8(text).ok()?.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Returns the string that `text` is, if it is UTF-8.
pub(super) fn string(text: &[u8]) -> Option<String> {
    let body = text.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    check(text).ok()?;
    let mut plain = Vec::new();
    unescape(body, &mut plain);
    String::from_utf8(plain).ok()
}

//! Numbers, literals and escapes in a text that may not be JSON.

use super::text::hex4;

/// Returns the place after the number or literal of strict JSON at `at`; `None` if there is none,
/// or if other characters follow it directly.
pub(super) fn scalar_end(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let length = match rest.first()? {
        b'n' if rest.starts_with(b"null") => 4,
        b't' if rest.starts_with(b"true") => 4,
        b'f' if rest.starts_with(b"false") => 5,
        b'-' => 1 + number(&rest[1..])?,
        _ => number(rest)?,
    };
    matches!(rest.get(length), None | Some(b' ' | b',' | b']' | b'}')).then_some(at + length)
}

/// Returns the length of the number without a sign that `rest` begins with.
fn number(rest: &[u8]) -> Option<usize> {
    let mut at = digits(rest, 0)?;
    if rest[0] == b'0' && at > 1 {
        return None;
    }
    if rest.get(at) == Some(&b'.') {
        at = digits(rest, at + 1)?;
    }
    if matches!(rest.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(rest.get(at + 1), Some(b'+' | b'-')));
        at = digits(rest, at + 1 + sign)?;
    }
    Some(at)
}

/// Returns the place after one digit or more at `at`.
fn digits(rest: &[u8], at: usize) -> Option<usize> {
    let count = rest.get(at..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (count > 0).then_some(at + count)
}

/// Returns whether the text from `at` on makes an escape of the backslash before it.
pub(super) fn escape_is_good(text: &[u8], at: usize) -> bool {
    match text.get(at) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => true,
        Some(b'u') => hex4(&text[at + 1..]).is_some(),
        _ => false,
    }
}

//! One entry with what is known of it:
//! `{"result": value, "at": 1764412345.1, "took": 0.84, "code": "3f2a9c1b"}`.
//!
//! A kept exception has `"error"` in the place of `"result"`; as an item its text is `{"$error":
//! …}`. We write the members in this order; any other is read, too.

use std::borrow::Cow;

use bytes::Bytes;

use super::members::{members, number, string};
use crate::store::{Code, Notes};
use crate::sync::Arc;
use crate::value::check::check;
use crate::value::normalise::normalise;
use crate::value::write::{Charset, Writer};

/// The beginning of our texts of kept exceptions. (A real dict that looks like this is escaped.)
const ERROR: &[u8] = b"{\"$error\": ";

/// The contents of an entry.
#[derive(Debug, Default)]
pub(super) struct Annotated<'t> {
    pub(super) value: Value<'t>,
    /// When it was made, in seconds since the epoch.
    pub(super) created: Option<f64>,
    pub(super) notes: Notes,
}

/// What the call returned or raised.
#[derive(Debug, Default)]
pub(super) enum Value<'t> {
    Result(&'t [u8]),
    Error(&'t [u8]),
    /// There is neither.
    #[default]
    Missing,
}

/// Reads an entry. An object without a result is empty; anything else is a result that a user put
/// there.
pub(super) fn read(text: &[u8]) -> Annotated<'_> {
    if !text.starts_with(b"{") {
        return Annotated { value: Value::Result(text), ..Annotated::default() };
    }
    let mut read = Annotated::default();
    let (mut others, mut sound) = (Vec::new(), true);
    let whole = members(text, |key, value| {
        match &*key {
            // These are checked when a value is made of them.
            b"result" => return read.value = Value::Result(value),
            b"error" => return read.value = Value::Error(value),
            b"at" => read.created = number(value),
            b"took" => read.notes.took = number(value),
            b"code" if code(value).is_some() => read.notes.code = code(value),
            _ => add_other(&mut others, &key, value),
        }
        sound &= !has_control(&key) && check(value).is_ok();
    });
    if whole.is_err() || !sound {
        return Annotated::default();
    }
    if !others.is_empty() {
        others.push(b'}');
        read.notes.others = Some(Arc::new(others.into()));
    }
    read
}

/// Returns whether `key` holds a control character that is not escaped.
#[expect(clippy::ptr_arg, reason = "what is borrowed had no escapes")]
fn has_control(key: &Cow<'_, [u8]>) -> bool {
    matches!(key, Cow::Borrowed(key) if key.iter().any(|&byte| byte < b' '))
}

fn code(value: &[u8]) -> Option<Code> {
    string(value).and_then(Code::new)
}

/// Adds an unknown member to an object of such.
fn add_other(others: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let mut name = Writer::new(Charset::Ascii);
    if name.wtf8(key).is_err() {
        return;
    }
    others.extend_from_slice(if others.is_empty() { b"{" } else { b", " });
    others.extend_from_slice(name.as_bytes());
    others.extend_from_slice(b": ");
    others.extend_from_slice(value);
}

/// Returns the text of an item for a kept exception.
pub(super) fn error_text(payload: &[u8]) -> Option<Bytes> {
    let payload = normalise(payload, Charset::Utf8).ok()?;
    // Any other value would be taken for a dict.
    payload.starts_with(b"[\"").then(|| [ERROR, &payload, b"}"].concat().into())
}

/// Returns the beginning of the entry of a value, and the value itself.
pub(super) fn head(text: &[u8]) -> (&'static [u8], &[u8]) {
    let payload = text.strip_prefix(ERROR).and_then(|rest| rest.strip_suffix(b"}"));
    match payload.filter(|payload| payload.starts_with(b"[\"")) {
        Some(payload) => (b"{\"error\": ", payload),
        None => (b"{\"result\": ", text),
    }
}

/// Appends everything that follows the value of an entry, and its bracket.
pub(super) fn put_tail(created: Option<f64>, notes: &Notes, out: &mut Writer) {
    if let Some(created) = created.filter(|created| created.is_finite()) {
        put_number("at", thousandths(created), out);
    }
    if let Some(took) = notes.took.filter(|took| took.is_finite()) {
        put_number("took", three_digits(took), out);
    }
    if let Some(code) = notes.code {
        out.key(false, "code");
        out.str(code.as_str());
    }
    let others = notes.others.as_ref().and_then(|others| normalise(others, out.charset()).ok());
    if let Some(members) = others.as_ref().and_then(|all| all.strip_prefix(b"{")) {
        out.comma();
        out.raw(members);
    } else {
        out.end_dict();
    }
}

fn put_number(name: &str, value: f64, out: &mut Writer) {
    out.key(false, name);
    out.float(value);
}

/// Returns whether the entry `text`, which is valid and in our spelling, has a time.
pub(super) fn has_time(text: &[u8]) -> bool {
    const CODE: &[u8] = b", \"code\": \"12345678\"";
    let Some(mut rest) = text.strip_suffix(b"}") else { return false };
    if let Some(before) = rest.len().checked_sub(CODE.len())
        && rest[before..].starts_with(&CODE[..11])
    {
        rest = &rest[..before];
    }
    let rest = without_number(rest, b", \"took\": ").unwrap_or(rest);
    without_number(rest, b", \"at\": ").is_some() || read(text).created.is_some()
}

/// Returns whether a text from a file of unknown format looks like one of our entries.
pub(super) fn looks_annotated(text: &[u8]) -> bool {
    (text.starts_with(b"{\"result\": ") || text.starts_with(b"{\"error\": ")) && has_time(text)
}

/// Returns `text` without the member `name` at its end, if that is a number.
fn without_number<'t>(text: &'t [u8], name: &[u8]) -> Option<&'t [u8]> {
    let is_part = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'-' | b'+');
    let length = text.iter().rev().take_while(is_part).count();
    text[..text.len() - length].strip_suffix(name).filter(|_| length > 0)
}

/// Rounds a time to a thousandth of a second: finer digits are noise, and would double the length.
fn thousandths(seconds: f64) -> f64 {
    let rounded = (seconds * 1000.0).round() / 1000.0;
    if rounded.is_finite() { rounded } else { seconds }
}

/// Rounds a duration to three digits.
fn three_digits(seconds: f64) -> f64 {
    // These powers of ten are exact, so dividing by one leaves every digit right.
    let powers = (0..=22).scan(1.0, |power, _| Some(std::mem::replace(power, *power * 10.0)));
    let scale = powers.into_iter().find(|power| seconds * power >= 100.0);
    match scale {
        Some(scale) if seconds < 1000.0 => (seconds * scale).round() / scale,
        _ if seconds == 0.0 => seconds,
        _ => format!("{seconds:.2e}").parse().unwrap_or(seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::{Value, has_time, head, put_tail, read, three_digits};
    use crate::store::{Code, Notes};
    use crate::sync::Arc;
    use crate::value::write::{Charset, Writer};

    fn entry(text: &[u8], created: Option<f64>, notes: &Notes) -> Vec<u8> {
        let (before, value) = head(text);
        let mut out = Writer::new(Charset::Utf8);
        put_tail(created, notes, &mut out);
        [before, value, out.as_bytes()].concat()
    }

    /// An entry that is written is read back with everything known of it, unknown members included.
    #[test]
    fn entries_come_back() {
        let code = Code::new("3f2a9c1b");
        let others = Some(Arc::new(b"{\"x\": [1, {\"at\": 2}], \"y\": \"}\"}".as_slice().into()));
        for created in [None, Some(1_764_412_345.125)] {
            for took in [None, Some(0.84), Some(0.0), Some(1e-9)] {
                for (code, others) in
                    [(None, None), (code, None), (code, others.clone()), (None, others.clone())]
                {
                    let notes = Notes { took, code, others };
                    for text in [b"1".as_slice(), b"{\"at\": 1}", b"\"x, \\\"at\\\": 5\"", b"null"]
                    {
                        let line = entry(text, created, &notes);
                        let back = read(&line);
                        assert!(matches!(back.value, Value::Result(value) if value == text));
                        assert_eq!((back.created, &back.notes), (created, &notes));
                        assert_eq!(has_time(&line), created.is_some(), "{}", line.escape_ascii());
                    }
                }
            }
        }
    }

    /// A kept exception is written as an error; a dict that is not one is a result.
    #[test]
    fn errors_are_told_from_results() {
        let line = entry(b"{\"$error\": [\"E\", 1]}", None, &Notes::default());
        assert_eq!(line, b"{\"error\": [\"E\", 1]}");
        for text in [b"{\"$error\": 1}".as_slice(), b"{\"$error\": [1]}"] {
            assert!(entry(text, None, &Notes::default()).starts_with(b"{\"result\": "));
        }
    }

    /// An object that is no entry is empty; anything else is a result that a user put there.
    #[test]
    fn what_is_no_entry_says_nothing() {
        for text in [b"{}".as_slice(), b"{\"at\": 1}", b"{\"result\": 1 2}", b"{\"result\": "] {
            assert!(matches!(read(text).value, Value::Missing), "{}", text.escape_ascii());
        }
        for text in [b"1".as_slice(), b"[]"] {
            assert!(matches!(read(text).value, Value::Result(found) if found == text));
        }
    }

    /// Durations are written with three digits.
    #[test]
    fn spans_have_three_digits() {
        for (span, text) in [
            (0.8395, "0.84"),
            (12.34, "12.3"),
            (1234.5, "1230.0"),
            (0.000_012_345, "0.0000123"),
            (0.0, "0.0"),
            (86_400.0, "86400.0"),
        ] {
            let mut out = Writer::new(Charset::Ascii);
            out.float(three_digits(span));
            assert_eq!(out.as_bytes(), text.as_bytes());
        }
    }
}

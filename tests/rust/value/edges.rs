//! Edges of the grammar: duplicate keys, tags, depth, looseness, and strings of every length.

use outlive::error::Error;
use outlive::value::MAX_DEPTH;
use outlive::value::check::check;
use outlive::value::normalise::normalise;
use outlive::value::tag::{Tag, escape, unescape};
use outlive::value::write::{Charset, Writer};

use super::{Node, read};

/// A duplicate key is handed over twice.
#[test]
fn duplicate_keys_are_handed_over() {
    let Node::Dict(members, false) = read(r#"{"a": 1, "a": 2}"#).unwrap() else { panic!() };
    assert_eq!(members.len(), 4);
}

/// A dict of one member is marked if its key begins with a dollar sign; no other dict is.
#[test]
fn possible_tags_are_marked() {
    for (text, marks) in [
        (r#"{"$t": 1}"#, true),
        (r#"{"\u0024t": {"a": 1}}"#, true),
        (r#"{"t": {"$a": 1}}"#, false),
        (r#"{"$t": 1, "b": 2}"#, false),
        (r#"{"b": 1, "$t": 2}"#, false),
        ("{}", false),
    ] {
        let Node::Dict(_, marked) = read(text).unwrap() else { panic!() };
        assert_eq!(marked, marks, "{text}");
    }
}

fn nested(levels: usize) -> String {
    "[".repeat(levels) + &"]".repeat(levels)
}

/// 500 levels are read on a small stack; any more are an immediate error, however many there are.
#[test]
fn depth_is_limited() {
    let small = std::thread::Builder::new().stack_size(512 * 1024);
    small
        .spawn(|| {
            assert!(read(nested(MAX_DEPTH)).is_ok());
            for levels in [MAX_DEPTH + 1, 10_000, 1_000_000] {
                let text = nested(levels);
                assert!(matches!(read(&text), Err(Error::TooDeep { limit: MAX_DEPTH })));
                assert!(matches!(check(text.as_bytes()), Err(Error::TooDeep { .. })));
            }
        })
        .unwrap()
        .join()
        .unwrap();
}

/// A text that needs no change is borrowed, not copied.
#[test]
fn tidy_borrows_what_is_tidy() {
    use std::borrow::Cow;
    assert!(matches!(normalise(b"{\"a\":  1}", Charset::Ascii).unwrap(), Cow::Borrowed(_)));
    assert!(matches!(normalise("\"\u{e9}\"".as_bytes(), Charset::Utf8).unwrap(), Cow::Borrowed(_)));
    assert_eq!(
        normalise("[\n\"\u{e9}\\n\"]".as_bytes(), Charset::Ascii).unwrap().as_ref(),
        br#"["\u00e9\n"]"#
    );
}

/// A tag that would be one level too deep is an error, never a text that cannot be read again.
#[test]
fn tidy_keeps_the_depth() {
    let deep = |levels: usize| "[".repeat(levels) + "NaN" + &"]".repeat(levels);
    assert!(check(&normalise(deep(MAX_DEPTH - 1).as_bytes(), Charset::Ascii).unwrap()).is_ok());
    assert!(normalise(deep(MAX_DEPTH).as_bytes(), Charset::Ascii).is_err());
}

/// The checker reports what would have to change in a strict file with one entry a line.
#[test]
fn looseness_is_reported() {
    for (text, non_ascii, loose) in [
        ("[1, 2]", false, false),
        ("[1,\n2]", false, true),
        ("NaN", false, true),
        ("\"\u{e9}\"", true, false),
        ("[1,\t2]", false, true),
        ("\"\\n\"", false, false),
        ("\r1", false, true),
    ] {
        let found = check(text.as_bytes()).unwrap();
        assert_eq!((found.non_ascii, found.loose), (non_ascii, loose), "{text:?}");
    }
}

/// Each tag is found by its name; a real key that looks like a tag has one more dollar sign.
#[test]
fn tags_and_their_escapes() {
    for tag in Tag::all() {
        let name = tag.name().as_bytes();
        assert_eq!(Tag::from_key(name), Some(tag));
        assert_eq!(unescape(name), None);
        let once = escape(name).unwrap();
        assert_eq!(Tag::from_key(&once), None);
        assert_eq!(unescape(&once), Some(name));
        let twice = escape(&once).unwrap();
        assert_eq!(unescape(&twice), Some(once.as_slice()));
    }
    for plain in ["$ref", "$", "$$", "", "tuple", "$tuple ", "x$tuple"] {
        assert_eq!(escape(plain.as_bytes()), None);
        assert_eq!(unescape(plain.as_bytes()), None);
    }
}

/// A writer hands over its text in memory of the exact size, and can then be used again.
#[test]
fn writers_are_reused() {
    let mut out = Writer::new(Charset::Utf8);
    out.int64(-12);
    assert_eq!(out.take_exact().as_ref(), b"-12");
    out.bool(true);
    assert_eq!(out.take_exact().as_ref(), b"true");
}

/// A string of any length is written whole, whatever stands before it in the buffer.
#[test]
fn strings_of_every_length() {
    let letters: String = ('a'..='z').cycle().take(80).collect();
    for charset in [Charset::Ascii, Charset::Utf8] {
        for length in 0..=letters.len() {
            let mut writer = Writer::new(charset);
            writer.raw(b"[");
            writer.str(&letters[..length]);
            let written = format!("[\"{}\"", &letters[..length]);
            assert_eq!(writer.as_bytes(), written.as_bytes());
        }
    }
}

/// What is written into the room behind a text becomes part of it, as far as is said.
#[test]
fn room_behind_a_text() {
    let mut out = Writer::new(Charset::Utf8);
    assert_eq!(out.room().len(), 0);
    out.raw(b"[1");
    out.room()[..4].copy_from_slice(b", 23");
    out.written(3);
    out.raw(b"]");
    assert_eq!(out.take_exact().as_ref(), b"[1, 2]");
}

/// More than there is room for cannot have been written.
#[test]
#[should_panic(expected = "fits the room")]
fn no_more_than_the_room() {
    let mut out = Writer::new(Charset::Utf8);
    let more = out.room().len() + 1;
    out.written(more);
}

//! JSON texts: what is read, what is refused, what is written.

use std::vec::Drain;

use outlive::error::Error;
use outlive::value::MAX_DEPTH;
use outlive::value::check::check;
use outlive::value::normalise::normalise;
use outlive::value::parse::{Build, parse};
use outlive::value::tag::{Tag, escape, unescape};
use outlive::value::text::{Text, has_split_pair};
use outlive::value::write::{Charset, Writer};
use proptest::prelude::*;
use serde_json::Value;

/// A value as it was handed over, nothing merged and nothing rounded.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Null,
    Bool(bool),
    Int(String),
    Float(u64),
    Str(Vec<u8>),
    List(Vec<Node>),
    Dict(Vec<Node>, bool),
}

struct Tree;

impl Build for Tree {
    type Node = Node;
    type Error = Error;

    fn null(&mut self) -> Result<Node, Error> {
        Ok(Node::Null)
    }
    fn bool(&mut self, value: bool) -> Result<Node, Error> {
        Ok(Node::Bool(value))
    }
    fn int64(&mut self, value: i64) -> Result<Node, Error> {
        Ok(Node::Int(value.to_string()))
    }
    fn int(&mut self, digits: &str) -> Result<Node, Error> {
        assert!(digits.parse::<i64>().is_err(), "{digits} should have come as an i64");
        Ok(Node::Int(digits.to_owned()))
    }
    fn float(&mut self, value: f64) -> Result<Node, Error> {
        Ok(Node::Float(value.to_bits()))
    }
    fn str(&mut self, text: Text<'_>) -> Result<Node, Error> {
        assert_eq!(text.ascii, text.bytes.is_ascii());
        Ok(Node::Str(text.bytes.to_vec()))
    }
    fn key(&mut self, text: Text<'_>) -> Result<Node, Error> {
        self.str(text)
    }
    fn list(&mut self, items: Drain<'_, Node>, _: usize) -> Result<Node, Error> {
        Ok(Node::List(items.collect()))
    }
    fn dict(&mut self, members: Drain<'_, Node>, _: usize, marked: bool) -> Result<Node, Error> {
        Ok(Node::Dict(members.collect(), marked))
    }
}

fn read(text: impl AsRef<[u8]>) -> Result<Node, Error> {
    parse(text.as_ref(), &mut Tree)
}

fn string(text: impl AsRef<[u8]>) -> Node {
    Node::Str(text.as_ref().to_vec())
}

fn float(value: f64) -> Node {
    Node::Float(value.to_bits())
}

fn written(charset: Charset, write: impl FnOnce(&mut Writer)) -> String {
    let mut writer = Writer::new(charset);
    write(&mut writer);
    String::from_utf8(writer.as_bytes().to_vec()).unwrap()
}

/// `value` as `serde_json`'s reader sees it, in the words of this file.
fn from_serde(value: &Value) -> Node {
    match value {
        Value::Null => Node::Null,
        Value::Bool(b) => Node::Bool(*b),
        Value::Number(n) => from_number(&n.to_string()),
        Value::String(s) => string(s),
        Value::Array(items) => Node::List(items.iter().map(from_serde).collect()),
        Value::Object(members) => {
            let marked = members.len() == 1 && members.keys().all(|k| k.starts_with('$'));
            let nodes = members.iter().flat_map(|(k, v)| [string(k), from_serde(v)]).collect();
            Node::Dict(nodes, marked)
        }
    }
}

fn from_number(text: &str) -> Node {
    if text.contains(['.', 'e', 'E']) {
        return float(text.parse().unwrap());
    }
    Node::Int(if text == "-0" { "0" } else { text }.to_owned())
}

/// Writes `node` as a caller of the writer would.
fn write(node: &Node, out: &mut Writer) {
    match node {
        Node::Null => out.null(),
        Node::Bool(b) => out.bool(*b),
        Node::Int(digits) => match digits.parse() {
            Ok(small) => out.int64(small),
            Err(_) => out.digits(digits),
        },
        Node::Float(bits) => out.float(f64::from_bits(*bits)),
        Node::Str(text) => out.wtf8(text).unwrap(),
        Node::List(items) => {
            out.begin_list();
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.comma();
                }
                write(item, out);
            }
            out.end_list();
        }
        Node::Dict(members, _) => {
            out.begin_dict();
            for (i, member) in members.iter().enumerate() {
                match i {
                    0 => {}
                    _ if i % 2 == 1 => out.colon(),
                    _ => out.comma(),
                }
                write(member, out);
            }
            out.end_dict();
        }
    }
}

fn json() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<i64>().prop_map(|i| i.to_string()),
        "-?[1-9][0-9]{17,60}",
        any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(|f| format!("{f:?}")),
        "-?(0|[1-9][0-9]{0,5})(\\.[0-9]{1,20})?([eE][-+]?[0-9]{1,2})?",
    ];
    let text = prop_oneof![any::<String>(), "\\PC{0,40}", "[ -~]{0,70}", "\\$[a-z]{0,6}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number.prop_map(|n| serde_json::from_str(&n).unwrap()),
        text.clone().prop_map(Value::String),
    ];
    leaf.prop_recursive(5, 60, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
            prop::collection::vec((text.clone(), inner), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A text and one to three random damages to it.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let damage = (any::<prop::sample::Index>(), any::<u8>(), 0..3_u8);
    (json(), prop::collection::vec(damage, 1..4)).prop_map(|(value, damages)| {
        let mut text = serde_json::to_vec(&value).unwrap();
        for (place, byte, kind) in damages {
            if text.is_empty() {
                break;
            }
            let at = place.index(text.len());
            match kind {
                0 => text[at] = byte,
                1 => text.truncate(at),
                _ => text.insert(at, b"\"\\{}[],: 0-.eE\n\x00u"[usize::from(byte) % 17]),
            }
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    /// A text means what serde_json says it means.
    #[test]
    fn agrees_with_serde(value in json()) {
        for text in [serde_json::to_vec(&value).unwrap(), serde_json::to_vec_pretty(&value).unwrap()] {
            prop_assert_eq!(read(&text).unwrap(), from_serde(&value));
        }
    }

    /// What the writer writes reads back as the same value, in both charsets.
    #[test]
    fn written_values_come_back(value in json()) {
        let node = from_serde(&value);
        for charset in [Charset::Ascii, Charset::Utf8] {
            let text = written(charset, |out| write(&node, out));
            prop_assert_eq!(read(&text).unwrap(), node.clone());
            prop_assert!(charset == Charset::Utf8 || text.is_ascii());
            prop_assert!(!check(text.as_bytes()).unwrap().loose);
        }
    }

    /// Checking and parsing give the same verdict on any text.
    #[test]
    fn check_and_parse_agree(text in mutated()) {
        let parsed = read(&text).map(drop).map_err(|e| e.to_string());
        prop_assert_eq!(check(&text).map(drop).map_err(|e| e.to_string()), parsed);
    }

    /// A damaged text that is taken is one that serde_json takes too, or holds Python's extras.
    #[test]
    fn nothing_but_json_is_taken(text in mutated()) {
        let lossy = String::from_utf8_lossy(&text).into_owned();
        let extras = lossy.contains("\\u") || lossy.contains("NaN") || lossy.contains("Infinity");
        prop_assert!(extras || read(&text).is_ok() == serde_json::from_slice::<Value>(&text).is_ok());
    }

    /// A tidied text is one line of strict JSON in its charset, with the same value.
    #[test]
    fn tidy_preserves_the_value(value in json(), pretty: bool) {
        let text = if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) };
        let text = text.unwrap();
        for charset in [Charset::Ascii, Charset::Utf8] {
            let tidied = normalise(&text, charset).unwrap();
            let found = check(&tidied).unwrap();
            prop_assert!(!found.loose);
            prop_assert!(charset == Charset::Utf8 || !found.non_ascii);
            prop_assert_eq!(read(&tidied).unwrap(), from_serde(&value));
        }
    }

    /// Any float is written as a float that reads back bit by bit.
    #[test]
    fn floats_are_exact(bits: u64) {
        let value = f64::from_bits(bits);
        prop_assume!(value.is_finite());
        let text = written(Charset::Ascii, |out| out.float(value));
        prop_assert!(text.contains(['.', 'e']));
        prop_assert_eq!(read(&text).unwrap(), float(value));
    }

    /// Any Python string without a split pair survives writing and reading.
    #[test]
    fn lone_surrogates_survive(units in prop::collection::vec(prop_oneof![0xd7f0..0xe010_u16, 0..0x80_u16], 0..12)) {
        let text: Vec<u8> = char::decode_utf16(units).flat_map(|unit| match unit {
            Ok(character) => character.to_string().into_bytes(),
            Err(lone) => {
                let [high, low] = lone.unpaired_surrogate().to_be_bytes();
                vec![0xed, 0x80 | (high & 0xf) << 2 | low >> 6, 0x80 | low & 0x3f]
            }
        }).collect();
        prop_assert!(!has_split_pair(&text));
        for charset in [Charset::Ascii, Charset::Utf8] {
            let json = written(charset, |out| out.wtf8(&text).unwrap());
            prop_assert_eq!(read(&json).unwrap(), string(&text));
        }
    }
}

/// Numbers keep their kind and their exact value, whatever their size.
#[test]
fn numbers_are_exact() {
    for int in [
        "0",
        "-1",
        "999999999999999999",
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808",
        "123456789012345678901234567890",
        "-18446744073709551616",
    ] {
        assert_eq!(read(int).unwrap(), Node::Int(int.to_owned()));
    }
    for value in [5e-324, -0.0, 0.0, 1e22, 1.0, 1.797_693_134_862_315_7e308, 0.1] {
        assert_eq!(read(written(Charset::Ascii, |out| out.float(value))).unwrap(), float(value));
    }
    assert_eq!(read("1e400").unwrap(), float(f64::INFINITY));
}

/// Floats are written as short as they can be and never look like integers.
#[test]
fn floats_look_like_floats() {
    for (value, text) in
        [(1.0, "1.0"), (-0.0, "-0.0"), (1e22, "1e+22"), (5e-324, "5e-324"), (0.1, "0.1")]
    {
        assert_eq!(written(Charset::Utf8, |out| out.float(value)), text);
    }
}

/// A float that is no number is written as a tagged value, so that the file stays strict JSON.
#[test]
fn non_finite_floats_are_tagged() {
    for (value, word) in [(f64::NAN, "nan"), (f64::INFINITY, "inf"), (f64::NEG_INFINITY, "-inf")] {
        let text = written(Charset::Utf8, |out| out.float(value));
        assert_eq!(text, format!("{{\"$float\": \"{word}\"}}"));
    }
}

/// Python's words for what is no number are read, and tidied into tags.
#[test]
fn python_words_are_read() {
    assert_eq!(
        read("[Infinity, -Infinity]").unwrap(),
        Node::List(vec![float(f64::INFINITY), float(f64::NEG_INFINITY)])
    );
    assert!(matches!(read("NaN").unwrap(), Node::Float(bits) if f64::from_bits(bits).is_nan()));
    let tidied = normalise(b"[NaN,\n-Infinity]", Charset::Utf8).unwrap();
    assert_eq!(tidied.as_ref(), br#"[{"$float": "nan"}, {"$float": "-inf"}]"#);
}

/// Escapes are decoded; a pair is one character, and a surrogate without its partner is kept.
#[test]
fn escapes_are_decoded() {
    for (json, text) in [
        (r#""\"\\\/\b\f\n\r\t\u0000""#, b"\"\\/\x08\x0c\n\r\t\0".as_slice()),
        (r#""\ud83d\ude00 \u00e9\u20AC""#, "\u{1f600} \u{e9}\u{20ac}".as_bytes()),
        (r#""cut \ud83d""#, b"cut \xed\xa0\xbd"),
        (r#""\ude00\ud83d""#, b"\xed\xb8\x80\xed\xa0\xbd"),
        (r#""\ud83d\ud83d\ude00""#, b"\xed\xa0\xbd\xf0\x9f\x98\x80"),
        (r#""\ud83d\u0041""#, b"\xed\xa0\xbdA"),
        ("\"\u{2028}\u{7f}\"", "\u{2028}\u{7f}".as_bytes()),
    ] {
        assert_eq!(read(json).unwrap(), string(text), "{json}");
    }
}

/// In ASCII everything beyond it is an escape in lower case, as Python's own writer has it.
#[test]
fn ascii_is_written_as_python_does() {
    let text = "\u{e9}\u{1f600}\u{7f}\n\u{1}/\"\\";
    let ascii = written(Charset::Ascii, |out| out.str(text));
    assert_eq!(ascii, r#""\u00e9\ud83d\ude00\u007f\n\u0001/\"\\""#);
    let utf8 = written(Charset::Utf8, |out| out.str(text));
    assert_eq!(utf8, "\"\u{e9}\u{1f600}\u{7f}\\n\\u0001/\\\"\\\\\"");
}

/// Bytes that no Python string can have are refused, and nothing of them is written.
#[test]
fn bad_strings_are_not_written() {
    for bad in [b"a\xff".as_slice(), b"\xed\xa0", b"\xc0\x80"] {
        let mut out = Writer::new(Charset::Utf8);
        assert!(out.wtf8(bad).is_err());
        assert!(out.as_bytes().is_empty());
    }
}

/// Two surrogates that JSON would join into one character are recognised.
#[test]
fn split_pairs_are_recognised() {
    assert!(has_split_pair(b"x\xed\xa0\xbd\xed\xb8\x80"));
    for whole in
        ["\u{1f600}".as_bytes(), b"\xed\xb8\x80\xed\xa0\xbd", b"\xed\xa0\xbd \xed\xb8\x80", b"\xed"]
    {
        assert!(!has_split_pair(whole));
    }
}

/// What is not JSON is refused, in parsing and in checking alike.
#[test]
fn bad_texts_are_refused() {
    for bad in [
        "",
        " ",
        "nul",
        "nulll",
        "tru",
        "[1,]",
        "[,1]",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:2}",
        "01",
        "-",
        "+1",
        "1.",
        ".5",
        "1e",
        "1e+",
        "-01",
        "0x10",
        "--1",
        "\"",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"a\nb\"",
        "\"\u{0}\"",
        "1 2",
        "[1 2]",
        "[1}",
        "{\"a\":1]",
        "]",
        "[",
        "{",
        "'a'",
        "-NaN",
        "Infinit",
        "\u{feff}1",
        "[1]\u{0}",
    ] {
        assert!(read(bad).is_err(), "{bad:?} was parsed");
        assert!(check(bad.as_bytes()).is_err(), "{bad:?} passed");
    }
    for bad in [b"\"\xff\"".as_slice(), b"\"\xed\xa0\xbd\"", b"\"\xc3\"", b"[1]\xa0"] {
        assert!(read(bad).is_err() && check(bad).is_err());
    }
}

/// A key that comes twice is handed over twice.
#[test]
fn duplicate_keys_are_handed_over() {
    let Node::Dict(members, false) = read(r#"{"a": 1, "a": 2}"#).unwrap() else { panic!() };
    assert_eq!(members.len(), 4);
}

/// A dict of one member is marked if its key begins with a dollar, and no other dict is.
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

/// 500 levels are read on a small stack; more is an error, at once, however many there are.
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

/// A text that needs nothing is lent, not copied.
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

/// The checker says what a file of one strict entry a line would have to change.
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

/// Each tag is found by its name, and a real key that looks like one is told apart by a dollar more.
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

/// A writer gives its text away in memory of its exact size and is ready for the next.
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

//! JSON texts: what is read, what is refused, what is written.

mod edges;
mod random;

use outlive::error::Error;
use outlive::value::check::check;
use outlive::value::normalise::normalise;
use outlive::value::parse::{Build, parse};
use outlive::value::text::{Text, has_split_pair};
use outlive::value::write::{Charset, Writer};
use serde_json::Value;
use std::vec::Drain;

/// A value as the parser handed it over: nothing merged, nothing rounded.
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

/// Returns the node that our parser must give for what `serde_json` read as `value`.
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

/// Floats are written in their shortest form and never look like integers.
#[test]
fn floats_look_like_floats() {
    for (value, text) in
        [(1.0, "1.0"), (-0.0, "-0.0"), (1e22, "1e+22"), (5e-324, "5e-324"), (0.1, "0.1")]
    {
        assert_eq!(written(Charset::Utf8, |out| out.float(value)), text);
    }
}

/// A float that is not finite is written as a tagged value, so that the file stays strict JSON.
#[test]
fn non_finite_floats_are_tagged() {
    for (value, word) in [(f64::NAN, "nan"), (f64::INFINITY, "inf"), (f64::NEG_INFINITY, "-inf")] {
        let text = written(Charset::Utf8, |out| out.float(value));
        assert_eq!(text, format!("{{\"$float\": \"{word}\"}}"));
    }
}

/// Python's words for floats that are not finite are read, and normalised to tags.
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

/// Escapes are decoded; a surrogate pair is one character, and a lone surrogate is kept.
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

/// In ASCII, every other character is an escape in lower case, as Python's own writer has it.
#[test]
fn ascii_is_written_as_python_does() {
    let text = "\u{e9}\u{1f600}\u{7f}\n\u{1}/\"\\";
    let ascii = written(Charset::Ascii, |out| out.str(text));
    assert_eq!(ascii, r#""\u00e9\ud83d\ude00\u007f\n\u0001/\"\\""#);
    let utf8 = written(Charset::Utf8, |out| out.str(text));
    assert_eq!(utf8, "\"\u{e9}\u{1f600}\u{7f}\\n\\u0001/\\\"\\\\\"");
}

/// Bytes that no Python string can hold are refused, and no part of them is written.
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

/// Parsing and checking both refuse what is not JSON.
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

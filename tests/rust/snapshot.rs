//! The file `NAME.json`: what is written, what is read, what is salvaged.

mod damage;
mod random;

use bytes::Bytes;
use outlive::store::snapshot::Damage;
use outlive::store::snapshot::read::{self, Reader};
use outlive::store::snapshot::write::write;
use outlive::store::{Format, Item, Notes, RESERVED_KEY};
use outlive::value::write::Charset;
use serde_json::{Map, Value, json};

fn item(key: impl AsRef<[u8]>, text: impl AsRef<[u8]>) -> Item {
    let copy = Bytes::copy_from_slice;
    Item {
        key: copy(key.as_ref()),
        text: copy(text.as_ref()),
        sound: false,
        created: None,
        timed: false,
        notes: Notes::default(),
    }
}

/// What was read from a file, with all its items made.
struct Snapshot {
    items: Vec<Item>,
    damage: Option<Damage>,
}

impl From<read::Snapshot> for Snapshot {
    fn from(read: read::Snapshot) -> Self {
        let expected = read.items.len();
        let items = read.items.into_vec();
        assert_eq!(items.len(), expected);
        Self { items, damage: read.damage }
    }
}

fn read(file: &Bytes) -> Snapshot {
    read::read(file).into()
}

fn load(text: impl AsRef<[u8]>) -> Snapshot {
    read(&Bytes::copy_from_slice(text.as_ref()))
}

/// Returns the entries as pairs of texts, for comparison.
fn pairs(snapshot: &Snapshot) -> Vec<(String, String)> {
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    snapshot.items.iter().map(|item| (text(&item.key), text(&item.text))).collect()
}

/// Returns the entries of a file, which must be whole.
fn whole(text: impl AsRef<[u8]>) -> Vec<(String, String)> {
    let snapshot = load(&text);
    assert_eq!(snapshot.damage, None, "{}", String::from_utf8_lossy(text.as_ref()));
    pairs(&snapshot)
}

/// Returns the entries of a file, which must be damaged, and what was said about the damage.
fn damaged(text: impl AsRef<[u8]>) -> (Vec<(String, String)>, String) {
    let snapshot = load(text);
    (pairs(&snapshot), snapshot.damage.as_ref().expect("damage").to_string())
}

fn save(items: &[Item], charset: Charset) -> Vec<u8> {
    save_as(items, charset, Format::Flat)
}

fn save_as(items: &[Item], charset: Charset, format: Format) -> Vec<u8> {
    let mut out = Vec::new();
    let written = write(&mut out, &items.into(), charset, format).unwrap();
    assert_eq!(written.bytes, out.len() as u64);
    assert_eq!(written.entries + written.refused.len(), items.len());
    out
}

fn pair(key: &str, text: &str) -> (String, String) {
    (key.to_owned(), text.to_owned())
}

/// Returns results as an API gives them: every kind of value, brackets and escapes in strings.
fn samples() -> Map<String, Value> {
    let value = json!({
        "https://api/users/1": {"login": "ada \"}{\" \\", "id": 1, "tags": ["x", [], {}]},
        "https://api/users/2": [1, 2.5, null, true, {"deep": [[[{"er": "]"}]]]}],
        "number": 12345,
        "esc \" \\ \u{e9}": "two\nlines \u{1f600}",
        "none": null,
        "https://api/long": {"text": "lorem ipsum ".repeat(12), "more": [{"a": 1}, {"b": "\\\\"}]},
        "last": false,
    });
    match value {
        Value::Object(map) => map,
        _ => unreachable!("it is an object"),
    }
}

fn items(map: &Map<String, Value>) -> Vec<Item> {
    map.iter().map(|(key, value)| item(key, value.to_string())).collect()
}

/// Returns the samples in common layouts: ours, compact, and indented by four spaces or by none.
fn layouts() -> Vec<(&'static str, Vec<u8>)> {
    let map = samples();
    let indent = |spaces: &[u8]| {
        let mut out = Vec::new();
        let style = serde_json::ser::PrettyFormatter::with_indent(spaces);
        let mut writer = serde_json::Serializer::with_formatter(&mut out, style);
        serde::Serialize::serialize(&map, &mut writer).unwrap();
        out
    };
    vec![
        ("ours", save(&items(&map), Charset::Utf8)),
        ("ours in ASCII", save(&items(&map), Charset::Ascii)),
        ("compact", serde_json::to_vec(&map).unwrap()),
        ("indent=4", indent(b"    ")),
        ("indent=0", indent(b"")),
    ]
}

/// Returns whether `item` is an entry of the samples, with its own value.
fn is_genuine(item: &Item) -> bool {
    let value: Option<Value> = serde_json::from_slice(&item.text).ok();
    let own = std::str::from_utf8(&item.key).ok().and_then(|key| samples().get(key).cloned());
    value.is_some() && value == own
}

/// Fails if a value came back that was never written under its key.
fn assert_genuine(items: &[Item], what: &str) {
    for item in items {
        assert!(is_genuine(item), "{what}: {item:?}");
    }
}

/// The file is one object with one entry a line, and nothing else.
#[test]
fn the_layout_is_one_entry_a_line() {
    let items = [item("a", "1"), item("b \"", "[\n1,\n2]"), item("\u{e9}", "\"\u{e9}\"")];
    let utf8 = save(&items, Charset::Utf8);
    assert_eq!(utf8, "{\n\"a\": 1,\n\"b \\\"\": [1, 2],\n\"\u{e9}\": \"\u{e9}\"\n}\n".as_bytes());
    let ascii = save(&items, Charset::Ascii);
    assert_eq!(
        ascii,
        br#"{
"a": 1,
"b \"": [1, 2],
"\u00e9": "\u00e9"
}
"#
    );
    assert_eq!(save(&[], Charset::Utf8), b"{}\n");
}

/// Texts that are known to be sound are copied as they are.
#[test]
fn sound_texts_are_copied() {
    let sound = Item { sound: true, ..item("a", "{\"x\":1}") };
    assert_eq!(save(&[sound], Charset::Ascii), b"{\n\"a\": {\"x\":1}\n}\n");
}

/// A text that is not JSON is left out and reported; the others are written.
#[test]
fn bad_texts_are_refused() {
    let mut out = Vec::new();
    let items = [item("good", "1"), item("bad", "{]"), item(b"\xff", "1"), item("fine", "2")];
    let written = write(&mut out, &items[..].into(), Charset::Utf8, Format::Flat).unwrap();
    let refused: Vec<_> = written.refused.iter().map(|(key, _)| key.as_ref()).collect();
    assert_eq!(refused, [b"bad".as_slice(), b"\xff"]);
    assert_eq!(whole(out), [pair("good", "1"), pair("fine", "2")]);
}

/// A flat file holds times under digests of the keys, only when an entry needs them, and they come
/// back exactly; times that 0.1.0 wrote under the keys themselves are read, too.
#[test]
fn times_survive() {
    let timed =
        |key: &[u8], created| Item { created: Some(created), timed: true, ..item(key, "1") };
    let untimed = Item { created: Some(5.0), ..item("plain", "2") };
    let items = [timed(b"a", 1_790_000_000.25), untimed.clone(), timed(b"\xed\xa0\xbd", 0.125)];
    let file = save(&items, Charset::Ascii);
    assert_eq!(
        String::from_utf8_lossy(&file),
        r#"{
"a": 1,
"plain": 2,
"\ud83d": 1,
"outlive:meta": {
  "version": 3,
  "entries": {
    "af63dc4c8601ec8c": {"at": 1790000000.25},
    "5bef901b8ab02d6f": {"at": 0.125}
  }
}
}
"#
    );
    let untimed_back = Item { created: None, ..untimed.clone() };
    assert_eq!(load(file).items, [items[0].clone(), untimed_back, items[2].clone()]);
    assert!(!save(&[untimed], Charset::Ascii).windows(4).any(|w| w == b"meta"));
    let old = r#"{"outlive:meta": {"version": 1, "times": {"a": 7, "b": null}}, "a": 1, "b": 2}"#;
    let created: Vec<_> = load(old).items.iter().map(|item| item.created).collect();
    assert_eq!(created, [Some(7.0), None]);
}

/// Nothing is read from a file of another version, and the version is reported.
#[test]
fn later_versions_are_not_read() {
    for (text, later) in [
        (r#"{"a": 1, "outlive:meta": {"version": 9, "times": {"a": 7}}}"#, 9),
        (r#"{"outlive:meta": {"version": 2}, "a": 1}"#, 2),
        (r#"{"a": {"result": 1}, "outlive": {"format": 3, "x": []}}"#, 3),
        (r#"{"a": {"result": 1}, "outlive": {"format": 1}}"#, 1),
    ] {
        let found = read::read(&Bytes::from_static(text.as_bytes()));
        assert_eq!((found.later, found.items.len()), (Some(later), 0), "{text}");
    }
}

/// A reserved key that holds a user's result is an entry like any other.
#[test]
fn a_foreign_reserved_member_is_an_entry() {
    for value in ["1", "{}", "[{\"version\": 1}]", "{\"times\": {}}", "{\"version\": \"1\"}"] {
        assert_eq!(whole(format!("{{\"{RESERVED_KEY}\": {value}}}")), [pair(RESERVED_KEY, value)]);
    }
}

/// Files of Python's `json` are read, in any layout, with a byte order mark, with any white space.
#[test]
fn foreign_layouts_are_read() {
    for (name, file) in layouts() {
        let back = load(&file);
        assert_eq!(back.damage, None, "{name}");
        assert_eq!(back.items.len(), samples().len(), "{name}");
        assert_genuine(&back.items, name);
    }
    assert_eq!(
        whole("\u{feff}\r\n{ \t\"a\"\n:\r[ 1 ]\t,\"b\":NaN } \n"),
        [pair("a", "[ 1 ]"), pair("b", "NaN")]
    );
    assert_eq!(whole(" { } "), []);
}

/// A duplicate key has its last value, in its first place.
#[test]
fn the_last_duplicate_wins() {
    assert_eq!(whole(r#"{"a": 1, "b": 2, "\u0061": 3}"#), [pair("a", "3"), pair("b", "2")]);
}

/// Escapes in keys are decoded when read, lone surrogates included, and encoded when written.
#[test]
fn keys_are_unescaped() {
    let back = load(r#"{"cut \ud83d": 1, "\ud83d\ude00\n\u0000": 2}"#);
    assert_eq!(back.items[0].key.as_ref(), b"cut \xed\xa0\xbd");
    assert_eq!(back.items[1].key.as_ref(), "\u{1f600}\n\0".as_bytes());
    assert_eq!(pairs(&load(save(&back.items, Charset::Ascii))), pairs(&back));
}

/// Entries share the memory of the file.
#[test]
fn entries_are_slices_of_the_file() {
    let file = Bytes::from_static(br#"{"key": [1, 2]}"#);
    let item = &read(&file).items[0];
    assert_eq!(item.key.as_ptr(), file[2..].as_ptr());
    assert_eq!(item.text.as_ptr(), file[8..].as_ptr());
}

/// Reading a file does not check the grammar inside values; that waits for their first use.
#[test]
fn grammar_waits() {
    assert_eq!(whole(r#"{"a": [1 2], "b": tru, "c": 3}"#).len(), 3);
}

/// Invalid UTF-8 is found wherever it stands in the file; a valid character is no damage anywhere.
#[test]
fn every_byte_is_checked_for_utf8() {
    let long = "0123456789abcdef".repeat(9);
    let file = format!("{{\"{long}\": {{\"{long}\": [\"{long}\"]}}, \"b\": \"{long}\", \"c\": 1}}");
    for at in 0..file.len() - 1 {
        let digits = file[at..at + 2].bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !digits {
            continue;
        }
        let with =
            |bytes: &[u8; 2]| [&file.as_bytes()[..at], bytes, &file.as_bytes()[at + 2..]].concat();
        assert_eq!(load(with(b"\xc3\xa9")).damage, None, "{at}");
        for bad in [b"\xc3x", b"x\x80", b"\xff\xff", b"\xc0\x80"] {
            let said = damaged(with(bad)).1;
            assert!(said.starts_with("not UTF-8"), "{at}: {said}");
        }
    }
}

/// Keys that are repeated many times, far apart and in different spellings, keep their first place
/// and have their last value.
#[test]
fn many_duplicates() {
    let spelled = |n: usize, round: usize| match round % 2 {
        0 => format!("\"key {n}\""),
        _ => format!("\"\\u006bey {n}\""),
    };
    let mut members = Vec::new();
    for round in 0..5 {
        members
            .extend((0..500).map(|n| format!("{}:[{round},{n}]", spelled(n * (round + 1), round))));
    }
    let file = format!("{{{}}}", members.join(","));
    let map: Map<String, Value> = serde_json::from_str(&file).unwrap();
    let expected: Vec<_> = map.iter().map(|(key, value)| pair(key, &value.to_string())).collect();
    assert_eq!(whole(file), expected);
}

/// A file that is read in pieces gives what it gives when read at once, wherever the pieces end:
/// inside a number, word, escape, character or white space.
#[test]
fn pieces_give_what_the_whole_gives() {
    let texts: [&[u8]; 7] = [
        b"\xef\xbb\xbf {\r\n \"a\\u00e9\" : [1, {\"b\": \"]\\\"\"}] , \"a\xc3\xa9\" :12.5e3\n,\"c\":null , \"c\": \"x\" } \n",
        b"{\n\"outlive:meta\": {\"version\": 1, \"times\": {\"k\": 5.5}},\n\"k\": {\"deep\": [[], {}]}\n}\n",
        b" { } ",
        b"{\"a\": 1, \"b\": [2}, \"c\": 3}",
        b"{\n\"a\": \"1\",\n\"b\": \"\xff\",\n\"c\": 3\n}\n",
        b"{\"a\": 1} {\"b\": 2}",
        b"{\n\"a\": {\"long\": \"0123456789012345678901234567890123456789012345678901234567890123456789\"},\n\"b\": [1",
    ];
    for text in texts {
        let whole = Bytes::from_static(text);
        let expected = read(&whole);
        for step in 1..text.len() {
            for first in 1..text.len() {
                let mut reader = Reader::default();
                (first..text.len()).step_by(step).for_each(|end| reader.advance(&text[..end]));
                let found = Snapshot::from(reader.finish(&whole));
                assert_eq!(found.items, expected.items, "{first} {step}");
                assert_eq!(found.damage, expected.damage, "{first} {step}");
            }
        }
    }
}

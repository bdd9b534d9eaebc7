//! The file `NAME.json`: what is written, what is read, what is salvaged.

use bytes::Bytes;
use outlive::store::snapshot::read::{self, Reader};
use outlive::store::snapshot::write::write;
use outlive::store::snapshot::{Damage, salt_of};
use outlive::store::{Entries, EntryRun, Format, Item, Items, Notes, RESERVED_KEY};
use outlive::value::check::check;
use outlive::value::write::Charset;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::sync::Arc;

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

/// What a file gives, all of it made.
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

/// The entries as pairs of texts, for comparing.
fn pairs(snapshot: &Snapshot) -> Vec<(String, String)> {
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    snapshot.items.iter().map(|item| (text(&item.key), text(&item.text))).collect()
}

/// The entries of a file that must be whole.
fn whole(text: impl AsRef<[u8]>) -> Vec<(String, String)> {
    let snapshot = load(&text);
    assert_eq!(snapshot.damage, None, "{}", String::from_utf8_lossy(text.as_ref()));
    pairs(&snapshot)
}

/// The entries of a file that must be found damaged, and what was said about it.
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

/// Some results as an API gives them: every kind of value, brackets and escapes in strings.
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

/// The samples in the layouts of the world: ours, one line, four spaces, no spaces.
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

/// Whether `item` is an entry of the samples, with its own value.
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

/// Times of a flat file stand under digests of the keys, only when some entry needs them, and come
/// back exactly; those that 0.1.0 wrote under the keys themselves are read, too.
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

/// Nothing is taken from a file of a later version, and its number is told.
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

/// A reserved key that holds somebody's result is an entry like any other.
#[test]
fn a_foreign_reserved_member_is_an_entry() {
    for value in ["1", "{}", "[{\"version\": 1}]", "{\"times\": {}}", "{\"version\": \"1\"}"] {
        assert_eq!(whole(format!("{{\"{RESERVED_KEY}\": {value}}}")), [pair(RESERVED_KEY, value)]);
    }
}

/// What Python's `json` writes is read, in any layout, with a mark, with any white space.
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

/// A key that comes twice has its last value, in its first place.
#[test]
fn the_last_duplicate_wins() {
    assert_eq!(whole(r#"{"a": 1, "b": 2, "\u0061": 3}"#), [pair("a", "3"), pair("b", "2")]);
}

/// Keys are read without their escapes, lone surrogates included, and written with them again.
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

/// A value of bad grammar is found at its first use, not when the file is read.
#[test]
fn grammar_waits() {
    assert_eq!(whole(r#"{"a": [1 2], "b": tru, "c": 3}"#).len(), 3);
}

/// A file cut at any byte gives back every entry that was complete before the cut.
#[test]
fn truncation_loses_only_what_is_cut() {
    for (name, file) in layouts() {
        let body = file.trim_ascii_end().len();
        let file = Bytes::from(file);
        let entries = read(&file).items;
        let ends: Vec<usize> = entries.iter().map(|item| end_of(&file, item)).collect();
        for cut in 0..body {
            let back = load(&file[..cut]);
            assert!(back.damage.is_some(), "{name} cut at {cut}");
            // The one number among them is complete when something follows it.
            let complete =
                |(end, item): (&usize, &Item)| *end + usize::from(item.key == "number") <= cut;
            let expected = ends.iter().zip(&entries).filter(|pair| complete(*pair)).count();
            assert_eq!(back.items, entries[..expected], "{name} cut at {cut}");
        }
    }
}

/// The place behind the value of `item`, which is a slice of `file`.
fn end_of(file: &Bytes, item: &Item) -> usize {
    item.text.as_ptr().addr() - file.as_ptr().addr() + item.text.len()
}

/// Damage inside one entry costs that entry; those before and behind it are salvaged.
#[test]
fn damage_costs_one_entry() {
    for (name, file) in layouts() {
        let place = memchr::memmem::find(&file, b"\"deep\"").unwrap();
        for (at, damage) in [(0, 1), (0, b'}'), (0, b']'), (0, 0xff), (0, 0), (1, b'"')] {
            let mut file = file.clone();
            file[place + at] = damage;
            let back = load(&file);
            assert!(
                back.damage.is_some() && back.items.len() == samples().len() - 1,
                "{name}: {damage}"
            );
            assert_genuine(&back.items, name);
        }
    }
}

/// In our own layout several damages cost no more than the entries they are in.
#[test]
fn damages_are_independent() {
    let (_, mut file) = layouts().swap_remove(0);
    for inside in ["\"deep\"", "\"more\"", "{\n\"https"] {
        let place = memchr::memmem::find(&file, inside.as_bytes()).unwrap();
        file[place] = b'\x02';
    }
    let (entries, _) = damaged(&file);
    let keys: Vec<_> = entries.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["https://api/users/1", "number", "esc \" \\ \u{e9}", "none", "last"]);
}

/// What is wrong is said in plain words, with the line.
#[test]
fn damage_is_named() {
    for (text, words) in [
        ("", "the file is empty"),
        (" \n", "the file is empty"),
        ("\0\0\0", "the file is filled with zeros"),
        ("[1, 2]", "the file holds a list, not an object"),
        ("[{\"a\": 1},", "the file holds a list, not an object"),
        ("12", "the file holds no object"),
        ("\"{}\"", "the file holds no object"),
        ("{\n\"a\": 1", "the file is cut off at line 2 (byte 8)"),
        ("{\n\"a\": 1\n}\n{}", "something follows the end of the object at line 4"),
        ("{\n\"a\": 1 2,\n\"b\": 3\n}", "bytes that belong to no entry at line 2"),
        ("{\n\"a\": 1,\n}", "expected an entry at line 3"),
        ("{\n\"a\": 1,\n\0\0\0\0", "expected an entry at line 3"),
        (
            "{\"a\": {x\": 1}, \"b\": {\"y\": 2, \"z\": [3, 4]}}",
            "expected a key in quotes at line 1 (byte 7)",
        ),
        ("{\"a\": [1}}", "a bracket that does not match"),
    ] {
        let (_, said) = damaged(text);
        assert!(said.starts_with(words), "{text:?}: {said}");
    }
    assert!(damaged(b"{\"a\": \"\xff\"}").1.starts_with("not UTF-8 at line 1 (byte 7)"));
}

/// A number that is cut by the end, or split by damage, is not taken for a shorter one.
#[test]
fn half_numbers_are_dropped() {
    for text in [
        "{\"a\": 12",
        "{\"a\": 12\0\0",
        "{\"a\": 12,4, \"b\": x",
        "{\"a\": 1}34, \"b\": 2}",
        "{\"a\": 1 4}",
    ] {
        assert!(!damaged(text).0.iter().any(|(key, _)| key == "a"), "{text:?}");
    }
    for text in ["{\"a\": 12 ", "{\"a\": 12,", "{\"a\": 12,\0", "{\"a\": 12,\n\0"] {
        assert_eq!(damaged(text).0, [pair("a", "12")], "{text:?}");
    }
}

/// What a longer file left behind a shorter one fills gaps, but replaces nothing.
#[test]
fn leftovers_replace_nothing() {
    let (entries, _) = damaged("{\n\"a\": 1\n}\nld\": 2},\n\"a\": 0,\n\"b\": 2\n}\n");
    assert_eq!(entries, [pair("a", "1"), pair("b", "2")]);
}

/// A member inside a damaged value is never taken for an entry of the file.
#[test]
fn members_of_values_are_no_entries() {
    for text in [
        "{\"a\": {\"x\": 1, ?, \"y\": 2}, \"b\": 3}",
        "{\n\"a\": {\n\"x\": 1,\n?,\n\"y\": 2\n},\n\"b\": 3\n}",
        "{\n    \"a\": {\n        \"x\": 1,\n        ?,\n        \"y\": 2\n    },\n    \"b\": 3\n}",
    ] {
        assert_eq!(damaged(text.replace('?', "\u{1}")).0, [pair("b", "3")], "{text}");
    }
}

/// An entry that lost its closing bracket does not swallow those behind it.
#[test]
fn an_open_entry_swallows_nothing() {
    for (text, indent) in [
        ("{\n\"a\": 1,\n\"b\": {\"x\": 1,\n\"c\": 3,\n\"d\": 4\n}\n", ""),
        ("{\n\"a\": 1,\n\"b\": {\"x\": 1,\n\"c\": 3,\n\"d\": 4\n}\n", "  "),
    ] {
        let text = text.replace("\n\"", &format!("\n{indent}\""));
        let (entries, said) = damaged(&text);
        assert_eq!(entries, [pair("a", "1"), pair("c", "3"), pair("d", "4")], "{text}");
        assert!(said.starts_with("an entry without an end at line 3"), "{said}");
    }
}

/// A large file of one line with damage in its first value is read in reasonable work.
#[test]
fn salvage_is_patient_but_not_endless() {
    let mut file = serde_json::to_vec(&vec![samples(); 300]).unwrap();
    file.splice(..1, *b"{\"a\": [\"");
    file.extend(b", \"b\": 1}");
    assert_eq!(damaged(&file).0, [pair("b", "1")]);
}

/// A long line of entries behind a damaged one is read in a time that is linear in it.
#[test]
fn salvage_of_a_long_line_is_linear() {
    let entries: Vec<_> = (0..200_000).map(|n| format!("\"key {n}\": {n}")).collect();
    let file = format!("{{\n\"a\": 1 2,\n{}\n}}\n", entries.join(", "));
    assert_eq!(damaged(&file).0.len(), entries.len());
}

/// A million open brackets are an error at once, and take no stack.
#[test]
fn deep_files_are_no_danger() {
    let (entries, said) = damaged(format!("{{\"a\": 1,\n\"b\": {}", "[".repeat(1_000_000)));
    assert_eq!(entries, [pair("a", "1")]);
    assert!(said.starts_with("the file is cut off"), "{said}");
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        "[\\\\\"{}\\[\\],: a-z\n\u{e9}]{0,80}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[\\\\\"a-z]{0,4}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn object() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map("[\\\\\"a-z{},]{1,9}", value(), 0..12)
        .prop_map(|map| map.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    /// The spans of any object are those that a full parser finds, in any layout.
    #[test]
    fn reads_what_serde_reads(map in object(), pretty: bool) {
        let text = if pretty { serde_json::to_vec_pretty(&map) } else { serde_json::to_vec(&map) };
        let back = load(text.unwrap());
        prop_assert_eq!(&back.damage, &None);
        let read: Map<String, Value> = back.items.iter().map(|item| {
            let key = String::from_utf8(item.key.to_vec()).unwrap();
            (key, serde_json::from_slice(&item.text).unwrap())
        }).collect();
        prop_assert_eq!(read, map);
    }

    /// What is written is strict JSON with the same entries, and reads back the same.
    #[test]
    fn written_files_come_back(map in object(), ascii: bool) {
        let charset = if ascii { Charset::Ascii } else { Charset::Utf8 };
        let file = save(&items(&map), charset);
        prop_assert_eq!(serde_json::from_slice::<Map<String, Value>>(&file).unwrap(), map.clone());
        let lines = if map.is_empty() { 1 } else { map.len() + 2 };
        prop_assert_eq!(memchr::memchr_iter(b'\n', &file).count(), lines);
        prop_assert_eq!(load(file).items.len(), map.len());
    }

    /// So are those of any file, whole or not.
    #[test]
    fn any_places_are_written_as_items_are(map in object(), ascii: bool, flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u8), 0..3), layout in 0..3, cut in 0..12_usize) {
        let charset = if ascii { Charset::Ascii } else { Charset::Utf8 };
        let mut file = match layout {
            0 => save(&items(&map), charset),
            1 => serde_json::to_vec(&map).unwrap(),
            _ => serde_json::to_vec_pretty(&map).unwrap(),
        };
        for (place, bit) in flips {
            let at = place.index(file.len());
            file[at] ^= 1 << bit;
        }
        assert_written_alike(&file.into(), &[cut], ascii);
    }

    /// Flipped bits never make the reader panic, and what a damaged file gives back is JSON.
    #[test]
    fn bit_flips_are_survived(map in object(), flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u8), 1..4), layout in 0..3) {
        let mut file = match layout {
            0 => save(&items(&map), Charset::Utf8),
            1 => serde_json::to_vec(&map).unwrap(),
            _ => serde_json::to_vec_pretty(&map).unwrap(),
        };
        for (place, bit) in flips {
            let at = place.index(file.len());
            file[at] ^= 1 << bit;
        }
        let back = load(&file);
        if back.damage.is_some() {
            for item in &back.items {
                prop_assert!(check(&item.text).is_ok());
            }
        } else {
            let strict = back.items.iter().all(|item| check(&item.text).is_ok());
            prop_assert_eq!(strict, check(&file).is_ok());
        }
    }
}

/// The entries of a file as the places where they stand in it.
fn runs(file: &Bytes, cuts: &[usize], timed: bool) -> Entries {
    let Items::InFile(found, _) = read::read(file).items else { panic!("it was just read") };
    let (found, mut start, mut entries) = (Arc::new(found), 0, Entries::default());
    let salt = found.salt();
    for cut in cuts.iter().copied().chain([usize::MAX]) {
        let end = cut.clamp(start, found.len());
        let file = Arc::clone(&found);
        entries.push_run(EntryRun { file, range: start..end, modified: Some(9.5), timed });
        start = end;
    }
    if let Some(salt) = salt {
        entries.push(salt);
    }
    entries
}

/// A file written from the places of another is the one that is written from its items.
fn assert_written_alike(file: &Bytes, cuts: &[usize], timed: bool) {
    let mut items = read(file).items;
    for item in items.iter_mut().filter(|item| salt_of(item).is_none()) {
        item.created = item.created.or(Some(9.5));
        item.timed |= timed;
    }
    let formats = [Format::Flat, Format::Annotated];
    let shapes = formats.map(|format| [(Charset::Ascii, format), (Charset::Utf8, format)]);
    for (charset, format) in shapes.into_iter().flatten() {
        let (mut out, mut expected) = (Vec::new(), Vec::new());
        let runs = runs(file, cuts, timed);
        let from_runs = write(&mut out, &runs, charset, format).unwrap();
        let plain = write(&mut expected, &items[..].into(), charset, format).unwrap();
        assert_eq!(out.escape_ascii().to_string(), expected.escape_ascii().to_string());
        assert_eq!((from_runs.entries, from_runs.bytes), (plain.entries, plain.bytes));
        assert_eq!(format!("{:?}", from_runs.refused), format!("{:?}", plain.refused));
    }
}

/// Whatever the layout, the spelling of keys and what is wrong with values: places and items are
/// written alike.
#[test]
fn places_are_written_as_items_are() {
    let more: [&[u8]; 9] = [
        b"{}",
        b"{\n\"a\": 1\n}\n",
        b"{\n\"a\": 1,\n\"a\": 2,\n\"b\": 3,\n\"a\": [4 5],\n\"c\": 6\n}\n",
        b"{\n\"a\": [1 2],\n\"b\": 1,\n\"c\": tru,\n\"d\": 2,\n\"e\": [3,]\n}\n",
        b"{\n\"a\":1,\n\"b\" : 2,\n\"c\":  3,\n\"d\": 4, \n\"e\": 5,\r\n\"f\": 6,\"g\": 7}",
        b"{\n\"a\\u0062\": 1,\n\"\xc3\xa9\": 2,\n\"\\u00e9x\": 3,\n\"\x7f\": 4,\n\"/\": \"\xc3\xa9\"\n}",
        b"{\n\"outlive:meta\": {\"version\": 1, \"times\": {\"b\": 5.5}, \"salt\": \"s\"},\n\"a\": NaN,\n\"b\": [1,\n2]\n}",
        b"{\n\"a\": 1,\n\"outlive:meta\": {\"x\": 1},\n\"b\": 2\n}\n",
        b"{\n\"a\": 1,\n\"b\": 2,\nx\n\"c\": 3\n}\n",
    ];
    let files = more.map(Bytes::from_static).into_iter();
    for file in files.chain(layouts().into_iter().map(|(_, file)| Bytes::from(file))) {
        for cuts in [&[][..], &[1], &[0, 2, 3]] {
            assert_written_alike(&file, cuts, false);
            assert_written_alike(&file, cuts, true);
        }
    }
}

/// One flipped bit costs at most two entries of a file in our layout: the one it is in, and the next
/// if it was between them; and in any layout what comes back of the others is as it was.
#[test]
fn one_flip_costs_little() {
    for (name, file) in layouts() {
        for bit in 0..file.len() * 8 {
            let mut file = file.clone();
            file[bit / 8] ^= 1 << (bit % 8);
            let file = Bytes::from(file);
            let back = read(&file).items;
            let (genuine, changed): (Vec<_>, Vec<_>) =
                back.iter().partition(|item| is_genuine(item));
            for item in changed {
                let end = end_of(&file, item);
                let start = end.saturating_sub(item.text.len() + item.key.len() + 16);
                assert!((start..=end).contains(&(bit / 8)), "{name}, bit {bit}: {item:?}");
            }
            assert!(
                !name.starts_with("ours") || genuine.len() + 2 >= samples().len(),
                "{name}, bit {bit}: {back:?}"
            );
        }
    }
}

/// Wherever a byte is that is no UTF-8, or a character that is, the file is found damaged by the
/// first and not by the second.
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

/// Keys come many times, far apart and in any spelling: each keeps its first place and has its last
/// value.
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

/// A file that is looked at while it is read gives what it gives when it is read at once, wherever
/// the pieces end: numbers, words, escapes, characters and white space cut in two are nothing special.
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

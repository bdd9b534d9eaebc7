//! The annotated format: the line of an entry holds all that is known of it, and the last line is
//! the same whatever the entries are.

use std::sync::Arc;

use bytes::Bytes;
use outlive::store::snapshot::read::{Snapshot, read};
use outlive::store::snapshot::write::write;
use outlive::store::snapshot::{salt_item, salt_of};
use outlive::store::{Change, Code, FileStore, Format, Item, Items, Notes, Store};
use outlive::value::write::Charset;
use serde_json::Value;

use super::stand::{Cache, OPTIONS, item, place};

fn load(text: impl AsRef<[u8]>) -> Snapshot {
    read(&Bytes::copy_from_slice(text.as_ref()))
}

fn save(items: &[Item], charset: Charset, format: Format) -> String {
    let mut out = Vec::new();
    write(&mut out, &items.into(), charset, format).expect("memory takes all");
    String::from_utf8(out).expect("what is written is UTF-8")
}

/// Returns an item with everything that may be known of one.
fn noted(key: &str, text: &str) -> Item {
    let notes = Notes {
        took: Some(0.84),
        code: Code::new("3f2a9c1b"),
        others: Some(Arc::new(Bytes::from_static(b"{\"tags\": [\"x\"]}"))),
    };
    Item { created: Some(1_764_412_345.125), timed: true, notes, ..item(key, text) }
}

/// Each entry is a line with all that is known of it; the last line does not depend on the entries.
#[test]
fn the_layout_is_one_annotated_entry_a_line() {
    let plain = Item { created: Some(5.0), ..item("b \"", "[1, \"\u{e9}\"]") };
    let error = item("c", "{\"$error\": [\"ValueError\", \"no\"]}");
    let items = [noted("a", "1"), plain, error, salt_item("s")];
    assert_eq!(
        save(&items, Charset::Utf8, Format::Annotated),
        r#"{
"a": {"result": 1, "at": 1764412345.125, "took": 0.84, "code": "3f2a9c1b", "tags": ["x"]},
"b \"": {"result": [1, "é"], "at": 5.0},
"c": {"error": ["ValueError", "no"]},
"outlive": {"format": 2, "salt": "s"}
}
"#
    );
    assert_eq!(save(&[], Charset::Utf8, Format::Annotated), "{\n\"outlive\": {\"format\": 2}\n}\n");
}

/// A written file reads back with all notes and the salt, also in another layout and with its
/// members in another order.
#[test]
fn annotated_files_come_back() {
    let items = [noted("a", "{\"x\": [1]}"), noted("b", "{\"$error\": [\"E\"]}"), salt_item("s")];
    let file = save(&items, Charset::Utf8, Format::Annotated);
    let back = load(&file);
    assert_eq!((back.format, back.later, &back.damage), (Some(Format::Annotated), None, &None));
    let expected: Vec<Item> =
        items.iter().cloned().map(|item| Item { sound: false, ..item }).collect();
    let found: Vec<Item> = back.items.into_vec();
    assert_eq!(found[..2], expected[..2]);
    assert_eq!(salt_of(&found[2]), Some("s".to_owned()));
    let sorted: Value = serde_json::from_str(&file).expect("it is JSON");
    let mut sorted = sorted.as_object().expect("it is an object").clone();
    sorted.sort_keys();
    sorted.values_mut().filter_map(Value::as_object_mut).for_each(serde_json::Map::sort_keys);
    for text in [serde_json::to_string(&sorted), serde_json::to_string_pretty(&sorted)] {
        let found = load(text.expect("it is JSON")).items.into_vec();
        assert_eq!((found[0].created, found[0].notes.took), (expected[0].created, Some(0.84)));
        let value = |item: &Item| serde_json::from_slice::<Value>(&item.text).expect("it is JSON");
        assert_eq!(value(&found[1]), value(&expected[1]));
    }
}

/// A user may have entries under the reserved keys and under keys that look like them.
#[test]
fn reserved_keys_may_be_used() {
    let keys = ["outlive", "outlive:", "outlive::", "outlive:meta", "outlive:x", "a"];
    for value in ["1", "{\"format\": 2}", "{\"version\": 1}", "{\"format\": 9}"] {
        for format in [Format::Flat, Format::Annotated] {
            // Only its value tells the reserved member of a flat file from an entry.
            let used = keys.iter().filter(|key| **key != "outlive:meta" || value == "1");
            let mut items: Vec<Item> = used.map(|key| item(key, value)).collect();
            let file = save(&items, Charset::Utf8, format);
            let back = load(&file);
            assert_eq!((back.format, back.later), (Some(format), None), "{file}");
            let Items::InFile(entries, index) = &back.items else { panic!("it was just read") };
            for item in &items {
                let hash = index.hash(&item.key);
                assert!(
                    index.find(hash, |row| entries.has_key(row, &item.key)).is_some(),
                    "{file}"
                );
            }
            let mut found = back.items.into_vec();
            found.sort_by(|one, other| one.key.cmp(&other.key));
            items.sort_by(|one, other| one.key.cmp(&other.key));
            let texts = |items: &[Item]| -> Vec<_> {
                items.iter().map(|item| (item.key.clone(), item.text.clone())).collect()
            };
            assert_eq!(texts(&found), texts(&items), "{file}");
        }
    }
}

/// Entries whose values have the greatest depth allowed are copied from file to file.
#[test]
fn the_deepest_values_have_room_for_notes() {
    let deep = "[".repeat(500) + &"]".repeat(500);
    let file = save(&[noted("a", &deep)], Charset::Utf8, Format::Annotated);
    assert_eq!(again(&file), file);
    assert_eq!(load(&file[..file.len() - 27]).items.into_vec()[0].text, deep);
}

/// Returns the file that is written from the places of `file`.
fn again(file: &str) -> String {
    let Items::InFile(found, _) = load(file).items else { panic!("it was just read") };
    let range = 0..found.len();
    let run = outlive::store::EntryRun {
        file: Arc::new(found),
        range,
        modified: Some(9.5),
        timed: false,
    };
    let mut entries = outlive::store::Entries::default();
    entries.push_run(run);
    let mut out = Vec::new();
    write(&mut out, &entries, Charset::Utf8, Format::Annotated).expect("memory takes all");
    String::from_utf8(out).expect("what is written is UTF-8")
}

/// A line with a time is copied; one without gets the time of its file before the file is replaced.
#[test]
fn every_entry_has_a_time_in_the_end() {
    let file = r#"{
"a": {"result": 1, "x": 5, "at": 7},
"b": {"at": 7, "result": 2},
"c": {"result": [3]},
"d": {"result": "d, \"at\": 5"},
"outlive": {"format": 2}
}
"#;
    let expected = file.replace("[3]}", "[3], \"at\": 9.5}").replace("5\"}", "5\", \"at\": 9.5}");
    assert_eq!(again(file), expected);
}

/// A file cut at any byte yields the entries before the cut, and never passes for a flat one.
#[test]
fn a_torn_file_is_known_by_its_entries() {
    let items = [noted("a", "1"), noted("b", "{\"x\": [2]}"), noted("c", "\"3\"")];
    let file = save(&items, Charset::Utf8, Format::Annotated);
    let ends: Vec<usize> = file.match_indices("]},\n").map(|(at, _)| at + 2).collect();
    for cut in 1..file.len() - 2 {
        let back = load(&file[..cut]);
        assert!(back.damage.is_some(), "{cut}");
        let whole = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(back.items.len(), whole, "{cut}");
        assert_eq!(back.format.unwrap_or(Format::Annotated), Format::Annotated, "{cut}");
        let texts: Vec<Bytes> = back.items.into_vec().into_iter().map(|item| item.text).collect();
        assert!(texts.iter().zip(&items).all(|(text, item)| *text == item.text), "{cut}");
    }
}

/// An object without a result is damage that is found at its first use and costs no other entry; a
/// bare value, as written by hand, is a result.
#[test]
fn an_entry_without_a_result_is_damaged() {
    let found = load(r#"{"a": 5, "b": {"result": 1}, "c": {"at": 1}, "outlive": {"format": 2}}"#);
    let texts: Vec<Bytes> = found.items.into_vec().into_iter().map(|item| item.text).collect();
    assert_eq!(texts, ["5", "1", ""]);
}

/// A file keeps its format whatever the options say, even if another process made it and this one
/// never read it; a new file has the format of the options.
#[test]
fn a_file_keeps_its_format() {
    let formats = [Format::Flat, Format::Annotated];
    for (first, second) in [(0, 1), (1, 0)].map(|(a, b)| (formats[a], formats[b])) {
        let (_folder, path) = place();
        let open =
            |format| FileStore::new(path.clone(), outlive::store::Options { format, ..OPTIONS });
        let (one, other) = (open(first), open(second));
        let (mut items, loaded) = (vec![], other.load());
        assert!(loaded.items.is_empty());
        one.load();
        for (number, store) in [&one, &other, &one].into_iter().enumerate() {
            let new = item(&format!("key {number}"), "1");
            store.append(Change::Put(new.clone())).expect("the disk works");
            items.push(new);
            let mut saving = store.begin_save().expect("the disk works").expect("there is news");
            saving.seal().expect("the disk works").expect("there is something to save");
            saving.write(&items[..].into()).expect("the disk works");
            let file = std::fs::read(&path).expect("it is there");
            assert_eq!(load(&file).format, Some(first), "{number}");
        }
    }
}

/// Notes of a result survive in the journal.
#[test]
fn notes_survive_in_the_journal() {
    let (_folder, path) = place();
    let all = noted("a", "[1]");
    let took = Item { notes: Notes { took: Some(1e-6), ..Notes::default() }, ..item("b", "2") };
    let store = FileStore::new(path.clone(), OPTIONS);
    store.load();
    for item in [&all, &took] {
        store.append(Change::Put(item.clone())).expect("the disk works");
    }
    drop(store);
    assert_eq!(Cache::open(&path).items, [all, took]);
}

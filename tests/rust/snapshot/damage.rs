//! Damaged snapshots: what is lost, what is kept, and how the damage is named.

use bytes::Bytes;
use outlive::store::Item;

use super::{assert_genuine, damaged, is_genuine, layouts, load, pair, read, samples};

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

/// Returns the offset in `file` at which the value of `item`, a slice of it, ends.
fn end_of(file: &Bytes, item: &Item) -> usize {
    item.text.as_ptr().addr() - file.as_ptr().addr() + item.text.len()
}

/// Damage inside one entry costs that entry; those before and after it are salvaged.
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

/// In our own layout, several damages cost no more than the entries that they are in.
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

/// Damage is described in plain words, with the line.
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

/// A number that the end cuts, or damage splits, is not read as a shorter one.
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

/// Remains of a longer file behind a shorter one fill gaps but replace nothing.
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

/// An entry that lost its closing bracket does not swallow the entries after it.
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

/// A large file of one line with damage in its first value is read with reasonable effort.
#[test]
fn salvage_is_patient_but_not_endless() {
    let mut file = serde_json::to_vec(&vec![samples(); 300]).unwrap();
    file.splice(..1, *b"{\"a\": [\"");
    file.extend(b", \"b\": 1}");
    assert_eq!(damaged(&file).0, [pair("b", "1")]);
}

/// A long line of entries after a damaged one is read in linear time.
#[test]
fn salvage_of_a_long_line_is_linear() {
    let entries: Vec<_> = (0..200_000).map(|n| format!("\"key {n}\": {n}")).collect();
    let file = format!("{{\n\"a\": 1 2,\n{}\n}}\n", entries.join(", "));
    assert_eq!(damaged(&file).0.len(), entries.len());
}

/// A million open brackets are an immediate error and use no stack.
#[test]
fn deep_files_are_no_danger() {
    let (entries, said) = damaged(format!("{{\"a\": 1,\n\"b\": {}", "[".repeat(1_000_000)));
    assert_eq!(entries, [pair("a", "1")]);
    assert!(said.starts_with("the file is cut off"), "{said}");
}

/// A flipped bit costs at most two entries of a file in our layout: the one it is in, or both if it
/// is between two. In any layout, the other entries that come back are unchanged.
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

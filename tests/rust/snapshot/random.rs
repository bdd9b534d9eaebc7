//! Random objects, in any layout, damaged at random: compared with what serde reads.

use bytes::Bytes;
use outlive::store::snapshot::salt_of;
use outlive::store::snapshot::write::write;
use outlive::store::{Entries, EntryRun, Format, Items};
use outlive::value::check::check;
use outlive::value::write::Charset;
use proptest::prelude::*;
use serde_json::{Map, Value};
use std::sync::Arc;

use super::{items, layouts, load, read, save};

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

    /// In any layout, the entries of an object are those that a full parser finds.
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

    /// A written file is strict JSON with the same entries, and reads back the same.
    #[test]
    fn written_files_come_back(map in object(), ascii: bool) {
        let charset = if ascii { Charset::Ascii } else { Charset::Utf8 };
        let file = save(&items(&map), charset);
        prop_assert_eq!(serde_json::from_slice::<Map<String, Value>>(&file).unwrap(), map.clone());
        let lines = if map.is_empty() { 1 } else { map.len() + 2 };
        prop_assert_eq!(memchr::memchr_iter(b'\n', &file).count(), lines);
        prop_assert_eq!(load(file).items.len(), map.len());
    }

    /// A file written from places equals one written from items, also after damage.
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

    /// Flipped bits never make the reader panic, and each text read from a damaged file is JSON.
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

/// Returns the entries of a file as runs of places in it, which end at `cuts`.
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

/// Fails unless a file written from the places of `file` equals one written from its items.
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

/// Whatever the layout, the spelling of keys and the faults of values, a file written from places
/// equals one written from items.
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

use super::{Entry, Table};
use crate::store::Format;
use crate::store::Items;
use crate::store::snapshot::read::read;
use crate::store::snapshot::write::write;
use crate::value::write::Charset;
use bytes::Bytes;
use proptest::prelude::*;
use std::collections::HashSet;

fn entry(text: &str) -> Entry<()> {
    Entry { text: Some(Bytes::copy_from_slice(text.as_bytes())), ..Entry::new(None) }
}

fn key(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn keys(table: &Table<()>) -> Vec<String> {
    table.iter().map(|(key, _)| String::from_utf8_lossy(&key).into_owned()).collect()
}

/// Returns the table of a file.
fn of(file: &Bytes) -> Table<()> {
    let Items::InFile(file, index) = read(file).items else { panic!("it was just read") };
    Table::of(file, index, Some(7.0))
}

/// Returns the file that a save would write.
fn written(table: &Table<()>) -> String {
    let mut out = Vec::new();
    write(&mut out, &table.entries(), Charset::Utf8, Format::Flat).unwrap();
    String::from_utf8(out).unwrap()
}

fn numbers(entries: usize) -> Bytes {
    let members: Vec<_> = (0..entries).map(|n| format!("\"{n}\": {n}")).collect();
    format!("{{{}}}", members.join(",")).into()
}

/// Entries keep the order in which their keys first came; a key that was removed and put again
/// comes last.
#[test]
fn order_is_a_dicts() {
    let mut table = Table::default();
    for key in ["a", "b", "c", "a"] {
        table.insert(Bytes::from_static(key.as_bytes()), entry(key));
    }
    assert_eq!(keys(&table), ["a", "b", "c"]);
    assert!(table.remove(b"a").is_some());
    assert!(table.remove(b"a").is_none());
    table.insert(Bytes::from_static(b"a"), entry("again"));
    assert_eq!(keys(&table), ["b", "c", "a"]);
}

/// Gaps are closed once they outnumber the entries, and nothing is lost.
#[test]
fn gaps_are_closed() {
    let mut grown = Table::default();
    for n in 0..200 {
        grown.insert(key(&n.to_string()), entry("1"));
    }
    for mut table in [grown, of(&numbers(200))] {
        for n in 0..190 {
            assert!(table.remove(n.to_string().as_bytes()).is_some());
        }
        assert_eq!((table.len(), table.rows.len() < 100), (10, true));
        assert_eq!(keys(&table), (190..200).map(|n| n.to_string()).collect::<Vec<_>>());
        assert!(table.get(b"195").is_some() && table.get(b"5").is_none());
    }
}

fn used<L: Clone>(table: &mut Table<L>, key: &[u8]) -> bool {
    table.hit(key).unwrap().1
}

/// A file's entries are as old as the file, and become rows only when they are touched.
#[test]
fn a_file_is_left_where_it_is() {
    let mut table = of(&numbers(5));
    assert_eq!((table.len(), table.touched().count()), (5, 0));
    assert_eq!(table.get(b"3").unwrap().created, Some(7.0));
    assert!(!written(&table).contains("times"));
    assert!(!used(&mut table, b"3") && used(&mut table, b"3"));
    assert_eq!(table.touched().count(), 0);
    table.get_mut(b"3").unwrap().timed = true;
    assert_eq!(table.touched().count(), 1);
    assert!(used(&mut table, b"3"));
    assert!(!used(&mut table, b"4"));
    table.close_gaps();
    assert!(used(&mut table, b"4") && !used(&mut table, b"1"));
    // Under the digest of "3".
    assert!(written(&table).contains("\"af63ae4c86019e62\": {\"at\": 7.0}"));
}

/// The memory of a file is freed once all of its entries were replaced.
#[test]
fn a_spent_file_is_let_go() {
    let file = numbers(50);
    let mut table = of(&file);
    for n in 0..50 {
        assert!(!file.is_unique());
        table.insert(key(&n.to_string()), entry("new"));
    }
    table.remove(b"9");
    assert!(file.is_unique());
    assert_eq!(table.iter().count(), 49);
}

#[derive(Clone, Debug)]
enum Step {
    Put(u8, u8),
    Touch(u8),
    Use(u8),
    Remove(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..60_u8, any::<u8>()).prop_map(|(key, text)| Step::Put(key, text)),
        1 => (0..60_u8).prop_map(Step::Touch),
        1 => (0..60_u8).prop_map(Step::Use),
        2 => (0..60_u8).prop_map(Step::Remove),
    ]
}

/// Returns the contents of the table, in order.
fn contents(table: &Table<()>) -> Vec<(Bytes, Bytes)> {
    let pair = |(key, entry): super::View<'_, ()>| {
        (key.into_owned(), entry.text.clone().expect("each has a text"))
    };
    table.iter().map(pair).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    /// A table that began with a file behaves like one that was filled by hand, and like a list.
    #[test]
    fn a_file_makes_no_difference(entries in 0..50_usize, steps in prop::collection::vec(step(), 0..150)) {
        let (mut table, mut list) = (of(&numbers(entries)), Vec::new());
        let mut used = HashSet::new();
        for n in 0..entries {
            list.push((key(&n.to_string()), key(&n.to_string())));
        }
        for step in steps {
            match step {
                Step::Put(name, text) => {
                    let (name, text) = (key(&name.to_string()), text.to_string());
                    used.remove(&name);
                    let old = table.insert(name.clone(), entry(&text));
                    if let Some(known) = list.iter_mut().find(|(key, _)| *key == name) {
                        prop_assert_eq!(&old.unwrap().text.unwrap(), &known.1);
                        known.1 = key(&text);
                    } else {
                        prop_assert!(old.is_none());
                        list.push((name, key(&text)));
                    }
                }
                Step::Touch(name) => {
                    let name = key(&name.to_string());
                    let known = list.iter().find(|(key, _)| *key == name);
                    let found = table.get_mut(&name).map(|entry| entry.text.clone().unwrap());
                    prop_assert_eq!(found.as_ref(), known.map(|(_, text)| text));
                }
                Step::Use(name) => {
                    let name = key(&name.to_string());
                    let there = list.iter().any(|(key, _)| *key == name);
                    let first = !there || used.insert(name.clone());
                    prop_assert_eq!(table.hit(&name).is_some_and(|(_, used)| used), !first);
                }
                Step::Remove(name) => {
                    let name = key(&name.to_string());
                    used.remove(&name);
                    let place = list.iter().position(|(key, _)| *key == name);
                    let known = place.map(|place| list.remove(place).1);
                    prop_assert_eq!(table.remove(&name).map(|entry| entry.text.unwrap()), known);
                }
            }
            prop_assert_eq!(table.len(), list.len());
        }
        prop_assert_eq!(&contents(&table), &list);
        let lines: Vec<_> = list.iter().map(|(key, text)| format!("\n{key:?}: {text:?}").replace("b\"", "\"")).collect();
        prop_assert_eq!(written(&table).replace('"', ""), match lines.len() {
            0 => "{}\n".to_owned(),
            _ => format!("{{{}\n}}\n", lines.join(",")).replace('"', ""),
        });
        for (name, text) in &list {
            let found = table.get(name).unwrap().into_owned();
            prop_assert_eq!(found.text.as_ref(), Some(text));
        }
        let left: Vec<_> = table.into_entries().map(|(key, entry)| (key, entry.text.unwrap())).collect();
        prop_assert_eq!(left, list);
    }
}

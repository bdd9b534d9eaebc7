//! Golden files with random flips, cuts and splices; `make fuzz` tries more of them.

use std::path::Path;

use outlive::store::snapshot::read::read;
use outlive::store::snapshot::salt_of;
use proptest::prelude::*;
use proptest::sample::Index;

use super::hostile;

/// Returns the bytes of all golden files whose paths contain `part`.
fn seeds(part: &str) -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for folder in std::fs::read_dir(Path::new("tests/fixtures")).expect("they are there") {
        for file in
            std::fs::read_dir(folder.expect("it can be read").path()).expect("it is a folder")
        {
            let path = file.expect("it can be read").path();
            if path.to_string_lossy().contains(part) {
                seeds.push(std::fs::read(path).expect("it can be read"));
            }
        }
    }
    seeds.sort();
    assert!(!seeds.is_empty());
    seeds
}

/// One edit: its kind, where it begins and ends, and a byte that it uses.
type Edit = (u8, Index, Index, u8);

fn edited(mut bytes: Vec<u8>, edits: &[Edit]) -> Vec<u8> {
    const WORDS: [&[u8]; 10] = [
        b"\"",
        b"{",
        b"}",
        b"[",
        b",",
        b"\\",
        b"\n",
        b"\xff",
        b"\"outlive\": {\"format\": 2}",
        b"\0",
    ];
    for (what, at, to, with) in edits {
        if bytes.is_empty() {
            break;
        }
        let (at, to) = (at.index(bytes.len()), to.index(bytes.len()));
        match what {
            0 => bytes[at] ^= 1 << (with % 8),
            1 => bytes.truncate(at),
            2 => drop(bytes.drain(at.min(to)..at.max(to))),
            3 => drop(bytes.splice(at..at, WORDS[usize::from(*with) % WORDS.len()].to_vec())),
            _ => {
                let piece = bytes[at.min(to)..at.max(to)].to_vec();
                drop(bytes.splice(at..at, piece));
            }
        }
    }
    bytes
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    prop::collection::vec((0..5_u8, any::<Index>(), any::<Index>(), any::<u8>()), 0..5)
}

/// Returns the configuration for `cases` cases, times `HOSTILE_TIMES` if that is set.
fn config(cases: u32) -> ProptestConfig {
    let times = std::env::var("HOSTILE_TIMES").ok().and_then(|times| times.parse().ok());
    let cases = cases * times.unwrap_or(1);
    ProptestConfig { cases, failure_persistence: None, ..Default::default() }
}

proptest! {
    #![proptest_config(config(1500))]

    /// Edited snapshots of all kinds have the properties of any snapshot.
    #[test]
    fn snapshots(seed: Index, edits in edits()) {
        hostile::snapshot(&edited(seed.get(&seeds("cache.json")).clone(), &edits));
    }

    /// Edited values have the properties of any value.
    #[test]
    fn values(seed: Index, edits in edits()) {
        let bytes = edited(seed.get(&seeds("cache.json")).clone(), &edits);
        hostile::value(&bytes);
        bytes.split(|byte| *byte == b'\n').for_each(hostile::value);
    }
}

proptest! {
    #![proptest_config(config(150))]

    /// Edited journals have the properties of any journal.
    #[test]
    fn journals(seed: Index, edits in edits()) {
        hostile::journal(&edited(seed.get(&seeds(".journal-")).clone(), &edits));
    }
}

/// Found by fuzzing: an annotated file with entries under our own key and under its escaped form.
#[test]
fn an_entry_under_our_own_key() {
    hostile::snapshot(
        b"{\"outlive\": {}\n  ,\n\"outlive:\": {\"result\": \"e\", \"\": 8.0},\n\
          \"outlive\": {\"format\": 2, \"sal\": \"\"}",
    );
}

/// Found by fuzzing: an entry of a flat file that looks like the last line of an annotated one
/// keeps its place.
#[test]
fn an_entry_that_looks_like_the_last_line() {
    hostile::snapshot(b"{\n\"\": []}e7.\n\"outlive\":{\"format\": 2}\n,\n\"t\": 2}\n");
}

/// If a stray bracket closes a flat file early, the reserved member after it is still no entry and
/// still tells the format of the file.
#[test]
fn a_reserved_member_behind_the_end() {
    let entries = "\"a\": {\"$shop:Repo\": 1},\n\"b\": []}";
    for (member, salted) in
        [("{\"version\": 5}", false), ("{\"version\": 5, \"salt\": \"s\"}", true)]
    {
        let file = format!("{{\n{entries},\n\"c\": 3,\n\"outlive:meta\": {member}\n}}\n");
        let items = read(&file.clone().into()).items.into_vec();
        let (salts, entries): (Vec<_>, Vec<_>) =
            items.iter().partition(|item| salt_of(item).is_some());
        let texts: Vec<_> = entries.iter().map(|item| &*item.text).collect();
        assert_eq!(texts, [b"{\"$shop:Repo\": 1}".as_slice(), b"[]", b"3"]);
        assert_eq!(salts.len(), usize::from(salted));
        hostile::snapshot(file.as_bytes());
    }
}

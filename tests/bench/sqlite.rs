//! What the store adds to SQLite: `cargo bench --features sqlite`.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use outlive::store::{Cause, Change, Durability, Item, Notes, Paged as _, SqliteOptions};
use outlive::store::{SqliteStore, Store as _};
use rusqlite::{Connection, OpenFlags, params};

const ENTRIES: usize = 20_000;
const CALLS: usize = 4_000;
const ROUNDS: usize = 15;
/// The text of a result of 2 KB.
const LENGTH: usize = 2_000;
/// How much longer a look may take than SQLite alone, in hundredths.
const GOAL: u128 = 120;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("bench.db");
    let store = SqliteStore::new(
        path.clone(),
        SqliteOptions { durability: Durability::Flush, page_size: 8192, map: None },
    );
    store.load();
    for n in 0..ENTRIES {
        keep(&store, n);
    }
    let bare = open(&path);
    let keys: Vec<Bytes> = (0..CALLS).map(|n| key(n * 7919 % ENTRIES)).collect();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(timed(|| keys.iter().all(|key| store.get(key).is_some())));
        theirs.push(timed(|| keys.iter().all(|key| bare_get(&bare, key).is_some())));
    }
    let (ours, theirs) = (calmest(&mut ours), calmest(&mut theirs));
    let verdict = if ours * 100 <= theirs * GOAL { "met" } else { "MISSED" };
    let goal = theirs * GOAL / 100;
    println!("\nA look at a result of 2 KB in a database of {ENTRIES} results");
    println!("  {:<43}{ours:>10} ns{:12}goal <= {goal} ns   {verdict}", "outlive's store", "");
    println!("  {:<43}{theirs:>10} ns", "rusqlite alone: by key, the text copied");
    let mut kept = Vec::new();
    for round in 0..ROUNDS {
        let first = ENTRIES * (round + 1);
        kept.push(timed(|| (first..first + CALLS / 10).all(|n| keep(&store, n))) * 10);
    }
    println!("  {:<43}{:>10} ns", "a result kept, in a transaction of its own", calmest(&mut kept));
    store.close();
}

fn key(n: usize) -> Bytes {
    Bytes::from(format!("bench.page(uri=\"https://api.example.org/{n}\")"))
}

fn keep(store: &SqliteStore, n: usize) -> bool {
    let text = Bytes::from(format!("\"{n:0LENGTH$}\""));
    let notes = Notes { took: Some(0.5), ..Notes::default() };
    let item = Item { key: key(n), text, sound: true, created: Some(1.7e9), timed: false, notes };
    store.append_as(Change::Put(item), Cause::Computed).is_ok()
}

fn open(path: &Path) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).expect("the database is there")
}

/// What a program does that uses the same table itself.
fn bare_get(connection: &Connection, key: &[u8]) -> Option<Vec<u8>> {
    let hash = (key.len() as u64) << 32 | u64::from(crc32fast::hash(key));
    let sql = "SELECT text FROM entry WHERE hash = ?1 AND key = ?2";
    let mut get = connection.prepare_cached(sql).ok()?;
    get.query_row(params![hash.cast_signed(), key], |row| row.get(0)).ok()
}

fn timed(run: impl FnOnce() -> bool) -> Duration {
    let start = Instant::now();
    assert!(black_box(run()));
    start.elapsed()
}

/// The quartile of some rounds, for one call.
fn calmest(rounds: &mut [Duration]) -> u128 {
    rounds.sort_unstable();
    rounds[rounds.len() / 4].as_nanos() / CALLS as u128
}

//! The journal: what damage costs, and what its records keep.

use outlive::store::{Change, Durability, FileStore, Item, Options, Store};

use super::stand::{Cache, OPTIONS, item, journal, place, put, strings};

/// A journal cut at any byte yields the whole records before the cut, without a notice.
#[test]
fn a_journal_may_be_cut_anywhere() {
    let (folder, path) = place();
    let mut cache = Cache::open(&path);
    let mut ends = vec![];
    for n in 0..4 {
        cache.change(&put(&format!("key{n}"), &format!("[{n}]")));
        ends.push(std::fs::metadata(journal(folder.path())).expect("it is there").len());
    }
    drop(cache);
    let file = journal(folder.path());
    let whole = std::fs::read(&file).expect("it can be read");
    for cut in 0..=whole.len() {
        std::fs::write(&file, &whole[..cut]).expect("it can be written");
        let cache = Cache::open(&path);
        let kept = ends.iter().filter(|&&end| end <= cut as u64).count();
        assert_eq!(cache.items.len(), kept, "cut at {cut}");
        assert_eq!(cache.store.notices(), Vec::<String>::new(), "cut at {cut}");
    }
}

/// Records appended after a torn one are kept, and one notice tells of the torn one.
#[test]
fn a_torn_record_is_passed_over() {
    let (folder, path) = place();
    let mut cache = Cache::open(&path);
    cache.change(&put("a", "1"));
    cache.change(&put("b", "2"));
    drop(cache);
    let file = journal(folder.path());
    let whole = std::fs::read(&file).expect("it can be read");
    std::fs::write(&file, &whole[..whole.len() - 3]).expect("it can be written");
    let mut cache = Cache::open(&path);
    cache.change(&put("c", "3"));
    cache.change(&put("d", "4"));
    drop(cache);
    let cache = Cache::open(&path);
    assert_eq!(cache.entries(), strings(&[("a", "1"), ("c", "3"), ("d", "4")]));
    let notices = cache.store.notices();
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].contains("27 bytes") && notices[0].contains("other 3"), "{notices:?}");
}

/// A record that is torn within its checksum is not made whole by the record behind it: its last byte
/// could be that with which every record begins.
#[test]
fn no_record_is_made_whole_by_the_next() {
    let (folder, path) = place();
    let mut cache = Cache::open(&path);
    let mut ends = vec![];
    for n in 0..1000 {
        cache.change(&put(&format!("key{n}"), "1"));
        ends.push(std::fs::metadata(journal(folder.path())).expect("it is there").len());
    }
    drop(cache);
    let whole = std::fs::read(journal(folder.path())).expect("it can be read");
    for end in ends {
        let end = usize::try_from(end).expect("it is small");
        assert!(!whole[end - 4..end].contains(&0xFF), "the checksum that ends at {end}");
    }
}

/// A flipped bit, wherever it is, costs at most one record and never gives a wrong value.
#[test]
fn a_flipped_bit_costs_one_record() {
    let (folder, path) = place();
    let mut cache = Cache::open(&path);
    // The chain begins with a record that holds no change.
    let mut ends = vec![0, 28];
    for n in 0..3 {
        cache.change(&put(&format!("key{n}"), &format!("[{n}]")));
        ends.push(std::fs::metadata(journal(folder.path())).expect("it is there").len());
    }
    let all = cache.entries();
    drop(cache);
    let file = journal(folder.path());
    let whole = std::fs::read(&file).expect("it can be read");
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&file, &bytes).expect("it can be written");
        let hit = ends.iter().filter(|&&end| end <= bit as u64 / 8).count() - 1;
        let mut kept = all.clone();
        if hit > 0 {
            kept.remove(hit - 1);
        }
        assert_eq!(Cache::open(&path).entries(), kept, "bit {bit}");
    }
}

/// Times and flags of a result survive in the journal.
#[test]
fn times_survive() {
    let (_folder, path) = place();
    let timed = Item { created: Some(1.5e9), timed: true, ..item("a", "1") };
    let plain = Item { sound: false, ..item("b", " 2") };
    let store = FileStore::new(path.clone(), OPTIONS);
    store.load();
    for item in [&timed, &plain] {
        store.append(Change::Put(item.clone())).expect("the disk works");
    }
    drop(store);
    assert_eq!(Cache::open(&path).items, [timed, plain]);
}

/// A save is due once the journal is larger than a mebibyte and than the snapshot.
#[test]
fn a_grown_journal_asks_for_a_save() {
    let (_folder, path) = place();
    let mut cache = Cache::open(&path);
    let long = format!("\"{}\"", "x".repeat(1 << 19));
    cache.change(&put("a", &long));
    assert!(!cache.store.wants_save());
    cache.change(&put("a", &long));
    assert!(cache.store.wants_save());
    assert!(cache.save());
    assert!(!cache.store.wants_save());
}

/// A change that is appended with `Fsync` is kept, as with `Flush`.
#[test]
fn synced_changes_are_kept() {
    let (_folder, path) = place();
    let store = FileStore::new(path.clone(), Options { durability: Durability::Fsync, ..OPTIONS });
    store.load();
    store.append(put("a", "1")).expect("the disk works");
    drop(store);
    assert_eq!(Cache::open(&path).entries(), strings(&[("a", "1")]));
}

//! The cache without Python: strings stand in for decoded values and for failures.

mod liveness;
mod misses;

use std::path::Path;
use std::thread;

use bytes::Bytes;
use outlive::cache::{Cache, Entry, Origin, Share};
use outlive::policy::Limits;
use outlive::store::{FileStore, MemoryStore};
use tempfile::TempDir;

use crate::stand::OPTIONS;

type Text = Cache<String, String>;

fn in_memory() -> Text {
    Cache::new(Box::new(MemoryStore))
}

fn on_disk(path: &Path) -> Text {
    Cache::new(Box::new(FileStore::new(path.to_path_buf(), OPTIONS)))
}

fn key(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn result(text: &'static str) -> Entry<String> {
    let mut entry = Entry::new(Some(1000.0));
    entry.text = Some(key(text));
    entry
}

fn unstorable(live: &str) -> Entry<String> {
    let mut entry = Entry::new(None);
    entry.live = Some(live.to_owned());
    entry
}

fn text(cache: &Text, name: &str) -> Option<String> {
    let text = cache.hit(name.as_bytes(), None)?.entry.text?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// The next cache on the same file finds every entry, in the order of insertion.
#[test]
fn results_outlive_the_cache() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("c.json");
    let cache = on_disk(&path);
    for (name, value) in [("b", "1"), ("a", "[2]"), ("b", "3")] {
        cache.put(&key(name), result(value)).unwrap();
    }
    cache.saver().close().unwrap();
    let later = on_disk(&path);
    assert_eq!(later.listing().keys(), [key("b"), key("a")]);
    assert_eq!(text(&later, "b").as_deref(), Some("3"));
}

/// After a close, further closes and saves do not touch the file, which may be somebody else's by
/// then; the next use reads it again.
#[test]
fn a_closed_cache_leaves_the_file_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("c.json");
    let cache = on_disk(&path);
    cache.put(&key("a"), result("1")).unwrap();
    cache.saver().close().unwrap();
    std::fs::write(&path, "{ half of somebody else's").unwrap();
    cache.saver().close().unwrap();
    cache.saver().save().unwrap();
    assert_eq!(cache.notices(), Vec::<String>::new());
    assert_eq!(std::fs::read(&path).unwrap(), b"{ half of somebody else's");
    std::fs::write(&path, "{\"b\": 2}").unwrap();
    cache.take_external_changes();
    assert_eq!(cache.listing().keys(), [key("b")]);
    cache.put(&key("c"), result("3")).unwrap();
    cache.saver().close().unwrap();
    assert_eq!(on_disk(&path).listing().keys(), [key("b"), key("c")]);
}

/// Empty journals that a full disk left, one that could not be sealed and the next one, are removed
/// by the first cache that reads them.
#[test]
fn empty_journals_are_cleared_away() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("c.json");
    std::fs::write(&path, "{\"a\": 1}").unwrap();
    for generation in [5, 6, 7] {
        std::fs::write(folder.path().join(format!("c.json.journal-{generation}")), "").unwrap();
    }
    let cache = on_disk(&path);
    assert_eq!(text(&cache, "a").as_deref(), Some("1"));
    cache.saver().close().unwrap();
    let left: Vec<_> =
        folder.path().read_dir().unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left, ["c.json"]);
}

/// An unstorable result lives in memory and removes an older, stored one from the file.
#[test]
fn the_unstorable_replaces_the_stored() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("c.json");
    let cache = on_disk(&path);
    cache.put(&key("a"), result("1")).unwrap();
    cache.put(&key("a"), unstorable("an open socket")).unwrap();
    assert_eq!(cache.hit(b"a", None).unwrap().entry.live.as_deref(), Some("an open socket"));
    cache.saver().close().unwrap();
    assert!(!on_disk(&path).contains(b"a"));
}

/// A cache sees what another cache on the same file changed once it takes in external changes.
#[test]
fn caches_on_one_file_see_each_other() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("c.json");
    let (one, two) = (on_disk(&path), on_disk(&path));
    two.load();
    one.put(&key("a"), result("1")).unwrap();
    two.take_external_changes();
    assert_eq!(text(&two, "a").as_deref(), Some("1"));
    two.remove(b"a", true);
    one.take_external_changes();
    assert!(!one.contains(b"a"));
}

/// A decoded form is kept with the text it was made from, never with another one.
#[test]
fn decoded_forms_belong_to_their_text() {
    let cache = in_memory();
    cache.put(&key("a"), result("1")).unwrap();
    let old = cache.hit(b"a", None).unwrap().entry.text.unwrap();
    cache.keep_live(b"a", &old, &"one".to_owned());
    assert_eq!(cache.hit(b"a", None).unwrap().entry.live.as_deref(), Some("one"));
    cache.put(&key("a"), result("22")).unwrap();
    cache.keep_live(b"a", &old, &"one".to_owned());
    assert_eq!(cache.hit(b"a", None).unwrap().entry.live, None);
}

/// The first origin that uses an entry is recorded, and later ones are told which it was.
#[test]
fn entries_are_claimed_once() {
    let cache = in_memory();
    let (one, two) = (
        Origin { function: 1, closed_over: 0, others: Some(7) },
        Origin { function: 2, closed_over: 0, others: None },
    );
    assert!(cache.hit(b"a", Some(one)).is_none());
    cache.put(&key("a"), result("1")).unwrap();
    assert_eq!(cache.hit(b"a", Some(one)).unwrap().claimed, Some(one));
    assert_eq!(cache.hit(b"a", Some(two)).unwrap().claimed, Some(one));
}

/// An eviction is counted, and removes the entry from the file, too.
#[test]
fn evictions_reach_the_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("c.json");
    let cache = on_disk(&path);
    cache
        .policies()
        .limit(Share::Name(b"f".to_vec()), Limits { maxsize: Some(1), max_bytes: None });
    for name in ["f(1)", "g(1)", "f(2)"] {
        cache.put(&key(name), result("1")).unwrap();
    }
    assert_eq!(
        (
            cache.policies().evictions(&Share::Name(b"f".to_vec())),
            cache.policies().evictions(&Share::Name(b"g".to_vec()))
        ),
        (1, 0)
    );
    cache.saver().close().unwrap();
    assert_eq!(on_disk(&path).listing().keys(), [key("g(1)"), key("f(2)")]);
}

/// Discarding a bad text drops it from memory and quarantines a copy of the file.
#[test]
fn bad_texts_are_set_aside() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("c.json");
    std::fs::write(&path, "{\n\"a\": [1,, 2],\n\"b\": 2\n}\n").unwrap();
    let cache = on_disk(&path);
    let bad = cache.hit(b"a", None).unwrap().entry.text.unwrap();
    cache.discard(b"a", &bad, "a test says so", true);
    assert!(!cache.contains(b"a") && cache.contains(b"b"));
    let notices = cache.notices().join("\n");
    assert!(notices.contains("damaged-") && notices.contains("a test says so"), "{notices}");
    cache.saver().close().unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\n\"b\": 2\n}\n");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

/// Threads that put, remove and save at once leave a file with exactly the keys in memory.
#[test]
fn threads_and_saves_agree() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("c.json");
    let cache = on_disk(&path);
    thread::scope(|scope| {
        for worker in 0..4_u32 {
            let cache = &cache;
            scope.spawn(move || {
                for step in 0..100 {
                    let name = Bytes::from(format!("{}", (worker * 37 + step * 11) % 50));
                    if step % 7 == 0 {
                        cache.remove(&name, true);
                    } else {
                        cache.put(&name, result("1")).unwrap();
                    }
                    if step % 25 == 0 {
                        cache.saver().save().unwrap();
                    }
                }
            });
        }
    });
    let mut kept = cache.listing().keys();
    cache.saver().close().unwrap();
    let mut found = on_disk(&path).listing().keys();
    kept.sort();
    found.sort();
    assert_eq!(kept, found);
}

/// An entry removed from memory but not from the file can still be forgotten, by key or by a clear.
#[test]
fn what_is_withheld_can_be_forgotten() {
    for all in [false, true] {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("c.json");
        let cache = on_disk(&path);
        cache.put(&key("a"), result("1")).unwrap();
        assert!(cache.remove(b"a", false).is_some() && cache.is_empty());
        if all {
            cache.clear(true);
        } else {
            assert!(cache.remove(b"a", true).is_some());
        }
        cache.saver().close().unwrap();
        assert!(on_disk(&path).is_empty());
    }
}

/// The salt survives an edit of the file that leaves it out.
#[test]
fn an_edit_without_the_salt_keeps_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("c.json");
    let cache = on_disk(&path);
    cache.put(&key("a"), result("1")).unwrap();
    assert_eq!(cache.salts().offer("salt".to_owned(), true), "salt");
    cache.saver().save().unwrap();
    std::fs::write(&path, "{\"b\": 2}").unwrap();
    cache.take_external_changes();
    cache.saver().save().unwrap();
    assert_eq!(cache.salts().get(true).as_deref(), Some("salt"));
    cache.saver().close().unwrap();
    let later = on_disk(&path);
    assert_eq!(later.salts().get(true).as_deref(), Some("salt"));
    assert!(later.contains(b"a") && later.contains(b"b"));
}

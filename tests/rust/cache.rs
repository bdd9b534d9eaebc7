//! The cache without Python: strings stand in for decoded values and for failures.

use std::path::Path;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use outlive::cache::{
    Ask, Cache, Entry, Epoch, Lease, Locks, Miss, Origin, Share, SharedResult, StaleResult,
};
use outlive::flight::{Caller, Join, Outcome, Owner, Poll};
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

/// A new key leaves hit tables valid; replacing, removing or clearing outdates them.
#[test]
fn the_gate_tells_of_changes() {
    let cache = in_memory();
    let fresh = cache.gate().epoch.current();
    assert!(Epoch::is_open(fresh));
    cache.put(&key("a"), result("1")).unwrap();
    assert_eq!(cache.gate().epoch.current(), fresh);
    for change in [
        &(|cache: &Text| cache.put(&key("a"), result("2")).unwrap()) as &dyn Fn(&Text),
        &|cache| assert!(cache.remove(b"a", true).is_some()),
        &|cache| cache.clear(true),
    ] {
        let before = cache.gate().epoch.current();
        change(&cache);
        assert_ne!(cache.gate().epoch.current(), before);
    }
}

/// A key that another process adds leaves hit tables valid. One that it replaces outdates all of
/// them once; from then on each entry has a liveness, and no other row is lost.
#[test]
fn the_gate_tells_of_news() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("c.json");
    let (one, two) = (on_disk(&path), on_disk(&path));
    two.load();
    let fresh = two.gate().epoch.current();
    one.put(&key("a"), result("1")).unwrap();
    two.take_external_changes();
    assert_eq!(two.gate().epoch.current(), fresh);
    one.put(&key("a"), result("2")).unwrap();
    two.take_external_changes();
    assert_ne!(two.gate().epoch.current(), fresh);
    let replaced = two.gate().epoch.current();
    let liveness = two.hit(b"a", None).unwrap().entry.liveness.unwrap();
    one.remove(b"a", true);
    two.take_external_changes();
    assert!(liveness.is_gone() && two.gate().epoch.current() == replaced);
}

/// Under a limit each entry has a liveness, which is retired when the entry goes: when it is
/// removed, evicted or replaced, in this process or in another.
#[test]
fn marks_tell_of_entries_that_go() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("c.json");
    let (one, two) = (on_disk(&path), on_disk(&path));
    one.policies().limit(Share::All, Limits { maxsize: Some(2), max_bytes: None });
    let put = |name| {
        one.put(&key(name), result("1")).unwrap();
        one.hit(name.as_bytes(), None).unwrap().entry.liveness.unwrap()
    };
    let (a, b) = (put("a"), put("b"));
    assert!(!a.is_gone());
    let again = put("a");
    assert!(a.is_gone() && !again.is_gone());
    let c = put("c");
    assert!(b.is_gone() && !c.is_gone(), "b was used least recently");
    two.put(&key("c"), result("2")).unwrap();
    one.take_external_changes();
    assert!(c.is_gone());
    one.remove(b"a", true);
    assert!(again.is_gone());
}

/// When entries begin to have a liveness, hit tables that were filled before are outdated.
#[test]
fn marks_begin_with_fresh_tables() {
    let cache = in_memory();
    cache.put(&key("a"), result("1")).unwrap();
    assert!(cache.hit(b"a", None).unwrap().entry.liveness.is_none());
    let before = cache.gate().epoch.current();
    cache.policies().keep_times();
    assert_ne!(cache.gate().epoch.current(), before);
    assert!(cache.hit(b"a", None).unwrap().entry.liveness.is_some());
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

/// While one thread computes, another waits and gets the same result; then the flight is over.
#[test]
fn one_computes_and_the_other_waits() {
    let cache = in_memory();
    let Join::Lead(guard) = cache.flights().join(&key("a"), Owner::thread(1)) else {
        panic!("nobody else")
    };
    thread::scope(|scope| {
        let waiting = scope.spawn(|| match cache.flights().join(&key("a"), Owner::thread(2)) {
            Join::Wait(waiter) => waiter.wait(Duration::from_secs(10)),
            other => panic!("{other:?}"),
        });
        while !cache.flights().is_flying(b"a") {
            thread::yield_now();
        }
        let landed = SharedResult::Result(Some(key("1")), None);
        thread::sleep(Duration::from_millis(20));
        guard.finish(Outcome::Value(landed));
        match waiting.join().unwrap() {
            Poll::Ready(SharedResult::Result(text, None)) => assert_eq!(text, Some(key("1"))),
            other => panic!("{other:?}"),
        }
    });
    assert!(!cache.flights().is_flying(b"a"));
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

const ASK: Ask = Ask { origin: None, looks: true, locks: Locks::AtOnce };

/// Begins a miss, as a call of `function` in the thread `thread`.
fn miss(cache: &Text, thread: u64, function: u64) -> Miss<String, String> {
    let caller = Caller::within(Owner::thread(thread), &[]).calling(Some(function));
    cache.begin_miss(&key("key"), caller, ASK, StaleResult::default())
}

fn lease(miss: Miss<String, String>) -> Lease<String, String> {
    match miss {
        Miss::Lead(lease) | Miss::Beside(lease) => lease,
        _ => panic!("it may not compute"),
    }
}

/// A miss looks the key up again and finds a result committed meanwhile, unless it may not look.
#[test]
fn a_miss_is_looked_up_again() {
    let cache = in_memory();
    lease(miss(&cache, 1, 1)).commit(&cache, &key("key"), result("1")).unwrap();
    assert!(matches!(miss(&cache, 2, 1), Miss::Found(..)));
    let anew = Ask { looks: false, ..ASK };
    let again = cache.begin_miss(&key("key"), Owner::thread(2), anew, StaleResult::default());
    assert!(matches!(again, Miss::Lead(_)));
}

/// Dropping a lease hands the duty to compute to a waiting caller.
#[test]
fn a_dropped_lease_is_passed_on() {
    let cache = in_memory();
    let first = lease(miss(&cache, 1, 1));
    let Miss::Wait(waiter) = miss(&cache, 2, 1) else { panic!("somebody computes") };
    drop(first);
    assert!(matches!(waiter.wait(Duration::ZERO), Poll::Again));
    drop(lease(miss(&cache, 2, 1)));
}

/// When functions compute one key side by side, the first one's result is kept, even if it comes
/// last; if the first one fails, another's is kept.
#[test]
fn what_is_computed_beside_comes_second() {
    for fails in [false, true] {
        let cache = in_memory();
        let (first, beside) = (lease(miss(&cache, 1, 1)), lease(miss(&cache, 2, 2)));
        let late = lease(miss(&cache, 3, 3));
        beside.commit(&cache, &key("key"), result("2")).unwrap();
        assert!(!cache.contains(b"key"), "the first one goes on");
        if fails {
            first.fail(&cache, &key("key"), SharedResult::Failed("failed".to_owned()));
        } else {
            first.commit(&cache, &key("key"), result("1")).unwrap();
        }
        late.commit(&cache, &key("key"), result("3")).unwrap();
        let kept = if fails { "2" } else { "1" };
        assert_eq!(text(&cache, "key").as_deref(), Some(kept));
    }
}

/// The ways to purge a key: remove it, clear the cache, replace it, outdate it by a pattern.
const PURGES: [fn(&Text); 4] = [
    |cache| drop(cache.remove(b"key", true)),
    |cache| cache.clear(true),
    |cache| cache.put(&key("key"), result("2")).unwrap(),
    |cache| cache.outdate(b"k[a-f]*", true).expect("nobody is in the way"),
];

/// A computation that began before a purge is not kept, whether or not the key had a result, and a
/// call after the purge does not wait for it.
#[test]
fn what_was_begun_before_a_purge_is_not_kept() {
    for (number, purge) in PURGES.iter().enumerate() {
        for is_known in [false, true] {
            let cache = in_memory();
            if is_known {
                cache.put(&key("key"), result("0")).unwrap();
            }
            let anew = Ask { looks: false, ..ASK };
            let begin = |thread| {
                lease(cache.begin_miss(
                    &key("key"),
                    Owner::thread(thread),
                    anew,
                    StaleResult::default(),
                ))
            };
            let old = begin(1);
            purge(&cache);
            let after = text(&cache, "key");
            let new = begin(2);
            assert!(!old.commit(&cache, &key("key"), result("1")).unwrap(), "{number}");
            assert_eq!(text(&cache, "key"), after);
            assert!(new.commit(&cache, &key("key"), result("3")).unwrap());
            assert_eq!(text(&cache, "key").as_deref(), Some("3"));
        }
    }
}

/// A result begun before another process purged its key is not kept, and no other process reads it.
#[test]
fn what_another_process_purged_is_not_kept() {
    for (number, purge) in PURGES.iter().enumerate() {
        for looks in [false, true] {
            let folder = TempDir::new().unwrap();
            let path = folder.path().join("c.json");
            let (one, two, third) = (on_disk(&path), on_disk(&path), on_disk(&path));
            two.put(&key("other"), result("0")).unwrap();
            let begun = lease(miss(&one, 1, 1));
            purge(&two);
            if looks {
                one.take_external_changes();
            }
            assert!(!begun.commit(&one, &key("key"), result("1")).unwrap(), "{number}");
            for cache in [&one, &two, &third, &on_disk(&path)] {
                cache.take_external_changes();
                assert_ne!(text(cache, "key").as_deref(), Some("1"), "{number}");
            }
        }
    }
}

/// An eviction in another process does not outdate a computation of the same key.
#[test]
fn evictions_outdate_nothing() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("c.json");
    let (one, two) = (on_disk(&path), on_disk(&path));
    two.put(&key("key"), result("0")).unwrap();
    let anew = Ask { looks: false, ..ASK };
    let begun = lease(one.begin_miss(&key("key"), Owner::thread(1), anew, StaleResult::default()));
    two.policies().limit(Share::All, Limits { maxsize: Some(1), max_bytes: None });
    two.put(&key("other"), result("0")).unwrap();
    assert!(!two.contains(b"key"));
    assert!(begun.commit(&one, &key("key"), result("1")).unwrap());
    two.take_external_changes();
    assert_eq!(text(&two, "key").as_deref(), Some("1"));
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

//! Misses: who computes, whose result is kept, and what a purge outdates.

use std::path::Path;
use std::thread;
use std::time::Duration;

use outlive::cache::{Ask, Lease, Locks, Miss, Share, SharedResult, StaleResult};
use outlive::flight::{Caller, Join, Outcome, Owner, Poll};
use outlive::policy::Limits;
use outlive::store::Take;
use tempfile::TempDir;

use super::{Text, in_memory, key, on_disk, result, text};

const ASK: Ask = Ask { origin: None, looks: true, locks: Locks::AtOnce, take: Take::Always };

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
    |cache| cache.outdate(b"k[a-f]*", None, true).expect("nobody is in the way"),
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

/// Begins with a key that it locks, as a call does whose cache is in a file.
fn locked(cache: &Text) -> Lease<String, String> {
    lease(cache.begin_miss(&key("key"), Owner::thread(1), ASK, StaleResult::default()))
}

/// Computes results and saves, as another program does that comes and goes.
fn come_and_go(path: &Path) {
    for name in ["a", "b", "c"] {
        let other = on_disk(path);
        let miss = other.begin_miss(&key(name), Owner::thread(2), ASK, StaleResult::default());
        lease(miss).commit(&other, &key(name), result("0")).unwrap();
        other.saver().save().unwrap();
        other.saver().close().unwrap();
    }
}

/// Commits `begun`, after others came and went; the result is kept, in the file, too.
fn outlasts_others(begun: Lease<String, String>, cache: &Text, path: &Path) {
    come_and_go(path);
    assert!(begun.commit(cache, &key("key"), result("1")).unwrap());
    cache.saver().close().unwrap();
    assert_eq!(text(&on_disk(path), "key").as_deref(), Some("1"));
}

/// A cache that is closed beside a computation keeps the key locked and the result, whatever other
/// processes do meanwhile; the next close leaves only the snapshot.
#[test]
fn a_close_beside_a_computation() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("c.json");
    let cache = on_disk(&path);
    let begun = locked(&cache);
    cache.saver().close().unwrap();
    let other = on_disk(&path);
    let asked = other.begin_miss(&key("key"), Owner::thread(2), ASK, StaleResult::default());
    // Elsewhere keys have no locks, and each process computes its own result.
    assert_eq!(matches!(asked, Miss::Busy(_)), cfg!(target_os = "linux"));
    drop(asked);
    other.saver().close().unwrap();
    outlasts_others(begun, &cache, &path);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// A computation that begins when the last of the others has just cleared up has a journal of its
/// own to hear of purges, so that it is kept.
#[test]
fn a_miss_after_the_others_left() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("c.json");
    let other = on_disk(&path);
    other.put(&key("first"), result("1")).unwrap();
    let cache = on_disk(&path);
    cache.load();
    other.saver().close().unwrap();
    let begun = locked(&cache);
    outlasts_others(begun, &cache, &path);
}

/// A process that ends leaves, although it computes.
#[test]
fn an_end_beside_a_computation() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("c.json");
    let cache = on_disk(&path);
    cache.put(&key("first"), result("1")).unwrap();
    let begun = locked(&cache);
    cache.saver().end();
    cache.saver().close().unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    drop(begun);
}

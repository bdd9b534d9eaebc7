//! Key locks: one process at a time computes a key. Stores in one process stand in for processes.

use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use outlive::store::{FileStore, KeyGuard, KeyLock, Purge, Store};

use super::stand::{Cache, OPTIONS, names, place, put};

fn store(path: &Path) -> FileStore {
    FileStore::new(path.to_path_buf(), OPTIONS)
}

fn held(store: &FileStore, key: &str) -> KeyGuard {
    store.lock_key(key.as_bytes()).held().unwrap_or_else(|| panic!("{key} is free"))
}

fn is_busy(store: &FileStore, key: &str) -> bool {
    matches!(store.lock_key(key.as_bytes()), KeyLock::Busy)
}

/// The end of a process, however it comes, frees its keys; guards that it left free no other's.
#[test]
fn an_end_frees_the_keys() {
    for closes in [false, true] {
        let (_folder, path) = place();
        let (one, two) = (store(&path), store(&path));
        let a = held(&one, "a");
        assert!(is_busy(&two, "a"));
        if closes {
            one.close();
        }
        drop(one);
        let again = held(&two, "a");
        drop(a);
        assert!(is_busy(&store(&path), "a"));
        drop(again);
    }
}

/// Key locks work through saves and closes and leave no file behind.
#[test]
fn saves_and_closes_leave_key_locks_alone() {
    let (folder, path) = place();
    let mut cache = Cache::open(&path);
    for _ in 0..3 {
        drop(held(&cache.store, "a"));
        assert!(cache.change(&put("a", "1")) && cache.save());
        drop(held(&cache.store, "b"));
        assert!(cache.close());
        assert_eq!(names(folder.path()), ["cache.json"]);
    }
}

/// While one thread of a process clears up, another one that forgets something lets nobody in: the lock
/// file would be removed below whoever came.
#[test]
fn who_clears_up_stays_alone() {
    let (_folder, path) = place();
    let one = store(&path);
    one.load();
    one.append(put("a", "1")).expect("there is room");
    let mut last = one.begin_close().expect("nobody else closes").expect("it has written");
    last.seal().expect("there is room").expect("nobody else is there");
    one.outdate(&Purge::All).expect("there is room");
    let other = store(&path);
    other.join();
    assert!(other.mapped_page().is_none(), "it is kept out");
}

/// A forked child frees no key of its parent and locks keys of its own.
#[test]
fn a_child_has_keys_of_its_own() {
    let (_folder, path) = place();
    let parent = store(&path);
    let a = held(&parent, "a");
    parent.after_fork();
    let (child, other) = (parent, store(&path));
    let b = held(&child, "b");
    drop(a);
    assert!(is_busy(&other, "b"));
    drop(b);
    drop(held(&other, "b"));
}

/// A process locks the keys of 2,048 computations at once and no more; once they end, it locks again.
#[test]
fn very_many_keys_at_once() {
    let (_folder, path) = place();
    let (one, two) = (store(&path), store(&path));
    let many: Vec<KeyGuard> = (0..2048).map(|number| held(&one, &number.to_string())).collect();
    let further = held(&one, "further");
    assert!(is_busy(&two, "2047"));
    drop(held(&two, "further"));
    drop((many, further));
    let again = held(&one, "further");
    assert!(is_busy(&two, "further"));
    drop(again);
}

/// In every order of a few steps, a key has at most one holder, and is free when it has none.
#[test]
fn every_schedule_of_a_few_steps() {
    const STEPS: usize = 5;
    const KINDS: usize = 6;
    let (_folder, path) = place();
    for schedule in 0..KINDS.pow(u32::try_from(STEPS).expect("it is small")) {
        let stores: Vec<FileStore> = (0..3).map(|_| store(&path)).collect();
        let mut holders: [Option<(usize, KeyGuard)>; 2] = [None, None];
        let mut rest = schedule;
        for _ in 0..STEPS {
            let (who, key) = (rest % 3, rest / 3 % 2);
            rest /= KINDS;
            let name = ["a", "b"][key];
            match holders[key].take() {
                None => holders[key] = Some((who, held(&stores[who], name))),
                Some((owner, guard)) if owner == who => drop(guard),
                Some(kept) => {
                    assert!(is_busy(&stores[who], name), "{schedule}");
                    holders[key] = Some(kept);
                }
            }
        }
        drop(holders);
        stores.iter().for_each(Store::close);
    }
}

/// Whenever others come and go, no two processes hold a key at the same time.
#[test]
fn joining_at_every_moment() {
    const KEYS: [&str; 3] = ["a", "b", "c"];
    for _ in 0..50 {
        let (_folder, path) = place();
        let busy: [AtomicBool; KEYS.len()] = Default::default();
        let start = Barrier::new(4);
        thread::scope(|scope| {
            for who in 0..4 {
                let (path, busy, start) = (&path, &busy, &start);
                scope.spawn(move || {
                    let mut cache = Cache::open(path);
                    start.wait();
                    for n in 0..60 {
                        let key = (n + who) % KEYS.len();
                        let Some(guard) = cache.store.lock_key(KEYS[key].as_bytes()).held() else {
                            thread::yield_now();
                            continue;
                        };
                        assert!(!busy[key].swap(true, Ordering::SeqCst), "two have a key");
                        if n % 7 == 0 {
                            cache.listen();
                        }
                        busy[key].store(false, Ordering::SeqCst);
                        drop(guard);
                    }
                    cache.close();
                });
            }
        });
    }
}

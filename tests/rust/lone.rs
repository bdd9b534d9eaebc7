//! A process that is alone at a file does without locks of the kernel for its keys, until somebody
//! comes. Stores of one process stand for processes here.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use outlive::store::{FileStore, KeyGuard, KeyLock, Options, Store};

use super::stand::{Cache, OPTIONS, names, place, put};

const FIRST_KEY: i64 = 2;
const LONE: i64 = FIRST_KEY + (1 << 30);

/// Whether somebody has a lock of the kernel on a byte of the lock file from `start` on.
fn is_locked(path: &Path, start: i64, length: i64) -> bool {
    let file = File::options().read(true).write(true).open(path.with_extension("json.lock"));
    let mut range = range(start, length);
    fcntl(file.expect("it is there"), FcntlArg::F_OFD_GETLK(&mut range)).expect("it can be asked");
    i32::from(range.l_type) != libc::F_UNLCK
}

fn is_lone(path: &Path) -> bool {
    is_locked(path, LONE, 1)
}

/// Whether any key has a lock of the kernel.
fn has_key_locks(path: &Path) -> bool {
    is_locked(path, FIRST_KEY, 1 << 30)
}

/// The lock of the kernel on a key, until the file is closed.
fn lock_of_the_kernel(path: &Path, key: &str) -> File {
    let file = File::options().read(true).write(true).open(path.with_extension("json.lock"));
    let file = file.expect("it is there");
    let range = range(FIRST_KEY + i64::from(crc32fast::hash(key.as_bytes()) >> 2), 1);
    fcntl(&file, FcntlArg::F_OFD_SETLK(&range)).expect("nobody has it");
    file
}

fn range(start: i64, length: i64) -> libc::flock {
    let kind = i16::try_from(libc::F_WRLCK).expect("it is small");
    libc::flock { l_type: kind, l_whence: 0, l_start: start, l_len: length, l_pid: 0 }
}

fn store(path: &Path) -> FileStore {
    FileStore::new(path.to_path_buf(), OPTIONS)
}

fn held(store: &FileStore, key: &str) -> KeyGuard {
    store.lock_key(key.as_bytes()).held().unwrap_or_else(|| panic!("{key} is free"))
}

fn is_busy(store: &FileStore, key: &str) -> bool {
    matches!(store.lock_key(key.as_bytes()), KeyLock::Busy)
}

/// Who is alone has its keys on the board; who comes sees them there, and takes others.
#[test]
fn a_newcomer_reads_the_board() {
    let (_folder, path) = place();
    let (one, two) = (store(&path), store(&path));
    let a = held(&one, "a");
    assert!(is_lone(&path) && !has_key_locks(&path));
    assert!(is_busy(&two, "a"));
    assert!(!has_key_locks(&path));
    let b = held(&two, "b");
    assert!(has_key_locks(&path));
    drop(b);
    drop(a);
    drop(held(&two, "a"));
    assert!(!has_key_locks(&path));
}

/// From the first key that is taken after somebody has come on, all keys have locks of the kernel:
/// those too that are being computed at that moment.
#[test]
fn the_board_goes_when_somebody_comes() {
    let (_folder, path) = place();
    let (one, two) = (store(&path), store(&path));
    let (a, b) = (held(&one, "a"), held(&two, "b"));
    assert!(is_lone(&path) && is_busy(&one, "b") && !is_lone(&path));
    drop(b);
    assert!(has_key_locks(&path), "a has one by now");
    assert!(is_busy(&two, "a"));
    drop(a);
    assert!(!has_key_locks(&path));
    let a = held(&two, "a");
    assert!(is_busy(&one, "a"));
    drop(a);
    drop(held(&one, "a"));
}

/// A newcomer has the lock of a key for as long as it takes to look at the board. If the board goes at
/// that moment, the key stays on it until it is given back.
#[test]
fn the_board_goes_while_a_key_is_asked_for() {
    let (_folder, path) = place();
    let (one, two) = (store(&path), store(&path));
    let (a, b) = (held(&one, "a"), held(&two, "b"));
    let asking = lock_of_the_kernel(&path, "a");
    let c = held(&one, "c");
    drop(asking);
    assert!(is_lone(&path) && is_busy(&two, "a") && is_busy(&two, "c") && is_busy(&one, "b"));
    drop(a);
    assert!(!is_lone(&path));
    drop((held(&two, "a"), b, c));
    assert!(!has_key_locks(&path));
}

/// What others wrote tells of them too.
#[test]
fn a_record_of_somebody_else_is_a_sign() {
    let (_folder, path) = place();
    let (mut one, mut two) = (Cache::open(&path), Cache::open(&path));
    one.change(&put("a", "1"));
    let a = held(&one.store, "a");
    assert!(is_lone(&path));
    two.change(&put("b", "2"));
    one.listen();
    assert!(!is_lone(&path) && is_busy(&two.store, "a"));
    drop(a);
    drop(held(&two.store, "a"));
}

/// More keys than the board has room for are computed at once, and each is one process's.
#[test]
fn a_full_board() {
    let (_folder, path) = place();
    let (one, two) = (store(&path), store(&path));
    let keys: Vec<String> = (0..600).map(|n| format!("key {n}")).collect();
    let guards: Vec<KeyGuard> = keys.iter().map(|key| held(&one, key)).collect();
    assert!(is_lone(&path) && has_key_locks(&path));
    assert!(keys.iter().all(|key| is_busy(&two, key)));
    drop(held(&two, "another"));
    assert!(is_lone(&path));
    let more = held(&one, "one more");
    assert!(!is_lone(&path) && keys.iter().all(|key| is_busy(&two, key)));
    drop((guards, more));
    let _all: Vec<KeyGuard> = keys.iter().map(|key| held(&two, key)).collect();
}

/// The end of whoever was alone, however it comes, frees what stood on its board.
#[test]
fn the_end_of_the_one_who_was_alone() {
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

/// A board stands as long as nobody comes, through saves as well, and again after a close.
#[test]
fn saves_and_closes() {
    let (folder, path) = place();
    let mut cache = Cache::open(&path);
    for _ in 0..3 {
        drop(held(&cache.store, "a"));
        assert!(cache.change(&put("a", "1")) && cache.save());
        let _b = held(&cache.store, "b");
        assert!(is_lone(&path) && !has_key_locks(&path));
        assert!(cache.close());
        assert_eq!(names(folder.path()), ["cache.json"]);
    }
}

/// In the child of a fork nothing is taken from the parent's board.
#[test]
fn a_child_leaves_the_board_alone() {
    let (_folder, path) = place();
    let parent = store(&path);
    let a = held(&parent, "a");
    assert!(is_lone(&path));
    parent.after_fork();
    let (child, other) = (parent, store(&path));
    let b = held(&child, "b");
    drop(a);
    assert!(is_busy(&other, "b"));
    drop(b);
    drop(held(&other, "b"));
}

/// Who cannot read the board is busy for a while, and is heard at the next miss of the other.
#[test]
fn a_board_that_cannot_be_read() {
    let wrong =
        ["", "nonsense", "1 2 3", "99999999999 0 0", &format!("{} 0 0", std::process::id())];
    for (n, note) in wrong.iter().enumerate() {
        let (_folder, path) = place();
        let mut one = Cache::open(&path);
        let a = held(&one.store, "a");
        std::fs::write(path.with_extension("json.lock"), note).expect("the test can write");
        let options = Options { map: OPTIONS.map.filter(|_| n > 0), ..OPTIONS };
        let two = FileStore::new(path.clone(), options);
        assert!(is_busy(&two, "b") && is_busy(&two, "a"), "{note}");
        one.listen();
        assert!(!is_lone(&path) && is_busy(&two, "a"), "{note}");
        drop(held(&two, "b"));
        drop(a);
        drop(held(&two, "a"));
        assert!(one.close());
    }
}

/// If the other does not look up, who cannot read the board goes on in the end.
#[test]
fn a_board_that_cannot_be_read_for_ever() {
    let (_folder, path) = place();
    let (one, two) = (store(&path), FileStore::new(path.clone(), Options { map: None, ..OPTIONS }));
    drop(held(&one, "a"));
    let free = (0..30_000).any(|_| {
        thread::sleep(Duration::from_millis(1));
        !is_busy(&two, "b")
    });
    assert!(free && is_lone(&path));
    drop(held(&two, "b"));
}

/// A note may name a board that was another's: it is known by its number.
#[test]
fn a_note_of_the_past() {
    let (_folder, path) = place();
    let (_other, elsewhere) = place();
    let (one, other) = (store(&path), store(&elsewhere));
    drop((held(&one, "a"), held(&other, "a")));
    let lock = path.with_extension("json.lock");
    let (mine, past) = (
        std::fs::read_to_string(&lock).expect("it is there"),
        std::fs::read_to_string(elsewhere.with_extension("json.lock")).expect("it is there"),
    );
    let number = |note: &str| note.split_whitespace().last().expect("it has words").to_owned();
    let (own, old) = (number(&mine), number(&past));
    std::fs::write(&lock, mine.replace(&own, &old)).expect("the test can write");
    assert!(is_busy(&store(&path), "b"));
    std::fs::write(&lock, mine).expect("the test can write");
    drop(held(&store(&path), "b"));
}

/// In every order of a few steps a key is one process's, and free when nobody has it.
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

/// Whatever the moment at which others come, no two have one key at a time.
#[test]
fn joining_at_every_moment() {
    const KEYS: [&str; 3] = ["a", "b", "c"];
    for round in 0..150 {
        let (_folder, path) = place();
        let busy: [AtomicBool; KEYS.len()] = Default::default();
        let start = Barrier::new(4);
        thread::scope(|scope| {
            for who in 0..4_u32 {
                let (path, busy, start) = (&path, &busy, &start);
                scope.spawn(move || {
                    let mut cache = Cache::open(path);
                    start.wait();
                    let late = Instant::now() + Duration::from_micros(u64::from(who * round));
                    while Instant::now() < late {}
                    for n in 0..60 {
                        let key = (n + who as usize) % KEYS.len();
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

/// Notes have one length, so that each overwrites the one before it.
#[test]
fn notes_have_one_length() {
    let mut lengths = BTreeSet::new();
    for _ in 0..20 {
        let (_folder, path) = place();
        drop(held(&store(&path), "a"));
        let note = std::fs::read(path.with_extension("json.lock")).expect("it is there");
        lengths.insert(note.len());
    }
    assert_eq!(lengths.into_iter().collect::<Vec<_>>(), [48]);
}

//! Changes that the disk did not take at once, among those of other processes. Caches in one
//! process stand in for processes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use outlive::cache::{Ask, Cache, Entry, Locks, Miss, StaleResult};
use outlive::flight::Owner;
use outlive::store::FileStore;

use super::moody::{Mood, Moody};
use super::stand::{OPTIONS, place};

/// The cache of one process, and the mood of its disk.
struct Process {
    cache: Arc<Cache<(), ()>>,
    mood: Arc<Mood>,
}

impl Process {
    fn open(path: &Path) -> Self {
        let disk = Moody::default();
        let mood = Arc::clone(&disk.0);
        let store = FileStore::with_fs(path.to_path_buf(), OPTIONS, Arc::new(disk));
        let cache = Arc::new(Cache::new(Box::new(store)));
        cache.load();
        Self { cache, mood }
    }

    /// Sets whether the disk is full, so that nothing can be appended.
    fn set_full(&self, full: bool) {
        self.mood.full.store(full, Ordering::Relaxed);
    }

    /// Puts a result; returns whether the disk took it.
    fn give(&self, key: &'static str, text: &'static str) -> bool {
        self.cache.put(&Bytes::from_static(key.as_bytes()), entry(text, now())).is_ok()
    }

    /// Computes a result while `meanwhile` runs.
    fn compute(&self, key: &'static str, text: &'static str, meanwhile: impl FnOnce()) {
        self.compute_with(Locks::AtOnce, key, text, meanwhile);
    }

    /// Computes a result, with the key locked as `locks` says, while `meanwhile` runs.
    fn compute_with(
        &self,
        locks: Locks,
        key: &'static str,
        text: &'static str,
        meanwhile: impl FnOnce(),
    ) {
        let key = Bytes::from_static(key.as_bytes());
        let ask = Ask { locks, ..Ask::default() };
        let owner = Owner::thread(1);
        let Miss::Lead(lease) = self.cache.begin_miss(&key, owner, ask, StaleResult::default())
        else {
            panic!("nobody else computes it");
        };
        meanwhile();
        drop(lease.commit(&self.cache, &key, entry(text, now())));
    }

    /// Takes in external changes, after a short pause, and returns what is under `key`.
    fn find(&self, key: &str) -> Option<String> {
        sleep(Duration::from_millis(2));
        self.cache.take_external_changes();
        let text = self.cache.peek(key.as_bytes())?.entry.text?;
        Some(String::from_utf8_lossy(&text).into_owned())
    }
}

fn entry(text: &'static str, created: f64) -> Entry<()> {
    let mut entry = Entry::new(Some(created));
    entry.text = Some(Bytes::from_static(text.as_bytes()));
    entry
}

/// Returns the time, a different one to each caller.
fn now() -> f64 {
    sleep(Duration::from_micros(10));
    UNIX_EPOCH.elapsed().expect("it is later").as_secs_f64()
}

/// A result computed after a clear that no disk took is kept, even if an older put of another
/// process is written only afterwards.
#[test]
fn a_late_put_takes_nothing_newer() {
    let (_folder, path) = place();
    let (one, two) = (Process::open(&path), Process::open(&path));
    assert!(one.give("a", "1") && two.find("a").is_some());
    one.set_full(true);
    two.set_full(true);
    assert!(!two.give("a", "late"));
    one.cache.clear(true);
    one.compute("a", "2", || {});
    two.set_full(false);
    two.cache.saver().settle().expect("there is room");
    assert_eq!(one.find("a").as_deref(), Some("2"));
    one.set_full(false);
    one.cache.saver().save().expect("there is room");
    assert_eq!(Process::open(&path).find("a").as_deref(), Some("2"));
}

/// A put that has to wait for another process outdates a computation under way, even if that ends
/// before the wait is over.
#[test]
fn a_put_that_waits_comes_after_what_is_computed_meanwhile() {
    let (_folder, path) = place();
    let (one, two) = (Process::open(&path), Process::open(&path));
    one.mood.crowded.store(true, Ordering::Relaxed);
    two.compute("a", "computed", || assert!(!one.give("a", "given")));
    assert_eq!(one.find("a").as_deref(), Some("given"));
    one.mood.crowded.store(false, Ordering::Relaxed);
    one.cache.saver().settle().expect("nobody is in the way");
    assert_eq!(two.find("a").as_deref(), Some("given"));
    assert_eq!(Process::open(&path).find("a").as_deref(), Some("given"));
}

/// Once nobody waits any more for a change to be written, what others make then is newer.
#[test]
fn who_was_interrupted_does_not_wait() {
    let (_folder, path) = place();
    let (one, two) = (Process::open(&path), Process::open(&path));
    one.mood.crowded.store(true, Ordering::Relaxed);
    assert!(!one.give("a", "given"));
    one.cache.saver().stop_waiting();
    two.compute("a", "computed", || {});
    assert_eq!(one.find("a").as_deref(), Some("computed"));
    one.mood.crowded.store(false, Ordering::Relaxed);
    one.cache.saver().settle().expect("nobody is in the way");
    assert_eq!(Process::open(&path).find("a").as_deref(), Some("computed"));
}

/// What others forget by a pattern does not bring back what a result stands over that no disk has
/// taken, although the one who forgot it finds no room to remove that.
#[test]
fn what_is_outdated_brings_nothing_older_back() {
    let (_folder, path) = place();
    let (one, two) = (Process::open(&path), Process::open(&path));
    assert!(one.give("a", "1") && two.find("a").is_some());
    one.set_full(true);
    one.compute("a", "2", || {});
    two.cache.outdate(b"a*", None, true).expect("there is room");
    assert_eq!(one.find("a"), None);
    one.cache.saver().close().expect_err("there is no room");
    assert_eq!(one.find("a"), None);
}

/// A clear or a removal that is written late does not remove what another process made after it,
/// but could not write either.
#[test]
fn a_late_deletion_takes_nothing_newer() {
    for forget in [false, true] {
        let (_folder, path) = place();
        let (one, two) = (Process::open(&path), Process::open(&path));
        assert!(one.give("a", "1") && two.find("a").is_some());
        one.set_full(true);
        two.set_full(true);
        if forget {
            drop(one.cache.remove(b"a", true));
        } else {
            one.cache.clear(true);
        }
        assert!(!two.give("a", "2"));
        one.set_full(false);
        one.cache.saver().settle().expect("there is room");
        assert_eq!(two.find("a").as_deref(), Some("2"), "forget: {forget}");
        two.set_full(false);
        two.cache.saver().settle().expect("there is room");
        assert_eq!(Process::open(&path).find("a").as_deref(), Some("2"), "forget: {forget}");
    }
}

/// A clear that is written late removes what another process made before it, but could not write
/// either.
#[test]
fn a_late_clear_takes_what_is_older() {
    let (_folder, path) = place();
    let (one, two) = (Process::open(&path), Process::open(&path));
    assert!(one.give("b", "1") && two.find("b").is_some());
    one.set_full(true);
    two.set_full(true);
    assert!(!two.give("a", "2"));
    one.cache.clear(true);
    one.set_full(false);
    one.cache.saver().settle().expect("there is room");
    assert_eq!(two.find("a"), None);
}

/// The last record in the journal counts, whatever its time: a process that finds an edited file
/// does not put an older result over it.
#[test]
fn an_edit_brings_no_older_result_back() {
    let (_folder, path) = place();
    let (one, two) = (Process::open(&path), Process::open(&path));
    assert!(one.give("other", "1") && two.find("other").is_some());
    one.cache.saver().save().expect("there is room");
    assert!(one.give("a", "old") && two.find("a").is_some());
    two.cache.saver().close().expect("there is room");
    let given = one.cache.put(&Bytes::from_static(b"a"), entry("new", 1.0));
    given.expect("there is room");
    std::fs::write(&path, "{\"edited\": 1}").expect("the test can write");
    assert_eq!(two.find("a").as_deref(), Some("new"));
    assert_eq!(Process::open(&path).find("a").as_deref(), Some("new"));
}

/// Hit tables are outdated before the journal says that a key was forgotten: a process that reads
/// so may compute the key again without an announcement.
#[test]
fn tables_are_outdated_before_the_journal_says_why() {
    type Forget = fn(&Cache<(), ()>);
    let ways: [Forget; 2] = [
        |cache| drop(cache.remove(b"a", true)),
        |cache| {
            cache.clear(true);
        },
    ];
    for forget in ways {
        let (_folder, path) = place();
        let one = Process::open(&path);
        assert!(one.give("a", "1") && one.find("a").is_some());
        let (cache, seen) = (Arc::clone(&one.cache), Arc::new(AtomicU64::new(0)));
        let (before, note) = (cache.gate().epoch.current(), Arc::clone(&seen));
        let look = move || note.store(cache.gate().epoch.current(), Ordering::Relaxed);
        *one.mood.before.lock().expect("nobody panics in here") = Some(Box::new(look));
        forget(&one.cache);
        *one.mood.before.lock().expect("nobody panics in here") = None;
        assert!(![0, before].contains(&seen.load(Ordering::Relaxed)));
    }
}

/// What takes long is kept although others save again and again meanwhile, unless one of them has
/// forgotten the key.
#[test]
fn a_long_computation_outlasts_the_saves_of_others() {
    for forgets in [false, true] {
        let (_folder, path) = place();
        let (one, two) = (Process::open(&path), Process::open(&path));
        one.compute("a", "slow", || {
            for key in ["b", "c", "d"] {
                two.compute(key, "1", || {});
                if forgets {
                    drop(two.cache.remove(b"a", true));
                }
                two.cache.saver().save().expect("there is room");
            }
        });
        let kept = (!forgets).then_some("slow");
        assert_eq!(Process::open(&path).find("a").as_deref(), kept, "forgets: {forgets}");
    }
}

/// A stream, whose key is locked only at its end, is kept although others save and close meanwhile,
/// or its own process does, unless one of them has forgotten the key.
#[test]
fn a_stream_outlasts_the_saves_of_others() {
    type Meanwhile = fn(&Process, &Process);
    let meanwhile: [Meanwhile; 4] = [
        |_, other| other.cache.saver().save().expect("there is room"),
        |_, other| other.cache.saver().close().expect("there is room"),
        |own, _| own.cache.saver().close().expect("there is room"),
        |own, other| {
            own.cache.saver().close().expect("there is room");
            other.cache.saver().close().expect("there is room");
        },
    ];
    for (way, meanwhile) in meanwhile.iter().enumerate() {
        for (forgets, knows) in [(false, false), (false, true), (true, false), (true, true)] {
            let (_folder, path) = place();
            if knows {
                let before = Process::open(&path);
                before.compute("b", "0", || {});
                before.cache.saver().close().expect("there is room");
            }
            let (one, two) = (Process::open(&path), Process::open(&path));
            one.compute_with(Locks::AtTheEnd, "a", "slow", || {
                for key in ["b", "c", "d"] {
                    two.compute(key, "1", || {});
                    if forgets {
                        assert!(two.give("a", "0") && two.cache.remove(b"a", true).is_some());
                    }
                    meanwhile(&one, &two);
                }
            });
            let kept = (!forgets).then_some("slow");
            let case = format!("way {way}, forgets: {forgets}, knows: {knows}");
            assert_eq!(one.find("a").as_deref(), kept, "{case}");
            assert_eq!(Process::open(&path).find("a").as_deref(), kept, "{case}");
        }
    }
}

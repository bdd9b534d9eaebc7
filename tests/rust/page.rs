//! The page of the lock file. Stores in one process stand in for processes.

use std::fs::File;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use outlive::cache::{Ask, Cache, Entry, Locks, Miss, Share, StaleResult};
use outlive::flight::Owner;
use outlive::policy::Limits;
use outlive::store::{Affected, FileStore, Page, Store};

use super::moody::Moody;
use super::stand::{OPTIONS, place, put};

type Text = Cache<String, String>;

/// Returns the store of a process that is present, as one is once it has asked for a key.
fn present(path: &Path) -> FileStore {
    join(FileStore::new(path.to_path_buf(), OPTIONS))
}

fn join(store: FileStore) -> FileStore {
    drop(store.lock_key(b"any"));
    store
}

fn page(store: &FileStore) -> Arc<Page> {
    store.page().expect("this process sees the page")
}

fn lock_of(path: &Path) -> PathBuf {
    path.with_extension("json.lock")
}

fn compute(cache: &Text, key: &'static str) {
    let mut entry = Entry::new(Some(1000.0));
    entry.text = Some(Bytes::from_static(b"1"));
    let key = Bytes::from_static(key.as_bytes());
    let ask = Ask { locks: Locks::AtOnce, ..Ask::default() };
    let Miss::Lead(lease) = cache.begin_miss(&key, Owner::thread(1), ask, StaleResult::default())
    else {
        panic!("nobody else computes it");
    };
    lease.commit(cache, &key, entry).expect("the disk has room");
}

/// A result that is replaced, forgotten or cleared is announced; a first result never is. To forget
/// a key without a result may be announced, too: another process may just be computing it.
#[test]
fn only_old_results_are_announced() {
    let (_folder, path) = place();
    let other = present(&path);
    let page = page(&other);
    let cache = Text::new(Box::new(FileStore::new(path, OPTIONS)));
    let stamps = || (page.changes(), page.all(), page.changes_of(b"a"));
    compute(&cache, "b");
    let first = stamps();
    compute(&cache, "a");
    assert_eq!(stamps(), first);
    cache.remove(b"nothing", true);
    let first = stamps();
    compute(&cache, "a");
    let replaced = stamps();
    assert!(replaced.0 != first.0 && replaced.1 == first.1 && replaced.2 != first.2);
    cache.remove(b"a", true);
    let forgotten = stamps();
    assert!(forgotten.0 != replaced.0 && forgotten.1 == first.1 && forgotten.2 != replaced.2);
    cache.clear(true);
    let cleared = stamps();
    assert!(cleared.0 != forgotten.0 && cleared.1 != first.1 && cleared.2 == forgotten.2);
}

/// A save announces nothing: whatever was purged in the journals that it folds was announced before.
#[test]
fn saves_announce_nothing() {
    let (_folder, path) = place();
    let one = Text::new(Box::new(FileStore::new(path.clone(), OPTIONS)));
    let two = Text::new(Box::new(FileStore::new(path.clone(), OPTIONS)));
    let page = page(&present(&path));
    compute(&one, "a");
    compute(&two, "b");
    let before = page.changes();
    drop(one.remove(b"a", true));
    assert_ne!(page.changes(), before);
    for (cache, key) in [(&one, "c"), (&two, "d"), (&one, "e"), (&two, "f")] {
        cache.take_external_changes();
        compute(cache, key);
        let before = page.changes();
        cache.saver().save().expect("the disk has room");
        assert_eq!(page.changes(), before, "{key}");
    }
}

/// An eviction is announced: a process that computes the key again cannot know who still serves it.
#[test]
fn evictions_are_announced() {
    let (_folder, path) = place();
    let other = present(&path);
    let page = page(&other);
    let cache = Text::new(Box::new(FileStore::new(path, OPTIONS)));
    cache.policies().limit(Share::All, Limits { maxsize: Some(1), max_bytes: None });
    compute(&cache, "a");
    let before = page.changes_of(b"a");
    compute(&cache, "b");
    assert_ne!(page.changes_of(b"a"), before);
}

/// What a process forgets in memory alone, leaving the file as it is, is not announced.
#[test]
fn what_stays_in_the_file_is_not_announced() {
    let (_folder, path) = place();
    let other = present(&path);
    let page = page(&other);
    let cache = Text::new(Box::new(FileStore::new(path, OPTIONS)));
    compute(&cache, "a");
    let before = page.changes();
    cache.remove(b"a", false);
    compute(&cache, "b");
    cache.clear(false);
    assert_eq!(page.changes(), before);
}

/// Each process sees what the other announces; after both have left, the next one has a new page.
#[test]
fn two_processes_share_a_page() {
    let (_folder, path) = place();
    let (one, two) = (present(&path), present(&path));
    let (seen, also) = (page(&one), page(&two));
    for teller in [&one, &two] {
        let before = seen.changes();
        teller.announce(Affected::Key(b"a"));
        assert!(seen.changes() != before && seen.changes() == also.changes());
    }
    let last = (seen.changes(), seen.all());
    one.close();
    two.close();
    assert!(!lock_of(&path).exists());
    let anew = present(&path);
    assert!(page(&anew).changes() != last.0 && page(&anew).all() != last.1);
}

/// A change is announced even if another thread closes the cache at that moment.
#[test]
fn who_has_left_still_announces() {
    let (_folder, path) = place();
    let (one, other) = (present(&path), present(&path));
    let page = page(&other);
    one.append(put("a", "1")).expect("there is room");
    let before = page.changes_of(b"a");
    one.close();
    one.announce(Affected::Key(b"a"));
    assert_ne!(page.changes_of(b"a"), before);
    let (_folder, path) = place();
    FileStore::new(path.clone(), OPTIONS).announce(Affected::Key(b"a"));
    assert!(!lock_of(&path).exists());
}

/// A forked child maps the page again, and both it and its parent see what others announce.
#[test]
fn a_child_maps_the_page_anew() {
    let (_folder, path) = place();
    let (family, other) = (present(&path), present(&path));
    let parents = page(&family);
    family.after_fork();
    assert!(family.page().is_none());
    let child = join(family);
    let childs = page(&child);
    let before = parents.changes();
    other.announce(Affected::All);
    assert!(childs.changes() != before && childs.changes() == parents.changes());
}

/// Each process gives up a page that was cut short, with one notice, and keeps results as before; a
/// process that comes later makes a new page, to which all announce.
#[test]
fn a_page_that_is_cut() {
    let (_folder, path) = place();
    let (one, two) = (present(&path), present(&path));
    File::options().write(true).open(lock_of(&path)).and_then(|file| file.set_len(0)).unwrap();
    one.announce(Affected::All);
    for store in [&one, &two] {
        assert!(store.page().is_none() && store.page().is_none());
        let told = store.notices();
        assert!(told.len() == 1 && told[0].contains("cut it short"), "{told:?}");
        assert!(store.append(put("a", "1")).is_ok());
    }
    assert!(!two.external_changes().is_empty());
    let later = present(&path);
    let before = page(&later).changes();
    one.announce(Affected::All);
    assert!(page(&later).changes() != before);
}

/// On a full disk there is no page, and results are kept without a notice: it is the journal that
/// reports a full disk. A process that joins when there is room again completes the page.
#[test]
fn no_room_for_a_page() {
    let (_folder, path) = place();
    let disk = Moody::default();
    disk.0.pageless.store(true, Ordering::Relaxed);
    let store = join(FileStore::with_fs(path.clone(), OPTIONS, Arc::new(disk)));
    let other = present(&path);
    assert_eq!(store.notices(), Vec::<String>::new());
    assert_eq!(other.notices(), Vec::<String>::new());
    assert!(store.page().is_none() && other.page().is_some());
    for store in [&store, &other] {
        store.announce(Affected::All);
        assert!(store.append(put("a", "1")).is_ok() && store.notices().is_empty());
    }
}

/// A lock file with foreign contents, or with a second name, is locked but never written to.
#[test]
fn what_is_not_ours_is_not_written_to() {
    for (contents, second) in
        [("x".repeat(5000), false), ("some".into(), false), (String::new(), true)]
    {
        let (folder, path) = place();
        std::fs::write(lock_of(&path), &contents).unwrap();
        if second {
            std::fs::hard_link(lock_of(&path), folder.path().join("other")).unwrap();
        }
        let store = present(&path);
        assert!(store.page().is_none());
        store.announce(Affected::All);
        assert_eq!(std::fs::read_to_string(lock_of(&path)).unwrap(), contents);
        assert_eq!(store.notices().len(), 1);
        assert!(store.append(put("a", "1")).is_ok());
    }
}

/// A lock file whose owner may not write the cache is not mapped, and one notice says so. (Only
/// root can give files away.)
#[test]
fn strangers_lock_files() {
    let (_folder, path) = place();
    std::fs::write(&path, "{}").unwrap();
    std::fs::write(lock_of(&path), "").unwrap();
    if chown(lock_of(&path), Some(54321), Some(54321)).is_err() {
        return;
    }
    let store = present(&path);
    assert!(store.page().is_none());
    let told = store.notices();
    assert!(told.len() == 1 && told[0].contains("belongs to somebody"), "{told:?}");
    assert_eq!(std::fs::metadata(lock_of(&path)).unwrap().len(), 0);
}

/// A store that cannot map has no page and no notice, and others see what it announces.
#[test]
fn without_a_map() {
    let (_folder, path) = place();
    let options = outlive::store::Options { map: None, ..OPTIONS };
    let blind = join(FileStore::new(path.clone(), options));
    assert!(blind.page().is_none() && blind.notices().is_empty());
    let other = present(&path);
    let before = page(&other).changes();
    blind.announce(Affected::Key(b"a"));
    assert!(page(&other).changes() != before, "who is blind can speak");
}

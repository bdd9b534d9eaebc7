//! The contract of every store, and what processes and threads that share a file may rely on.

use outlive::store::{Change, FileStore, KeyLock, MemoryStore, Store};

use super::stand::{Cache, OPTIONS, item, names, place, put, remove, strings};

/// Every store accepts changes, does not report its own as external, and closes without a notice.
#[test]
fn every_store_keeps_the_contract() {
    let (_folder, path) = place();
    let stores: [Box<dyn Store>; 2] =
        [Box::new(MemoryStore), Box::new(FileStore::new(path, OPTIONS))];
    for store in stores {
        assert!(store.load().items.is_empty());
        store.append(put("a", "1")).expect("a change is taken");
        assert!(store.external_changes().is_empty());
        assert!(!store.wants_save());
        assert!(!matches!(store.lock_key(b"a"), KeyLock::Busy));
        if let Some(mut saving) = store.begin_close().expect("a save begins") {
            assert!(saving.seal().expect("the disk works").is_some());
            saving.write(&[item("a", "1")][..].into()).expect("a save works");
        }
        store.close();
        store.close();
        assert_eq!(store.notices(), Vec::<String>::new());
    }
}

/// Appended changes survive a crash, and a clean exit leaves only the snapshot.
#[test]
fn changes_outlive_a_crash_and_a_close() {
    let (folder, path) = place();
    let mut cache = Cache::open(&path);
    for change in [put("a", "1"), put("b", "2"), remove("a"), put("c", "[]")] {
        assert!(cache.change(&change));
    }
    drop(cache);
    let mut cache = Cache::open(&path);
    assert_eq!(cache.entries(), strings(&[("b", "2"), ("c", "[]")]));
    assert!(cache.close());
    assert_eq!(names(folder.path()), ["cache.json"]);
    let cache = Cache::open(&path);
    assert_eq!(cache.entries(), strings(&[("b", "2"), ("c", "[]")]));
    assert_eq!(cache.store.notices(), Vec::<String>::new());
}

/// A process that only reads creates no file, and nothing is written if nothing changed.
#[test]
fn reading_leaves_no_trace() {
    let (folder, path) = place();
    let mut cache = Cache::open(&path);
    assert!(cache.save() && cache.close());
    assert!(names(folder.path()).is_empty());
    std::fs::write(&path, "{\"a\": 1}").expect("the test can write");
    let mut cache = Cache::open(&path);
    cache.listen();
    assert!(cache.save() && cache.close());
    assert_eq!(names(folder.path()), ["cache.json"]);
    assert_eq!(std::fs::read(&path).expect("it is there"), b"{\"a\": 1}");
}

/// Processes see each other's changes, also across saves, and the newest result wins.
#[test]
fn processes_share_a_file() {
    let (folder, path) = place();
    let (mut one, mut two) = (Cache::open(&path), Cache::open(&path));
    one.change(&put("a", "1"));
    two.change(&put("a", "2"));
    two.change(&put("b", "2"));
    one.listen();
    assert_eq!(one.entries(), strings(&[("a", "2"), ("b", "2")]));
    assert!(one.save());
    two.change(&remove("a"));
    one.listen();
    assert_eq!(one.entries(), strings(&[("b", "2")]));
    assert!(two.save());
    one.change(&put("c", "3"));
    assert!(two.close());
    assert!(one.close());
    assert_eq!(names(folder.path()), ["cache.json"]);
    assert_eq!(Cache::open(&path).entries(), strings(&[("b", "2"), ("c", "3")]));
}

/// A reader that holds a journal which others fold and remove goes on with the next one.
#[test]
fn a_reader_follows_through_the_end_of_a_chain() {
    let (_folder, path) = place();
    let mut writer = Cache::open(&path);
    writer.change(&put("a", "1"));
    let mut reader = Cache::open(&path);
    assert!(writer.close());
    let mut writer = Cache::open(&path);
    writer.change(&put("b", "2"));
    reader.listen();
    assert_eq!(reader.entries(), strings(&[("a", "1"), ("b", "2")]));
    writer.change(&put("c", "3"));
    reader.listen();
    assert_eq!(reader.entries().len(), 3);
}

/// Results that are appended during a save are kept.
#[test]
fn appends_go_on_during_a_save() {
    let (_folder, path) = place();
    let (mut one, mut two) = (Cache::open(&path), Cache::open(&path));
    one.change(&put("a", "1"));
    let mut saving = one.store.begin_save().expect("it begins").expect("there is something");
    let changes = saving.seal().expect("the disk works").expect("there is something to save");
    assert!(changes.is_empty());
    one.store.append(put("b", "2")).expect("the disk works");
    two.change(&put("c", "3"));
    saving.write(&[item("a", "1")][..].into()).expect("the disk works");
    drop((one, two));
    let kept = strings(&[("a", "1"), ("b", "2"), ("c", "3")]);
    assert_eq!(Cache::open(&path).entries(), kept);
}

/// A save that is begun and abandoned changes nothing; external changes are still reported.
#[test]
fn a_save_can_be_given_up() {
    let (folder, path) = place();
    let (mut one, two) = (Cache::open(&path), Cache::open(&path));
    two.store.append(put("a", "1")).expect("the disk works");
    drop(one.store.begin_save().expect("it begins"));
    one.listen();
    assert_eq!(one.entries(), strings(&[("a", "1")]));
    assert!(!names(folder.path()).contains(&"cache.json".to_owned()));
    assert!(one.save());
    assert_eq!(Cache::open(&path).entries(), strings(&[("a", "1")]));
}

/// Only one process at a time holds the lock of a key; its end, however it comes, frees the key.
#[cfg(target_os = "linux")]
#[test]
fn a_key_is_locked_for_one_process() {
    let (_folder, path) = place();
    let (one, two) = (Cache::open(&path), Cache::open(&path));
    let KeyLock::Held(guard) = one.store.lock_key(b"k") else { panic!("the key is free") };
    assert!(matches!(two.store.lock_key(b"k"), KeyLock::Busy));
    assert!(matches!(two.store.lock_key(b"other"), KeyLock::Held(_)));
    drop(guard);
    let KeyLock::Held(_guard) = two.store.lock_key(b"k") else { panic!("the key was freed") };
    assert!(matches!(one.store.lock_key(b"k"), KeyLock::Busy));
    drop(two);
    assert!(matches!(one.store.lock_key(b"k"), KeyLock::Held(_)));
}

/// A forked child works with its own handles, and a guard of the parent frees nothing in the child.
#[test]
fn a_child_goes_on_with_its_own_handles() {
    let (folder, path) = place();
    let mut cache = Cache::open(&path);
    cache.change(&put("a", "1"));
    let guard = cache.store.lock_key(b"k");
    let mut other = Cache::open(&path);
    other.change(&put("b", "2"));
    cache.store.after_fork();
    drop(guard);
    cache.change(&put("c", "3"));
    assert_eq!(cache.entries(), strings(&[("a", "1"), ("b", "2"), ("c", "3")]));
    assert!(cache.close());
    assert!(other.close());
    assert_eq!(names(folder.path()), ["cache.json"]);
    assert_eq!(Cache::open(&path).entries().len(), 3);
}

/// A child that was forked during a save of its parent can save as soon as the parent is done.
#[test]
fn a_child_does_not_keep_the_lock_of_a_save() {
    let (_folder, path) = place();
    let mut cache = Cache::open(&path);
    cache.change(&put("a", "1"));
    let parents = cache.store.begin_save().expect("it begins");
    cache.store.after_fork();
    // In the child the save is never dropped: its stack belongs to a thread that does not exist.
    std::mem::forget(parents);
    cache.change(&put("b", "2"));
    assert!(cache.save() && cache.close());
    assert_eq!(Cache::open(&path).entries(), strings(&[("a", "1"), ("b", "2")]));
}

/// Many processes that append, save, close and reopen at the same time lose nothing.
#[test]
fn a_crowd_loses_nothing() {
    let (folder, path) = place();
    std::thread::scope(|scope| {
        for who in 0..4 {
            let path = &path;
            scope.spawn(move || {
                for round in 0..5 {
                    let mut cache = Cache::open(path);
                    for n in 0..40 {
                        assert!(cache.change(&put(&format!("{who}-{round}-{n}"), "1")));
                        if n == 20 && who % 2 == 0 {
                            assert!(cache.save());
                        }
                    }
                    assert!(cache.close());
                }
            });
        }
    });
    assert_eq!(names(folder.path()), ["cache.json"]);
    assert_eq!(Cache::open(&path).items.len(), 4 * 5 * 40);
}

/// Threads of one process append while another one saves again and again, and nothing is lost.
#[test]
fn threads_append_while_another_saves() {
    let (_folder, path) = place();
    let store = FileStore::new(path.clone(), OPTIONS);
    store.load();
    let written = std::sync::Mutex::new(vec![]);
    std::thread::scope(|scope| {
        for who in 0..3 {
            let (store, written) = (&store, &written);
            scope.spawn(move || {
                for n in 0..200 {
                    let item = item(&format!("{who}-{n}"), "1");
                    // In memory before it is promised, as in the cache, so that a save has it.
                    written.lock().expect("nobody panics").push(item.clone());
                    store.append(Change::Put(item)).expect("the disk works");
                }
            });
        }
        for _ in 0..20 {
            let Some(mut saving) = store.begin_save().expect("the disk works") else { continue };
            if saving.seal().expect("the disk works").is_some() {
                let items = written.lock().expect("nobody panics").clone();
                saving.write(&items[..].into()).expect("the disk works");
            }
        }
    });
    drop(store);
    assert_eq!(Cache::open(&path).items.len(), 600);
}

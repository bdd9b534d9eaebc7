//! Files that are damaged, replaced, protected, or not files at all.

use outlive::store::{ExternalChange, FileStore, KeyLock, Options, Store};

use super::stand::{Cache, OPTIONS, entries, journal, names, place, put, strings};

/// A file that another program rewrote is read again at the next save, and merged with the journal.
#[test]
fn a_replaced_file_is_merged() {
    let (_folder, path) = place();
    std::fs::write(&path, "{\"a\": 1}").expect("the test can write");
    let mut cache = Cache::open(&path);
    cache.change(&put("b", "2"));
    std::fs::write(&path, "{\"a\": 10, \"z\": 26}").expect("the test can write");
    assert!(cache.save());
    assert_eq!(cache.entries(), strings(&[("a", "10"), ("z", "26"), ("b", "2")]));
    assert_eq!(Cache::open(&path).entries(), cache.entries());
}

/// Removing the file resets the cache: only what the journal holds counts.
#[test]
fn a_removed_file_is_a_reset() {
    let (_folder, path) = place();
    std::fs::write(&path, "{\"a\": 1}").expect("the test can write");
    let mut cache = Cache::open(&path);
    std::fs::remove_file(&path).expect("the test can remove");
    cache.change(&put("b", "2"));
    assert!(cache.close());
    assert_eq!(Cache::open(&path).entries(), strings(&[("b", "2")]));
}

/// A snapshot and a journal that the user removed do not come back, even if the next save comes at
/// once.
#[test]
fn removed_files_do_not_come_back() {
    let (folder, path) = place();
    let mut cache = Cache::open(&path);
    for n in 0..20 {
        cache.change(&put("old", "1"));
        assert!(cache.save() && path.exists());
        cache.change(&put("a", "1"));
        // Long enough for the store to check again whether the files are in place.
        std::thread::sleep(std::time::Duration::from_millis(2));
        cache.listen();
        std::fs::remove_file(journal(folder.path())).expect("the test can remove");
        std::fs::remove_file(&path).expect("the test can remove");
        if n % 2 == 0 {
            assert!(cache.save());
        } else {
            assert!(cache.close());
        }
        cache.listen();
        assert_eq!(cache.entries(), strings(&[]));
        assert_eq!(Cache::open(&path).entries(), strings(&[]));
    }
}

/// A process that does not save notices soon that the user removed the files.
#[test]
fn removed_files_are_seen_soon() {
    let (folder, path) = place();
    let mut cache = Cache::open(&path);
    cache.change(&put("a", "1"));
    std::thread::sleep(std::time::Duration::from_millis(2));
    cache.listen();
    std::fs::remove_file(journal(folder.path())).expect("the test can remove");
    let seen = (0..10_000).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(1));
        cache.listen();
        cache.entries().is_empty()
    });
    assert!(seen);
    assert!(cache.change(&put("b", "2")));
    assert_eq!(Cache::open(&path).entries(), strings(&[("b", "2")]));
}

/// A damaged file is quarantined under a dated name, one notice names both, and a save repairs it.
#[test]
fn a_damaged_file_is_kept_beside() {
    let (folder, path) = place();
    std::fs::write(&path, "{\"a\": 1, \"b\": [2").expect("the test can write");
    let mut cache = Cache::open(&path);
    let notices = cache.store.notices();
    assert_eq!(notices.len(), 1, "{notices:?}");
    let found = names(folder.path());
    let copy = found.iter().find(|name| name.starts_with("cache.json.damaged-")).expect("a copy");
    assert!(notices[0].contains(&*path.to_string_lossy()) && notices[0].contains(copy.as_str()));
    assert_eq!(
        std::fs::read(folder.path().join(copy)).expect("it can be read"),
        b"{\"a\": 1, \"b\": [2"
    );
    assert!(cache.close());
    assert_eq!(names(folder.path()).len(), 2);
    let healed = Cache::open(&path);
    assert_eq!(healed.entries(), cache.entries());
    assert_eq!(healed.store.notices(), Vec::<String>::new());
}

/// An empty file is an empty cache, with a notice and without a quarantined copy.
#[test]
fn an_empty_file_is_an_empty_cache() {
    let (folder, path) = place();
    std::fs::write(&path, "").expect("the test can write");
    let mut cache = Cache::open(&path);
    assert_eq!(cache.store.notices().len(), 1);
    assert!(cache.change(&put("a", "1")) && cache.close());
    assert_eq!(names(folder.path()), ["cache.json"]);
    assert_eq!(Cache::open(&path).entries(), strings(&[("a", "1")]));
}

/// If a folder is in place of the file, the cache works in memory and says so once.
#[test]
fn a_folder_in_the_way_is_left_alone() {
    let (folder, path) = place();
    std::fs::create_dir(&path).expect("the test can make a folder");
    let mut cache = Cache::open(&path);
    assert!(!cache.change(&put("a", "1")));
    assert!(matches!(cache.store.lock_key(b"a"), KeyLock::Unsupported));
    assert!(cache.save() && cache.close());
    assert_eq!(cache.store.notices().len(), 1);
    assert_eq!(names(folder.path()), ["cache.json"]);
    assert_eq!(cache.entries(), strings(&[("a", "1")]));
}

/// If a pipe is in place of the file, the cache neither waits for it nor touches it.
#[cfg(unix)]
#[test]
fn a_pipe_in_the_way_is_left_alone() {
    let (folder, path) = place();
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.expect("mkfifo is there").success());
    let mut cache = Cache::open(&path);
    assert!(!cache.change(&put("a", "1")));
    assert!(cache.save() && cache.close());
    assert_eq!(names(folder.path()), ["cache.json"]);
}

/// A read-only store serves what is there and changes nothing in the folder.
#[test]
fn a_read_only_store_writes_nothing() {
    let (folder, path) = place();
    let mut writer = Cache::open(&path);
    writer.change(&put("a", "1"));
    let before = names(folder.path());
    let store = FileStore::new(path.clone(), Options { read_only: true, ..OPTIONS });
    assert_eq!(entries(&store.load().items.into_vec()), strings(&[("a", "1")]));
    writer.change(&put("b", "2"));
    let is_change = |news: &ExternalChange| matches!(news, ExternalChange::Change(_));
    assert_eq!(store.external_changes().iter().filter(|news| is_change(news)).count(), 1);
    assert!(store.append(put("c", "3")).is_err());
    assert!(store.begin_save().expect("nothing is begun").is_none());
    store.close();
    assert_eq!(store.notices().len(), 1);
    assert_eq!(names(folder.path()), before);
}

/// A file that nobody may write is served and left as it is.
#[cfg(unix)]
#[test]
fn a_write_protected_file_is_served() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path) = place();
    std::fs::write(&path, "{\"a\": 1}").expect("the test can write");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o444)).expect("it is ours");
    let mut cache = Cache::open(&path);
    assert_eq!(cache.entries(), strings(&[("a", "1")]));
    assert!(cache.store.notices().is_empty());
    assert!(!cache.change(&put("b", "2")));
    assert!(!cache.change(&put("c", "3")));
    assert!(cache.save() && cache.close());
    assert_eq!(cache.store.notices().len(), 1);
    assert_eq!(names(folder.path()), ["cache.json"]);
    assert_eq!(std::fs::read(&path).expect("it is there"), b"{\"a\": 1}");
}

/// When its folder is removed, a running process keeps its results in memory and says so.
#[test]
fn a_removed_folder_is_told() {
    let (folder, path) = place();
    let mut cache = Cache::open(&path);
    assert!(cache.change(&put("a", "1")));
    drop(folder);
    assert!(!cache.change(&put("b", "2")));
    assert!(!cache.close());
    assert_eq!(cache.entries(), strings(&[("a", "1"), ("b", "2")]));
    assert!(!cache.store.notices().is_empty());
}

/// New files are private; an existing snapshot keeps its mode, and a link to it stays a link.
#[cfg(unix)]
#[test]
fn modes_and_links_are_kept() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path) = place();
    let mode = |path: &std::path::Path| {
        std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    };
    let mut cache = Cache::open(&path);
    cache.change(&put("a", "1"));
    assert_eq!(mode(&journal(folder.path())), 0o600);
    assert!(cache.save());
    assert_eq!(mode(&path), 0o600);
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).expect("it is ours");
    let link = folder.path().join("link.json");
    std::os::unix::fs::symlink("cache.json", &link).expect("links are possible");
    let mut linked = Cache::open(&link);
    linked.change(&put("b", "2"));
    assert!(linked.save() && cache.close() && linked.close());
    assert_eq!(mode(&path), 0o644);
    assert!(std::fs::symlink_metadata(&link).expect("it is there").is_symlink());
    assert_eq!(names(folder.path()), ["cache.json", "link.json"]);
    assert_eq!(Cache::open(&path).entries().len(), 2);
}

/// The next save removes temporary files of a process that died during a save.
#[test]
fn leftovers_are_cleared_away() {
    let (folder, path) = place();
    std::fs::write(folder.path().join("cache.json.tmp-1-2-3"), "{").expect("the test can write");
    let mut cache = Cache::open(&path);
    cache.change(&put("a", "1"));
    assert!(cache.close());
    assert_eq!(names(folder.path()), ["cache.json"]);
}

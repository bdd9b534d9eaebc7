//! Returned results survive saves of other processes, edits, deletions and later versions.

use std::path::Path;

use outlive::store::Store;

use super::stand::{Cache, journal, names, place, put, strings};

/// Stands in for a process that computes `key` and is killed.
fn killed_after(path: &Path, key: &str) {
    let mut cache = Cache::open(path);
    assert!(cache.change(&put(key, "1")));
}

/// An edit survives the next save of every process, not only of the one that merged it.
#[test]
fn an_edit_outlives_the_saves_of_all() {
    let (_folder, path) = place();
    let (mut one, mut two) = (Cache::open(&path), Cache::open(&path));
    one.change(&put("a", "1"));
    two.change(&put("b", "2"));
    assert!(one.save() && two.save());
    std::fs::write(&path, "{\"a\": 1, \"b\": 2, \"edited\": 3}").expect("the test can write");
    one.change(&put("c", "4"));
    assert!(one.save());
    two.change(&put("d", "5"));
    assert!(two.save());
    let found = Cache::open(&path).entries();
    let all = strings(&[("a", "1"), ("b", "2"), ("edited", "3"), ("c", "4"), ("d", "5")]);
    assert_eq!(found, all);
}

/// Deleting the file deletes the cache, whatever a killed process left beside it; what is computed
/// from then on is kept.
#[test]
fn a_deleted_file_takes_its_journals_with_it() {
    let (folder, path) = place();
    let mut cache = Cache::open(&path);
    assert!(cache.change(&put("old", "1")) && cache.close());
    killed_after(&path, "older");
    std::fs::remove_file(&path).expect("the test can remove");
    let mut cache = Cache::open(&path);
    assert_eq!(cache.entries(), strings(&[]));
    assert!(cache.change(&put("new", "2")));
    assert_eq!(Cache::open(&path).entries(), strings(&[("new", "2")]));
    assert!(cache.close());
    assert_eq!(names(folder.path()), ["cache.json"]);
    assert_eq!(Cache::open(&path).entries(), strings(&[("new", "2")]));
}

/// Results in journals count even if there is no snapshot yet.
#[test]
fn a_journal_without_a_file_counts() {
    let (_folder, path) = place();
    killed_after(&path, "a");
    killed_after(&path, "b");
    assert_eq!(Cache::open(&path).entries(), strings(&[("a", "1"), ("b", "1")]));
}

/// A journal of a later version stays byte for byte, and new results go to one beside it.
#[test]
fn a_later_version_is_left_alone() {
    let (folder, path) = place();
    killed_after(&path, "paid");
    let later = journal(folder.path());
    let mut changed = std::fs::read(&later).expect("it can be read");
    for at in 0..changed.len() - 3 {
        if changed[at..at + 4] == *b"\xFFol\x01" {
            changed[at + 3] = 2;
        }
    }
    std::fs::write(&later, &changed).expect("it can be written");
    let mut cache = Cache::open(&path);
    assert_eq!(cache.entries(), strings(&[]));
    assert!(cache.change(&put("other", "2")) && cache.save() && cache.close());
    assert_eq!(cache.store.notices().len(), 1);
    assert_eq!(std::fs::read(&later).expect("it is there"), changed);
    assert_eq!(Cache::open(&path).entries(), strings(&[("other", "2")]));
}

/// A cache may have the longest name that the file system allows.
#[test]
fn the_longest_name() {
    let (folder, _) = place();
    for name in ["n".repeat(255), "ä".repeat(127), "n".repeat(143)] {
        let path = folder.path().join(&name);
        killed_after(&path, "a");
        let mut cache = Cache::open(&path);
        assert!(cache.change(&put("b", "2")) && cache.close());
        assert_eq!(Cache::open(&path).entries(), strings(&[("a", "1"), ("b", "2")]));
        assert_eq!(names(folder.path()), [name]);
        std::fs::remove_file(&path).expect("the test can remove");
    }
}

/// The journal and the lock of a file that its group may write have the file's mode.
#[cfg(unix)]
#[test]
fn files_beside_belong_with_the_file() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let (folder, path) = place();
    std::fs::write(&path, "{}").expect("the test can write");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o664)).expect("it is ours");
    let mut cache = Cache::open(&path);
    cache.change(&put("a", "1"));
    for name in names(folder.path()) {
        let data = std::fs::metadata(folder.path().join(&name)).expect("it is there");
        assert_eq!(data.mode() & 0o777, 0o664, "{name}");
    }
}

/// Nothing is written through a journal or a lock that is a symbolic link: it may be a trap.
#[cfg(unix)]
#[test]
fn links_beside_are_not_followed() {
    let (folder, path) = place();
    let victim = folder.path().join("victim");
    std::fs::write(&victim, "precious").expect("the test can write");
    for name in ["cache.json.journal-1", "cache.json.lock"] {
        let link = folder.path().join(name);
        std::os::unix::fs::symlink(&victim, &link).expect("links are possible");
        let mut cache = Cache::open(&path);
        cache.change(&put("a", "1"));
        cache.close();
        assert_eq!(std::fs::read(&victim).expect("it is there"), b"precious");
        // The cache may have removed the link already, as a stray file; not its target.
        let _ = std::fs::remove_file(&link);
    }
}

/// A file that is removed and written again a moment later, as git does, does not count as deleted:
/// results in journals alone are kept.
#[test]
fn a_file_that_comes_back_was_not_deleted() {
    let (_folder, path) = place();
    let mut cache = Cache::open(&path);
    assert!(cache.change(&put("a", "1")) && cache.save() && cache.change(&put("b", "2")));
    let bytes = std::fs::read(&path).expect("it was saved");
    std::fs::remove_file(&path).expect("the test can remove");
    let made = path.clone();
    let git = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(20));
        std::fs::write(made, bytes).expect("the test can write");
    });
    assert_eq!(Cache::open(&path).entries(), strings(&[("a", "1"), ("b", "2")]));
    git.join().expect("it writes");
}

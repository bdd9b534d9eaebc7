//! What was returned stays: through others' saves, an editor, a user who deletes, a later version.

use std::path::Path;

use outlive::store::Store;

use super::stand::{Cache, journal, names, place, put, strings};

/// A process computes `key` and is killed.
fn killed_after(path: &Path, key: &str) {
    let mut cache = Cache::open(path);
    assert!(cache.change(&put(key, "1")));
}

/// What an editor changed is kept by every process's next save, not only by the one that merged it.
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

/// Who deletes the file has deleted the cache, whatever a killed process left beside it; what is
/// computed from then on is kept.
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

/// Results that no snapshot holds yet count although there is no snapshot.
#[test]
fn a_journal_without_a_file_counts() {
    let (_folder, path) = place();
    killed_after(&path, "a");
    killed_after(&path, "b");
    assert_eq!(Cache::open(&path).entries(), strings(&[("a", "1"), ("b", "1")]));
}

/// A journal of a later version stays byte for byte, and results are kept in one beside it.
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

/// The longest name that a file system allows is a name for a cache.
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

/// The journal and the lock of a file that its group may write are the group's, too.
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

/// A journal that is a symbolic link is somebody's trap: nothing is written through it.
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
        // What is no journal's or lock's place may have been cleared away: the link, not its
        // target.
        let _ = std::fs::remove_file(&link);
    }
}

/// A file that is removed and made anew a moment later, as git does, was not deleted: what stands
/// in journals alone counts.
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

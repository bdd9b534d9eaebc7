//! What hit tables are told: that entries go, and which.

use outlive::cache::{Epoch, Share};
use outlive::policy::Limits;
use tempfile::TempDir;

use super::{Text, in_memory, key, on_disk, result};

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

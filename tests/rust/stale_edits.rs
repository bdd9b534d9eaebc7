//! Stale edits: programs write back what they read before others saved, with a change of their own.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use bytes::Bytes;
use outlive::cache::{Cache, Entry};
use outlive::store::FileStore;

use super::stand::{OPTIONS, place};

/// The cache of one process.
struct Process(Arc<Cache<(), ()>>);

impl Process {
    fn open(path: &Path) -> Self {
        let store = FileStore::new(path.to_path_buf(), OPTIONS);
        Self(Arc::new(Cache::new(Box::new(store))))
    }

    fn put(&self, key: &'static str) {
        let mut entry = Entry::new(Some(1.0));
        entry.text = Some(Bytes::from_static(b"1"));
        self.0.put(&Bytes::from_static(key.as_bytes()), entry).expect("there is room");
    }

    fn save(&self) {
        self.0.saver().save().expect("there is room");
    }

    /// Takes in external changes, some time after somebody changed the file.
    fn look(&self) {
        sleep(Duration::from_millis(2));
        self.0.take_external_changes();
    }

    fn has(&self, keys: &[&str]) -> bool {
        self.look();
        keys.iter().all(|key| self.0.peek(key.as_bytes()).is_some())
    }
}

/// Writes back `text`, which was read earlier, with one more entry.
fn write_back(path: &Path, text: &str) {
    let (before, _) = text.rsplit_once('}').expect("it is an object");
    let comma = if before.contains(':') { "," } else { "" };
    fs::write(path, format!("{before}{comma}\n\"edited\": 1\n}}\n")).expect("the test can write");
}

/// Results that a stale edit lacks survive a kill that comes right after the edit was seen.
#[test]
fn a_kill_after_a_stale_edit_loses_nothing() {
    let (_folder, path) = place();
    let one = Process::open(&path);
    one.put("before");
    one.save();
    let text = fs::read_to_string(&path).expect("it was saved");
    one.put("later");
    one.save();
    write_back(&path, &text);
    one.look();
    // A killed process leaves its files as they are.
    std::mem::forget(one);
    assert!(Process::open(&path).has(&["before", "later", "edited"]));
}

/// A process that merges a stale edit keeps the results of other living processes, and so do these.
#[test]
fn a_merged_edit_keeps_the_results_of_all() {
    let (_folder, path) = place();
    let first = Process::open(&path);
    first.put("old");
    first.0.saver().close().expect("there is room");
    let (one, two) = (Process::open(&path), Process::open(&path));
    two.put("two");
    one.put("one");
    let text = fs::read_to_string(&path).expect("it was saved");
    one.save();
    write_back(&path, &text);
    one.look();
    one.put("later");
    one.save();
    one.save();
    let all = ["old", "one", "two", "later", "edited"];
    assert!(two.has(&all) && one.has(&all) && Process::open(&path).has(&all));
}

/// An edit does not bring back what another process forgot in a journal that is gone.
#[test]
fn an_edit_brings_nothing_back_that_was_forgotten_unseen() {
    let (_folder, path) = place();
    let (one, two) = (Process::open(&path), Process::open(&path));
    one.put("forgotten");
    two.look();
    two.save();
    two.0.remove(b"forgotten", true);
    two.save();
    two.put("later");
    two.save();
    let text = fs::read_to_string(&path).expect("it was saved");
    write_back(&path, &text);
    assert!(one.has(&["later", "edited"]) && !one.has(&["forgotten"]));
    assert!(!Process::open(&path).has(&["forgotten"]));
}

//! The contract of every store, and what the file store does with damaged, strange and shared files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use outlive::store::fs::{Disk, Fs};
use outlive::store::{
    Change, Durability, FileStore, Item, KeyLock, MemoryStore, News, Options, Store,
};
use outlive::value::write::Charset;
use tempfile::TempDir;

/// Keys and texts in order, as the tests compare them.
pub type Entries = Vec<(String, String)>;

/// The options that tests begin with.
pub const OPTIONS: Options =
    Options { charset: Charset::Utf8, durability: Durability::Flush, read_only: false };

/// A result as the cache would hand it to a store.
pub fn item(key: &str, text: &str) -> Item {
    let (key, text) = (Bytes::from(key.to_owned()), Bytes::from(text.to_owned()));
    Item { key, text, sound: true, created: None, timed: false }
}

/// The change that gives `key` the result `text`.
pub fn put(key: &str, text: &str) -> Change {
    Change::Put(item(key, text))
}

/// The change that takes `key` away.
pub fn remove(key: &str) -> Change {
    Change::Remove(Bytes::from(key.to_owned()))
}

/// Items as text.
pub fn entries(items: &[Item]) -> Entries {
    let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).expect("tests use UTF-8");
    items.iter().map(|item| (text(&item.key), text(&item.text))).collect()
}

/// Does to `items` what `change` says, in the dumbest way.
pub fn apply(items: &mut Vec<Item>, change: &Change) {
    match change {
        Change::Clear => items.clear(),
        Change::Remove(key) => items.retain(|item| item.key != key),
        Change::Put(new) => match items.iter_mut().find(|item| item.key == new.key) {
            Some(old) => *old = new.clone(),
            None => items.push(new.clone()),
        },
    }
}

/// The least that a cache does with its store.
pub struct Cache {
    /// The store under test.
    pub store: FileStore,
    /// What the cache knows.
    pub items: Vec<Item>,
}

impl Cache {
    /// Opens `path` on the real disk.
    pub fn open(path: &Path) -> Self {
        Self::open_on(path, Arc::new(Disk))
    }

    /// Opens `path` on `fs`.
    pub fn open_on(path: &Path, fs: Arc<dyn Fs>) -> Self {
        let store = FileStore::with_fs(path.to_path_buf(), OPTIONS, fs);
        let items = store.load().items;
        Self { store, items }
    }

    /// Makes a change as a computed result would; whether it was promised to last.
    pub fn change(&mut self, change: &Change) -> bool {
        self.listen();
        let promised = self.store.append(change).is_ok();
        apply(&mut self.items, change);
        promised
    }

    /// Takes in what others did.
    pub fn listen(&mut self) {
        let news = self.store.news();
        self.take_in(news);
    }

    fn take_in(&mut self, news: Vec<News>) {
        for news in news {
            match news {
                News::Change(change) => apply(&mut self.items, &change),
                News::Replaced(loaded) => self.items = loaded.items,
            }
        }
    }

    /// Folds the journal; whether that worked.
    pub fn save(&mut self) -> bool {
        let saving = self.store.begin_save();
        self.finish(saving)
    }

    /// Leaves the file; whether a save that was due worked.
    pub fn close(&mut self) -> bool {
        let saving = self.store.begin_close();
        let worked = self.finish(saving);
        self.store.close();
        worked
    }

    fn finish(
        &mut self,
        saving: outlive::error::Result<Option<Box<dyn outlive::store::Saving>>>,
    ) -> bool {
        match saving {
            Err(_) => false,
            Ok(None) => true,
            Ok(Some(mut saving)) => {
                self.take_in(saving.news());
                saving.write(&self.items).is_ok()
            }
        }
    }

    /// What the cache holds.
    pub fn entries(&self) -> Entries {
        entries(&self.items)
    }
}

/// A folder of its own and the file in it.
pub fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("tests need a temporary folder");
    let path = folder.path().join("cache.json");
    (folder, path)
}

/// The names in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let read = std::fs::read_dir(folder).expect("the folder is there");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.expect("the folder can be read").file_name().into_string().expect("names are UTF-8")
    };
    let mut names: Vec<String> = read.map(name).collect();
    names.sort();
    names
}

fn strings(pairs: &[(&str, &str)]) -> Entries {
    pairs.iter().map(|&(key, text)| (key.to_owned(), text.to_owned())).collect()
}

/// The one journal in the folder.
fn journal(folder: &Path) -> PathBuf {
    let found: Vec<String> =
        names(folder).into_iter().filter(|name| name.contains(".journal-")).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    folder.join(&found[0])
}

/// Every store takes changes, reports no news of its own, and closes without complaint.
#[test]
fn every_store_keeps_the_contract() {
    let (_folder, path) = place();
    let stores: [Box<dyn Store>; 2] =
        [Box::new(MemoryStore), Box::new(FileStore::new(path, OPTIONS))];
    for store in stores {
        assert!(store.load().items.is_empty());
        store.append(&put("a", "1")).expect("a change is taken");
        assert!(store.news().is_empty());
        assert!(!store.wants_save());
        assert!(!matches!(store.lock_key(b"a"), KeyLock::Busy));
        if let Some(saving) = store.begin_close().expect("a save begins") {
            saving.write(&[item("a", "1")]).expect("a save works");
        }
        store.close();
        store.close();
        assert_eq!(store.notices(), Vec::<String>::new());
    }
}

/// What was appended is there after a crash, and after a clean exit only the snapshot is left.
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

/// A process that only reads makes no file, and nothing is written if nothing changed.
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

/// Processes see each other's changes, across saves of either, and the newest result wins.
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

/// A reader that holds a journal which others fold and remove finds the next one.
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

/// Results appended while a save is under way are kept.
#[test]
fn appends_go_on_during_a_save() {
    let (_folder, path) = place();
    let (mut one, mut two) = (Cache::open(&path), Cache::open(&path));
    one.change(&put("a", "1"));
    let mut saving = one.store.begin_save().expect("it begins").expect("there is something");
    one.store.append(&put("b", "2")).expect("the disk works");
    two.change(&put("c", "3"));
    assert!(saving.news().is_empty());
    saving.write(&[item("a", "1")]).expect("the disk works");
    drop((one, two));
    let kept = strings(&[("a", "1"), ("b", "2"), ("c", "3")]);
    assert_eq!(Cache::open(&path).entries(), kept);
}

/// A save that is begun and given up leaves everything as it was, news included.
#[test]
fn a_save_can_be_given_up() {
    let (folder, path) = place();
    let (mut one, two) = (Cache::open(&path), Cache::open(&path));
    two.store.append(&put("a", "1")).expect("the disk works");
    drop(one.store.begin_save().expect("it begins"));
    one.listen();
    assert_eq!(one.entries(), strings(&[("a", "1")]));
    assert!(!names(folder.path()).contains(&"cache.json".to_owned()));
    assert!(one.save());
    assert_eq!(Cache::open(&path).entries(), strings(&[("a", "1")]));
}

/// One process at a time computes a key; its end, however it comes, frees the key.
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

/// A child of a fork works with handles of its own, and a guard of the parent frees nothing there.
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

/// A journal cut at any byte yields the whole records before the cut, and no notice.
#[test]
fn a_journal_may_be_cut_anywhere() {
    let (folder, path) = place();
    let mut cache = Cache::open(&path);
    let mut ends = vec![];
    for n in 0..4 {
        cache.change(&put(&format!("key{n}"), &format!("[{n}]")));
        ends.push(std::fs::metadata(journal(folder.path())).expect("it is there").len());
    }
    drop(cache);
    let file = journal(folder.path());
    let whole = std::fs::read(&file).expect("it can be read");
    for cut in 0..=whole.len() {
        std::fs::write(&file, &whole[..cut]).expect("it can be written");
        let cache = Cache::open(&path);
        let kept = ends.iter().filter(|&&end| end <= cut as u64).count();
        assert_eq!(cache.items.len(), kept, "cut at {cut}");
        assert_eq!(cache.store.notices(), Vec::<String>::new(), "cut at {cut}");
    }
}

/// What is appended behind a torn record counts, and one notice tells of the torn one.
#[test]
fn a_torn_record_is_passed_over() {
    let (folder, path) = place();
    let mut cache = Cache::open(&path);
    cache.change(&put("a", "1"));
    cache.change(&put("b", "2"));
    drop(cache);
    let file = journal(folder.path());
    let whole = std::fs::read(&file).expect("it can be read");
    std::fs::write(&file, &whole[..whole.len() - 3]).expect("it can be written");
    let mut cache = Cache::open(&path);
    cache.change(&put("c", "3"));
    cache.change(&put("d", "4"));
    drop(cache);
    let cache = Cache::open(&path);
    assert_eq!(cache.entries(), strings(&[("a", "1"), ("c", "3"), ("d", "4")]));
    let notices = cache.store.notices();
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].contains("27 bytes") && notices[0].contains("other 3"), "{notices:?}");
}

/// Whatever bit of a journal is flipped, no wrong value appears and the other records are kept.
#[test]
fn a_flipped_bit_costs_one_record() {
    let (folder, path) = place();
    let mut cache = Cache::open(&path);
    let mut ends = vec![0];
    for n in 0..3 {
        cache.change(&put(&format!("key{n}"), &format!("[{n}]")));
        ends.push(std::fs::metadata(journal(folder.path())).expect("it is there").len());
    }
    let all = cache.entries();
    drop(cache);
    let file = journal(folder.path());
    let whole = std::fs::read(&file).expect("it can be read");
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&file, &bytes).expect("it can be written");
        let hit = ends.iter().filter(|&&end| end <= bit as u64 / 8).count() - 1;
        let mut kept = all.clone();
        kept.remove(hit);
        assert_eq!(Cache::open(&path).entries(), kept, "bit {bit}");
    }
}

/// Times and flags of a result survive in the journal.
#[test]
fn times_survive() {
    let (_folder, path) = place();
    let timed = Item { created: Some(1.5e9), timed: true, ..item("a", "1") };
    let plain = Item { sound: false, ..item("b", " 2") };
    let store = FileStore::new(path.clone(), OPTIONS);
    store.load();
    for item in [&timed, &plain] {
        store.append(&Change::Put(item.clone())).expect("the disk works");
    }
    drop(store);
    assert_eq!(Cache::open(&path).items, [timed, plain]);
}

/// A file that somebody else rewrote is read again at the next save, and merged with the journal.
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

/// A file that the user removed is a clean reset: only what the journal holds counts.
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

/// A damaged file is kept under a dated name, one notice names both, and the next save heals it.
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

/// An empty file is an empty cache, with a notice and nothing to keep beside.
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

/// Where a folder stands instead of a file, the cache works in memory and says so once.
#[test]
fn a_folder_in_the_way_is_left_alone() {
    let (folder, path) = place();
    std::fs::create_dir(&path).expect("the test can make a folder");
    let mut cache = Cache::open(&path);
    assert!(!cache.change(&put("a", "1")));
    assert!(matches!(cache.store.lock_key(b"a"), KeyLock::Unsupported));
    assert!(cache.save() && cache.close());
    assert_eq!(cache.store.notices().len(), 2);
    assert_eq!(names(folder.path()), ["cache.json"]);
    assert_eq!(cache.entries(), strings(&[("a", "1")]));
}

/// A pipe in the place of the file is neither waited for nor touched.
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

/// A store opened for reading serves what is there and changes nothing in the folder.
#[test]
fn a_read_only_store_writes_nothing() {
    let (folder, path) = place();
    let mut writer = Cache::open(&path);
    writer.change(&put("a", "1"));
    let before = names(folder.path());
    let store = FileStore::new(path.clone(), Options { read_only: true, ..OPTIONS });
    assert_eq!(entries(&store.load().items), strings(&[("a", "1")]));
    writer.change(&put("b", "2"));
    assert_eq!(store.news().len(), 1);
    assert!(store.append(&put("c", "3")).is_err());
    assert!(store.begin_save().expect("nothing is begun").is_none());
    store.close();
    assert_eq!(store.notices().len(), 1);
    assert_eq!(names(folder.path()), before);
}

/// A file whose mode lets nobody write is served and left as it is.
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

/// When the folder is removed under a running process, its results stay in memory, with a notice.
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

/// New files are private; a snapshot that was there keeps its mode, and a link to it stays a link.
#[cfg(unix)]
#[test]
fn modes_and_links_are_kept() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path) = place();
    let mode =
        |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
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

/// Temporary files of a process that died during a save are cleared away by the next save.
#[test]
fn leftovers_are_cleared_away() {
    let (folder, path) = place();
    std::fs::write(folder.path().join("cache.json.tmp-1-2-3"), "{").expect("the test can write");
    let mut cache = Cache::open(&path);
    cache.change(&put("a", "1"));
    assert!(cache.close());
    assert_eq!(names(folder.path()), ["cache.json"]);
}

/// A journal larger than a mebibyte and than the snapshot asks for a save.
#[test]
fn a_grown_journal_asks_for_a_save() {
    let (_folder, path) = place();
    let mut cache = Cache::open(&path);
    let long = format!("\"{}\"", "x".repeat(1 << 19));
    cache.change(&put("a", &long));
    assert!(!cache.store.wants_save());
    cache.change(&put("a", &long));
    assert!(cache.store.wants_save());
    assert!(cache.save());
    assert!(!cache.store.wants_save());
}

/// With `Fsync` the same holds as with `Flush`.
#[test]
fn synced_changes_are_kept() {
    let (_folder, path) = place();
    let store = FileStore::new(path.clone(), Options { durability: Durability::Fsync, ..OPTIONS });
    store.load();
    store.append(&put("a", "1")).expect("the disk works");
    drop(store);
    assert_eq!(Cache::open(&path).entries(), strings(&[("a", "1")]));
}

/// Many processes that append, save, leave and come back at the same time lose nothing.
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

/// Threads of one process append while another one saves again and again; all is kept.
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
                    // As the cache does: known before it is promised, so that a save has it.
                    written.lock().expect("nobody panics").push(item.clone());
                    store.append(&Change::Put(item)).expect("the disk works");
                }
            });
        }
        for _ in 0..20 {
            if let Some(saving) = store.begin_save().expect("the disk works") {
                let items = written.lock().expect("nobody panics").clone();
                saving.write(&items).expect("the disk works");
            }
        }
    });
    drop(store);
    assert_eq!(Cache::open(&path).items.len(), 600);
}

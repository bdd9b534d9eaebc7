//! What the tests of the stores share: a minimal cache, and a folder to work in.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use outlive::store::fs::{Disk, Fs};
use outlive::store::{
    Change, Durability, ExternalChange, FileStore, Format, Item, Memory, Notes, Options, Saving,
    Store,
};
use outlive::value::write::Charset;
use tempfile::TempDir;

/// Keys and texts in order, as the tests compare them.
pub type Entries = Vec<(String, String)>;

/// The options that tests start from.
pub const OPTIONS: Options = Options {
    charset: Charset::Utf8,
    format: Format::Annotated,
    durability: Durability::Flush,
    read_only: false,
    map: Some(share),
};

/// The beginning of a file, read again at each access; it stands in for a memory map.
#[derive(Debug)]
struct Read(File, Vec<AtomicU64>);

impl Memory for Read {
    fn words(&self) -> &[AtomicU64] {
        let mut bytes = vec![0; self.1.len() * 8];
        let (mut file, start) = (&self.0, io::SeekFrom::Start(0));
        let read = file.seek(start).and_then(|_| file.read_exact(&mut bytes));
        read.expect("a map would end the process here");
        let (fields, _) = bytes.as_chunks::<8>();
        for (word, &field) in self.1.iter().zip(fields) {
            word.store(u64::from_ne_bytes(field), Ordering::Relaxed);
        }
        &self.1
    }
}

/// Returns the first `length` bytes of `file` as memory.
pub fn share(file: &File, length: usize) -> io::Result<Box<dyn Memory>> {
    let words = (0..length / 8).map(|_| AtomicU64::new(0)).collect();
    Ok(Box::new(Read(file.try_clone()?, words)))
}

/// Returns an item as the cache hands it to a store.
pub fn item(key: &str, text: &str) -> Item {
    let (key, text) = (Bytes::from(key.to_owned()), Bytes::from(text.to_owned()));
    Item { key, text, sound: true, created: None, timed: false, notes: Notes::default() }
}

/// Returns the change that gives `key` the result `text`.
pub fn put(key: &str, text: &str) -> Change {
    Change::Put(item(key, text))
}

/// Returns the change that removes `key`.
pub fn remove(key: &str) -> Change {
    Change::Remove(Bytes::from(key.to_owned()))
}

/// Returns the keys and texts of `items` as strings.
pub fn entries(items: &[Item]) -> Entries {
    let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).expect("tests use UTF-8");
    items.iter().map(|item| (text(&item.key), text(&item.text))).collect()
}

/// Applies `change` to `items` in the simplest way.
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

/// A minimal cache: no more than what a cache does with its store.
pub struct Cache {
    /// The store under test.
    pub store: FileStore,
    /// The entries in memory.
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
        let items = store.load().items.into_vec();
        Self { store, items }
    }

    /// Makes a change, as a computed result does; returns whether it is promised to last.
    pub fn change(&mut self, change: &Change) -> bool {
        self.listen();
        let written = match self.store.append(change.clone()) {
            Err(error) if error.is_busy() => until_free(|| self.store.settle()),
            written => written,
        };
        let promised = written.is_ok();
        apply(&mut self.items, change);
        promised
    }

    /// Takes in external changes.
    pub fn listen(&mut self) {
        let news = self.store.external_changes();
        self.take_in(news);
    }

    fn take_in(&mut self, news: Vec<ExternalChange>) {
        for news in news {
            match news {
                ExternalChange::Change(change) => apply(&mut self.items, &change),
                ExternalChange::Purge(_)
                | ExternalChange::Missed(_)
                | ExternalChange::Outdated(_) => {}
                ExternalChange::Replaced(loaded) => self.items = loaded.items.into_vec(),
            }
        }
    }

    /// Folds the journal; returns whether that succeeded.
    pub fn save(&mut self) -> bool {
        self.checkpoint(Store::begin_save)
    }

    /// Closes the store; returns whether a save that was due succeeded.
    pub fn close(&mut self) -> bool {
        let worked = self.checkpoint(Store::begin_close);
        self.store.close();
        worked
    }

    /// Writes a snapshot, and another if an earlier save failed; returns whether that worked.
    fn checkpoint(
        &mut self,
        begin: impl Fn(&FileStore) -> outlive::error::Result<Option<Box<dyn Saving>>>,
    ) -> bool {
        let saving = until_free(|| begin(&self.store));
        self.finish(saving).is_some_and(|whole| {
            let saving = (!whole).then(|| until_free(|| begin(&self.store)));
            saving.is_none_or(|saving| self.finish(saving).is_some())
        })
    }

    /// Returns whether all journals were folded; `None` if the save failed.
    fn finish(&mut self, saving: outlive::error::Result<Option<Box<dyn Saving>>>) -> Option<bool> {
        let Some(mut saving) = saving.ok()? else { return Some(true) };
        let Some(changes) = saving.seal().ok()? else { return Some(true) };
        self.take_in(changes);
        saving.write(&self.items[..].into()).ok()
    }

    /// Returns the keys and texts in memory.
    pub fn entries(&self) -> Entries {
        entries(&self.items)
    }
}

/// Returns a new temporary folder and the path of a cache file in it.
pub fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("tests need a temporary folder");
    let path = folder.path().join("cache.json");
    (folder, path)
}

/// Returns the names in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let read = std::fs::read_dir(folder).expect("the folder is there");
    let name = |entry: io::Result<std::fs::DirEntry>| {
        entry.expect("the folder can be read").file_name().into_string().expect("names are UTF-8")
    };
    let mut names: Vec<String> = read.map(name).collect();
    names.sort();
    names
}

/// Returns entries made of literals.
pub fn strings(pairs: &[(&str, &str)]) -> Entries {
    pairs.iter().map(|&(key, text)| (key.to_owned(), text.to_owned())).collect()
}

/// Returns the path of the only journal in the folder.
pub fn journal(folder: &Path) -> PathBuf {
    let found: Vec<String> =
        names(folder).into_iter().filter(|name| name.contains(".journal-")).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    folder.join(&found[0])
}

/// Repeats `attempt` until nobody is in its way; returns the result.
fn until_free<T>(attempt: impl Fn() -> outlive::error::Result<T>) -> outlive::error::Result<T> {
    loop {
        match attempt() {
            Err(error) if error.is_busy() => {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            done => return done,
        }
    }
}

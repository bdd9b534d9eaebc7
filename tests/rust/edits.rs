//! Editors and other programs that rewrite the file while processes are alive.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use outlive::cache::{Cache, Entry};
use outlive::store::FileStore;

use super::stand::{Folder, OPTIONS};

fn open(folder: &Path) -> Arc<Cache<(), ()>> {
    Arc::new(Cache::new(Box::new(FileStore::new(folder.join("c.json"), OPTIONS))))
}

fn put(cache: &Cache<(), ()>, key: &'static str) {
    let mut entry = Entry::new(Some(1.0));
    entry.text = Some(Bytes::from_static(b"1"));
    cache.put(&Bytes::from_static(key.as_bytes()), entry).expect("there is room");
}

fn has(cache: &Cache<(), ()>, key: &str) -> bool {
    cache.take_external_changes();
    cache.peek(key.as_bytes()).is_some()
}

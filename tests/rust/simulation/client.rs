//! The one place that knows the code under test: a process's cache, and what a call does with it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use outlive::cache::{Cache, Entry};
use outlive::stepping;
use outlive::store::{Durability, FileStore, Format, KeyLock, Options};
use outlive::value::write::Charset;

use super::machine::{FOLDER, SNAPSHOT, View};

/// How long a call waits until it looks again whether another process is done.
const PAUSE: Duration = Duration::from_millis(1);

/// A cache of a simulated process.
#[derive(Clone)]
pub struct Client(Arc<Cache<(), ()>>);

impl Client {
    /// The cache as a process has it that sees the disk by `view`.
    pub fn open(view: View, durability: Durability) -> Self {
        let options = Options {
            charset: Charset::Utf8,
            format: Format::Annotated,
            durability,
            read_only: false,
            map: None,
        };
        let path = Path::new(FOLDER).join(SNAPSHOT);
        let store = FileStore::with_fs(path, options, Arc::new(view));
        Self(Arc::new(Cache::new(Box::new(store))))
    }

    /// What a call would find without computing.
    pub fn look(&self, key: &str) -> Option<String> {
        self.0.take_external_changes();
        self.find(key)
    }

    fn find(&self, key: &str) -> Option<String> {
        let text = self.0.hit(key.as_bytes(), None)?.entry.text?;
        Some(String::from_utf8_lossy(&text).into_owned())
    }

    /// The right to compute `key`, or the result that is there meanwhile. Dropped by `put`'s caller.
    pub fn lead(&self, key: &str) -> Result<KeyLock, String> {
        loop {
            let lock = self.0.lock_key(key.as_bytes());
            if let Some(text) = self.look(key) {
                return Err(text);
            }
            if !matches!(lock, KeyLock::Busy) {
                return Ok(lock);
            }
            stepping::sleep(PAUSE);
        }
    }

    /// Keeps a result; whether it was promised to last.
    pub fn put(&self, key: &str, text: &str) -> bool {
        let mut entry = Entry::new(Some(1.0));
        entry.text = Some(Bytes::copy_from_slice(text.as_bytes()));
        match self.0.put(&Bytes::copy_from_slice(key.as_bytes()), entry) {
            Err(error) if error.is_busy() => self.settle(),
            written => written.is_ok(),
        }
    }

    /// Waits until nobody is in the way of what this process has to write; whether it is written.
    /// What another thread was told of it says nothing.
    fn settle(&self) -> bool {
        loop {
            match self.0.saver().settle() {
                Err(error) if error.is_busy() => stepping::sleep(PAUSE),
                settled => return settled.is_ok(),
            }
        }
    }

    /// Forgets a key.
    pub fn forget(&self, key: &str) {
        drop(self.0.remove(key.as_bytes(), true));
        let _ = self.0.saver().wait_until_settled();
    }

    /// Forgets all.
    pub fn clear(&self) {
        self.0.clear(true);
        let _ = self.0.saver().wait_until_settled();
    }

    /// Saves; whether it worked.
    pub fn save(&self) -> bool {
        self.0.saver().save().is_ok()
    }

    /// Closes; whether it worked.
    pub fn close(&self) -> bool {
        self.0.saver().close().is_ok()
    }

    /// Goes on as the child of a fork.
    pub fn after_fork(&self) {
        self.0.after_fork();
    }

    /// What the user is told.
    pub fn notices(&self) -> Vec<String> {
        self.0.notices()
    }
}

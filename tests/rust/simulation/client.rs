//! The only place that knows the code under test: a process's cache, and how a call uses it.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use outlive::cache::{Ask, Cache, Entry, Gate, Lease, Locks, Miss, StaleResult};
use outlive::error::Result;
use outlive::flight::{Flights, Owner, fresh_id, this_thread};
use outlive::stepping;
use outlive::store::{Durability, FileStore, Format, Memory, Options};
use outlive::value::write::Charset;

use super::hits::{Hits, Record};
use super::machine::{FOLDER, SNAPSHOT, View};

/// How long a call waits before it asks again whether another process is done.
const PAUSE: Duration = Duration::from_millis(1);

/// The cache of a simulated process.
#[derive(Clone)]
pub struct Client {
    cache: Arc<Cache<(), ()>>,
    hits: Arc<Mutex<Hits>>,
}

/// What a call found.
pub struct Found {
    /// The result, if there is one.
    pub text: Option<String>,
    /// Whether it takes announcements into account: a hit table without a page does not.
    pub sees: bool,
}

/// The right to compute a key.
pub struct Right {
    lease: Lease<(), ()>,
    epoch: u64,
}

impl Client {
    /// Returns the cache of a process that sees the disk by `view`.
    pub fn open(view: View, durability: Durability) -> Self {
        let options = Options {
            charset: Charset::Utf8,
            format: Format::Annotated,
            durability,
            read_only: false,
            map: Some(no_map),
        };
        let path = Path::new(FOLDER).join(SNAPSHOT);
        let store = FileStore::with_fs(path, options, Arc::new(view));
        Self { cache: Arc::new(Cache::new(Box::new(store))), hits: Arc::default() }
    }

    fn gate(&self) -> &Gate {
        self.cache.gate()
    }

    /// Returns the hit tables. No thread stops while it has them, as with Python's own lock.
    fn hits(&self) -> MutexGuard<'_, Hits> {
        self.hits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn table(&self, key: &str) -> Option<Found> {
        let (gate, hits) = (self.gate(), self.hits());
        let text = hits.find(key, gate)?;
        Some(Found { text: Some(text), sees: hits.look_at_a_page() })
    }

    /// Returns what a call finds without computing, in a hit table or else in the cache.
    pub fn hit(&self, key: &str) -> Found {
        if let Some(found) = self.table(key) {
            return found;
        }
        if self.cache.follower().is_behind() {
            self.cache.follower().follow(false);
            if let Some(found) = self.table(key) {
                return found;
            }
        }
        let (text, _) = self.begin(key);
        Found { text, sees: true }
    }

    /// Returns what the slow half of a call finds in the cache, and in which epoch.
    fn begin(&self, key: &str) -> (Option<String>, u64) {
        let mut epoch = self.gate().epoch.current();
        self.cache.load();
        if self.cache.follower().follow(true) {
            epoch = self.gate().epoch.current();
        }
        let Some(entry) = self.cache.hit(key.as_bytes(), None).map(|found| found.entry) else {
            return (None, epoch);
        };
        let Some(text) = text_of(&entry) else { return (None, epoch) };
        let record = Record { epoch, text: text.clone(), liveness: entry.liveness };
        self.remember(key, record);
        (Some(text), epoch)
    }

    /// Returns what is there after a look at the disk, whatever was announced.
    pub fn look(&self, key: &str) -> Option<String> {
        self.cache.take_external_changes();
        text_of(&self.cache.hit(key.as_bytes(), None)?.entry)
    }

    /// Returns the right to compute `key`, or the result that is there by now unless `anew` is set.
    pub fn lead(&self, key: &str, anew: bool, locks: Locks) -> std::result::Result<Right, String> {
        loop {
            let (text, epoch) = self.begin(key);
            if let Some(text) = text.filter(|_| !anew) {
                return Err(text);
            }
            let ask = Ask { origin: None, looks: !anew, locks, ..Ask::default() };
            let bytes = Bytes::copy_from_slice(key.as_bytes());
            let owner = Owner::thread(this_thread());
            let miss = self.cache.begin_miss(&bytes, owner, ask, StaleResult::default());
            if let Some(lease) = self.when_free(&bytes, ask, miss)? {
                if anew {
                    self.gate().epoch.advance();
                }
                return Ok(Right { lease, epoch });
            }
            stepping::sleep(PAUSE);
        }
    }

    /// Returns the lease of `miss` once no other process computes `key`; `None` if a thread does.
    fn when_free(
        &self,
        key: &Bytes,
        ask: Ask,
        mut miss: Miss<(), ()>,
    ) -> std::result::Result<Option<Lease<(), ()>>, String> {
        loop {
            match miss {
                Miss::Lead(lease) => return Ok(Some(lease)),
                Miss::Found(lease, found) => match text_of(&found.entry) {
                    Some(text) => return Err(text),
                    None => return Ok(Some(lease)),
                },
                Miss::Busy(lease) => {
                    stepping::sleep(PAUSE);
                    miss = lease.acquire(&self.cache, key, ask);
                }
                Miss::Wait(_) => return Ok(None),
                Miss::Nested | Miss::Circle(_) | Miss::Beside(_) => {
                    unreachable!("no call is made inside of another one")
                }
            }
        }
    }

    /// Commits a computed result; returns whether it counts, and whether it is promised to last.
    pub fn commit(&self, right: Right, key: &str, text: &str) -> (bool, bool) {
        let Right { lease, epoch } = right;
        let entry = self.entry(text);
        let liveness = entry.liveness.clone();
        let kept = lease.commit(&self.cache, &Bytes::copy_from_slice(key.as_bytes()), entry);
        let waits = matches!(&kept, Err(error) if error.is_busy());
        let mut counts = !matches!(kept, Ok(false));
        let promised = self.is_promised(kept.map(drop));
        if waits {
            // It may have turned out to be outdated.
            counts = self.look(key).as_deref() == Some(text);
        }
        if counts {
            let record = Record { epoch, text: text.to_owned(), liveness };
            self.remember(key, record);
        }
        (counts, promised)
    }

    fn remember(&self, key: &str, record: Record) {
        // Before the tables are locked: asking for it may take a wait.
        let page = self.gate().watch.page();
        self.hits().fill(key, record, page, self.gate());
    }

    fn entry(&self, text: &str) -> Entry<()> {
        let now = stepping::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut entry = Entry::new(Some(now.as_secs_f64()));
        entry.liveness = self.gate().uses.new_liveness();
        entry.text = Some(Bytes::copy_from_slice(text.as_bytes()));
        entry
    }

    /// Puts a given result; returns whether it is promised to last.
    pub fn put(&self, key: &str, text: &str) -> bool {
        let entry = self.entry(text);
        self.is_promised(self.cache.put(&Bytes::copy_from_slice(key.as_bytes()), entry))
    }

    /// Returns whether what was `written` lasts, once nobody is in its way.
    fn is_promised(&self, written: Result<()>) -> bool {
        match written {
            Err(error) if error.is_busy() => self.settle(),
            written => written.is_ok(),
        }
    }

    /// Waits until nobody is in the way of what this process has to write; returns whether it is
    /// written. What another thread was told of it does not count.
    fn settle(&self) -> bool {
        loop {
            match self.cache.saver().settle() {
                Err(error) if error.is_busy() => stepping::sleep(PAUSE),
                settled => return settled.is_ok(),
            }
        }
    }

    /// Forgets a key.
    pub fn forget(&self, key: &str) {
        drop(self.cache.remove(key.as_bytes(), true));
        let _ = self.cache.saver().wait_until_settled();
    }

    /// Forgets `keys`, and whatever else matches `pattern`.
    pub fn forget_where(&self, pattern: &str, keys: &[String]) {
        self.cache.take_external_changes();
        while self.cache.outdate(pattern.as_bytes(), None, true).is_err_and(|error| error.is_busy())
        {
            stepping::sleep(PAUSE);
        }
        for key in keys {
            drop(self.cache.remove(key.as_bytes(), true));
        }
        let _ = self.cache.saver().wait_until_settled();
    }

    /// Clears the cache.
    pub fn clear(&self) {
        self.cache.clear(true);
        let _ = self.cache.saver().wait_until_settled();
    }

    /// Saves; returns whether that worked.
    pub fn save(&self) -> bool {
        self.cache.saver().save().is_ok()
    }

    /// Closes; returns whether that worked.
    pub fn close(&self) -> bool {
        self.cache.saver().close().is_ok()
    }

    /// Goes on as the child of a fork.
    pub fn after_fork(&self) {
        self.cache.after_fork();
    }

    /// Returns the notices for the user.
    pub fn notices(&self) -> Vec<String> {
        self.cache.notices()
    }
}

/// Keeps some flight under way at all times. A killed thread leaves its flights behind, and without
/// a flight one lock less is taken: histories would depend on those before them.
pub fn be_busy() {
    static BUSY: Once = Once::new();
    BUSY.call_once(|| {
        let flights = Flights::<()>::new();
        std::mem::forget(flights.join(&Bytes::from_static(b"busy"), Owner::thread(fresh_id())));
    });
}

fn text_of(entry: &Entry<()>) -> Option<String> {
    Some(String::from_utf8_lossy(entry.text.as_ref()?).into_owned())
}

/// Refuses: simulated files have memory of their own.
fn no_map(_: &File, _: usize) -> io::Result<Box<dyn Memory>> {
    Err(io::ErrorKind::Unsupported.into())
}

//! The changes of others, as the listener hears them, until the cache takes them in.

use std::sync::Weak;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use bytes::Bytes;

use crate::store::fs::Memory;
use crate::store::lock::blank_page;
use crate::store::{ExternalChange, Page};
use crate::sync::{Arc, Mutex, rank};

/// Waiting news, and the page on which hits see that there are some.
pub struct News {
    pending: Mutex<Vec<ExternalChange>, { rank::LEAF }>,
    words: Arc<Words>,
    page: Arc<Page>,
    /// Whether all news are heard.
    pub is_complete: AtomicBool,
    /// Whether the salt may be gone, because everything was cleared.
    pub is_salt_doubtful: AtomicBool,
    waiting: Mutex<Vec<(Bytes, Arc<Waiting>)>, { rank::LEAF }>,
}

/// The page of one process.
#[derive(Debug)]
struct Words(Box<[AtomicU64]>);

impl Memory for Words {
    fn words(&self) -> &[AtomicU64] {
        &self.0
    }
}

/// The words of a page, shared with it.
#[derive(Debug)]
struct Shared(Arc<Words>);

impl Memory for Shared {
    fn words(&self) -> &[AtomicU64] {
        self.0.words()
    }
}

/// The pages of all caches on servers.
static ALL: Mutex<Vec<Weak<Words>>, { rank::LEAF }> = Mutex::new(Vec::new());

/// Makes hits look in the child of a fork, where nobody listens yet; that starts the listener. Takes
/// one lock, which nobody holds while a process is copied.
pub fn doubt_in_child() {
    for words in ALL.lock().iter().filter_map(Weak::upgrade) {
        Page::stamp(&words.0);
    }
}

/// A caller that waits for an entry.
#[derive(Debug, Default)]
struct Waiting {
    // NOTE: not one of `crate::sync`: a thread that waits here is not inside the cache.
    has_come: std::sync::Mutex<bool>,
    came: std::sync::Condvar,
}

impl News {
    /// No news yet.
    pub fn new() -> Self {
        let words = blank_page().into_iter().map(AtomicU64::new).collect();
        let words = Arc::new(Words(words));
        let page = Page::new(Box::new(Shared(Arc::clone(&words)))).expect("a blank page is one");
        let _active = crate::sync::active();
        let mut all = ALL.lock();
        all.retain(|words| words.strong_count() > 0);
        all.push(Arc::downgrade(&words));
        drop(all);
        Self {
            pending: Mutex::default(),
            words,
            page: Arc::new(page),
            is_complete: AtomicBool::new(false),
            is_salt_doubtful: AtomicBool::new(false),
            waiting: Mutex::default(),
        }
    }

    /// Returns the page that hits look at.
    pub fn page(&self) -> Arc<Page> {
        Arc::clone(&self.page)
    }

    /// Takes the waiting news.
    pub fn take(&self) -> Vec<ExternalChange> {
        std::mem::take(&mut *self.pending.lock())
    }

    /// Adds news, and makes hits look.
    pub fn add(&self, changes: impl IntoIterator<Item = ExternalChange>) {
        self.pending.lock().extend(changes);
        Page::stamp(&self.words.0);
    }

    /// Notes that all copies in memory may be outdated.
    pub fn forget_all(&self) {
        self.add([ExternalChange::Outdated(None)]);
    }

    /// Waits for news of `key`, or until `time` has passed. The caller is not inside the cache.
    pub fn wait(&self, key: &[u8], time: Duration) {
        let waiting = Arc::<Waiting>::default();
        {
            let _active = crate::sync::active();
            self.waiting.lock().push((Bytes::copy_from_slice(key), Arc::clone(&waiting)));
        }
        if let Ok(has_come) = waiting.has_come.lock() {
            drop(waiting.came.wait_timeout_while(has_come, time, |has_come| !*has_come));
        }
        let _active = crate::sync::active();
        self.waiting.lock().retain(|(_, other)| !Arc::ptr_eq(other, &waiting));
    }

    /// Wakes those who wait for `key`, or for anything.
    pub fn wake(&self, key: Option<&[u8]>) {
        let all = self.waiting.lock();
        for (_, waiting) in all.iter().filter(|(waited, _)| key.is_none_or(|key| waited == key)) {
            if let Ok(mut has_come) = waiting.has_come.lock() {
                *has_come = true;
                waiting.came.notify_all();
            }
        }
    }
}

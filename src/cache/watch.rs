//! What other processes announce, as far as this process has taken it in.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::store::Page;
use crate::sync::{Arc, Mutex, rank};

/// The page that processes share, and the last announcement on it that was looked into.
///
/// A result may be served without asking the cache while the page's stamp is [`seen`](Self::seen).
#[derive(Debug, Default)]
pub struct Watch {
    /// None while this process sees no page.
    page: Mutex<Option<Arc<Page>>, { rank::LEAF }>,
    /// 0 without a page.
    seen: AtomicU64,
}

impl Watch {
    /// The page.
    pub fn page(&self) -> Option<Arc<Page>> {
        self.page.lock().clone()
    }

    /// The stamp up to which all announcements are taken in.
    #[inline]
    pub fn seen(&self) -> u64 {
        self.seen.load(Ordering::Acquire)
    }

    /// Whether nothing was announced since; false without a page.
    pub fn is_current(&self) -> bool {
        self.page.lock().as_ref().is_some_and(|page| page.changes() == self.seen())
    }

    /// Whether something was announced since.
    pub fn is_behind(&self) -> bool {
        self.page.lock().as_ref().is_some_and(|page| page.changes() != self.seen())
    }

    /// Watches `page` from now on; says whether that is another one than before.
    pub(super) fn replace(&self, page: Option<Arc<Page>>) -> bool {
        let mut watched = self.page.lock();
        let same = match (&*watched, &page) {
            (Some(old), Some(new)) => Arc::ptr_eq(old, new),
            (None, None) => true,
            _ => false,
        };
        *watched = page;
        !same
    }

    /// The stamp on the page now. Read it *before* looking for what it announces.
    pub(super) fn stamp(&self) -> u64 {
        self.page.lock().as_ref().map_or(0, |page| page.changes())
    }

    /// Notes that all is taken in that was announced up to `stamp`.
    pub(super) fn note(&self, stamp: u64) {
        self.seen.store(stamp, Ordering::Release);
    }
}

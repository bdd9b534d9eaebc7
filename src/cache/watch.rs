//! The announcements of other processes, as far as this process has taken them in.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::store::Page;
use crate::sync::{Arc, Mutex, rank};

/// The page that processes share, and the last announcement on it that was taken in.
///
/// A result may be served without asking the cache while the page's stamp is [`seen`](Self::seen).
#[derive(Debug, Default)]
pub struct Watch {
    /// None while this process maps no page.
    page: Mutex<Option<Arc<Page>>, { rank::LEAF }>,
    /// 0 without a page.
    seen: AtomicU64,
}

impl Watch {
    /// The page.
    pub fn page(&self) -> Option<Arc<Page>> {
        self.page.lock().clone()
    }

    /// Returns the stamp up to which all announcements are taken in.
    #[inline]
    pub fn seen(&self) -> u64 {
        self.seen.load(Ordering::Acquire)
    }

    /// Returns whether nothing was announced since; false without a page.
    pub fn is_current(&self) -> bool {
        self.page.lock().as_ref().is_some_and(|page| page.changes() == self.seen())
    }

    /// Returns whether something was announced since.
    pub fn is_behind(&self) -> bool {
        self.page.lock().as_ref().is_some_and(|page| page.changes() != self.seen())
    }

    /// Watches `page` from now on; returns whether it is a different one.
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

    /// Returns the stamp on the page now; 0 without a page. Read it *before* looking for what it
    /// announces.
    pub(super) fn stamp(&self) -> u64 {
        self.page.lock().as_ref().map_or(0, |page| page.changes())
    }

    /// Notes that everything announced up to `stamp` is taken in.
    pub(super) fn note(&self, stamp: u64) {
        self.seen.store(stamp, Ordering::Release);
    }
}

//! One word of the page that processes share, as a hit looks at it.

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::store::Page;

/// The word without a page: it never changes.
static NOTHING: AtomicU64 = AtomicU64::new(0);

/// The stamp of the last change, one load away.
#[derive(Debug)]
pub struct Stamp {
    word: NonNull<AtomicU64>,
    /// Keeps the word where it is.
    _page: Option<Arc<Page>>,
}

// SAFETY: the word is an atomic that lives as long as this, in memory that is `Send` and `Sync`.
unsafe impl Send for Stamp {}
// SAFETY: as above.
unsafe impl Sync for Stamp {}

impl Stamp {
    /// Returns the stamp of `page`; 0 for ever without a page.
    pub fn of(page: Option<Arc<Page>>) -> Self {
        let word = page.as_ref().map_or(&NOTHING, |page| page.changes_word());
        Self { word: NonNull::from(word), _page: page }
    }

    /// Returns its present value.
    #[inline]
    pub fn current(&self) -> u64 {
        // SAFETY: the word is a static, or belongs to the page that stands beside it.
        unsafe { self.word.as_ref() }.load(Ordering::Acquire)
    }
}

impl Default for Stamp {
    fn default() -> Self {
        Self::of(None)
    }
}

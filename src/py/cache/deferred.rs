//! What an event loop's own thread leaves to others: writing what waits, and telling of it.

use std::cell::Cell;

thread_local!(static DEFERRED: Cell<u32> = const { Cell::new(0) });

/// As long as it lives, this thread neither writes what waits nor warns.
#[must_use = "dropped it defers nothing"]
pub struct Deferred(std::marker::PhantomData<*const ()>);

impl Deferred {
    /// From now on; somebody must settle it later.
    pub fn begin() -> Self {
        DEFERRED.set(DEFERRED.get() + 1);
        Self(std::marker::PhantomData)
    }
}

impl Drop for Deferred {
    fn drop(&mut self) {
        DEFERRED.set(DEFERRED.get() - 1);
    }
}

/// Whether this thread leaves it to others.
pub fn is_deferred() -> bool {
    DEFERRED.get() > 0
}

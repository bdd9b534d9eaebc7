//! The threads inside the cache, for which a fork waits.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::rank::{self, Held};

/// Shared by threads inside the cache, held exclusively by a thread that forks.
static ACTIVITY: RwLock<()> = RwLock::new(());

/// Shows that this thread is inside the cache, where a fork would find it holding locks.
#[must_use = "dropped it protects nothing"]
#[derive(Debug)]
pub struct Active {
    _shared: RwLockReadGuard<'static, ()>,
    _held: Held,
}

/// Shows that no thread is inside the cache, and keeps others out.
#[must_use = "dropped it protects nothing"]
#[derive(Debug)]
pub struct Alone {
    _exclusive: RwLockWriteGuard<'static, ()>,
    _held: Held,
}

/// Enters the cache. Every public operation does so once, never while Python runs, and never twice
/// in a thread.
pub fn active() -> Active {
    let held = Held::in_order(rank::ACTIVITY);
    let shared = ACTIVITY.read().unwrap_or_else(PoisonError::into_inner);
    Active { _shared: shared, _held: held }
}

/// Waits until no thread is inside the cache and keeps all out: the token of a fork.
pub fn alone() -> Alone {
    let held = Held::in_order(rank::ACTIVITY);
    let exclusive = ACTIVITY.write().unwrap_or_else(PoisonError::into_inner);
    Alone { _exclusive: exclusive, _held: held }
}

/// Returns whether no thread is inside the cache at this moment.
#[cfg(test)]
pub fn may_fork() -> bool {
    ACTIVITY.try_write().is_ok()
}

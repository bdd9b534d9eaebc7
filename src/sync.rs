//! The one door to locks.
//!
//! The standard library's locks and not `parking_lot`'s: they keep no global table, so a lock is
//! plain memory that a forked child can go on using whatever the other threads were doing. A
//! poisoned lock is taken all the same: what stands behind each lock is valid after every step.

pub use std::sync::atomic::{AtomicUsize, Ordering};
pub use std::sync::{Arc, MutexGuard, OnceLock};
use std::sync::{
    Condvar as StdCondvar, Mutex as StdMutex, PoisonError, RwLock, RwLockReadGuard,
    RwLockWriteGuard,
};
use std::time::Duration;

/// A mutual exclusion that ignores poisoning.
#[derive(Debug, Default)]
pub struct Mutex<T>(StdMutex<T>);

impl<T> Mutex<T> {
    /// Puts `value` behind a lock.
    pub const fn new(value: T) -> Self {
        Self(StdMutex::new(value))
    }

    /// Waits for the lock.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        #[cfg(debug_assertions)]
        if let Some(scheduler) = crate::stepping::scheduler() {
            return self.lock_stepped(&*scheduler);
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the lock as a simulation has it.
    #[cfg(debug_assertions)]
    fn lock_stepped(&self, scheduler: &dyn crate::stepping::Scheduler) -> MutexGuard<'_, T> {
        scheduler.step();
        loop {
            if let Some(guard) = self.try_lock() {
                return guard;
            }
            scheduler.wait();
        }
    }

    /// Takes the lock if nobody holds it (for the garbage collector, which must not wait).
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(guard),
            Err(std::sync::TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(std::sync::TryLockError::WouldBlock) => None,
        }
    }
}

/// A condition to wait for, together with a [`Mutex`].
#[derive(Debug, Default)]
pub struct Condvar(StdCondvar);

impl Condvar {
    /// A condition that nobody waits for yet.
    pub const fn new() -> Self {
        Self(StdCondvar::new())
    }

    /// Waits until notified or until `timeout` has passed; wakes without reason now and then.
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> MutexGuard<'a, T> {
        let waited = self.0.wait_timeout(guard, timeout);
        waited.map_or_else(|poisoned| poisoned.into_inner().0, |(guard, _)| guard)
    }

    /// Wakes everybody who waits.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// Shared by whoever is inside the cache, held alone by whoever forks.
static ACTIVITY: RwLock<()> = RwLock::new(());

/// Says that this thread is inside the cache, where a fork would catch it holding locks.
///
/// To be taken once by every public operation, never while Python runs, never twice by a thread.
pub fn active() -> RwLockReadGuard<'static, ()> {
    ACTIVITY.read().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until nobody is inside the cache and keeps everybody out: the token of a fork.
pub fn alone() -> RwLockWriteGuard<'static, ()> {
    ACTIVITY.write().unwrap_or_else(PoisonError::into_inner)
}

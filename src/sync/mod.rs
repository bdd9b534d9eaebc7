//! The one door to locks.
//!
//! These are the standard library's locks, not `parking_lot`'s: they keep no global table, so a
//! lock is plain memory that a forked child can go on using whatever the other threads were doing.
//! Poison is ignored: the state behind each lock is valid after every step.
//!
//! [`rank`] defines the order in which locks are taken.

mod activity;
pub mod forks;
mod of_process;
pub mod rank;

use std::ops::{Deref, DerefMut};
pub use std::sync::atomic::{AtomicUsize, Ordering};
pub use std::sync::{Arc, OnceLock};
use std::sync::{
    Condvar as StdCondvar, Mutex as StdMutex, MutexGuard as StdGuard, PoisonError, TryLockError,
};
use std::time::Duration;

#[cfg(debug_assertions)]
use crate::stepping::Scheduler;
pub use activity::{Active, Alone, active, alone};
pub use of_process::OfProcess;
use rank::Held;

/// A mutual exclusion that ignores poisoning; `RANK` is its place in the order of locks.
#[derive(Debug, Default)]
pub struct Mutex<T, const RANK: u8>(StdMutex<T>);

/// A lock that is held.
#[must_use = "dropped it holds nothing"]
#[derive(Debug)]
pub struct MutexGuard<'a, T> {
    value: StdGuard<'a, T>,
    #[cfg_attr(not(debug_assertions), expect(dead_code, reason = "it notes its end when dropped"))]
    held: Held,
    #[cfg(debug_assertions)]
    mutex: &'a StdMutex<T>,
}

impl<T, const RANK: u8> Mutex<T, RANK> {
    /// Puts `value` behind a lock.
    pub const fn new(value: T) -> Self {
        Self(StdMutex::new(value))
    }

    /// Waits for the lock and takes it.
    #[inline]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        #[cfg(debug_assertions)]
        if let Some(scheduler) = crate::stepping::scheduler() {
            return self.lock_stepped(&*scheduler);
        }
        let held = Held::in_order(RANK);
        let value = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        MutexGuard {
            value,
            held,
            #[cfg(debug_assertions)]
            mutex: &self.0,
        }
    }

    /// Waits for the lock under a simulation.
    #[cfg(debug_assertions)]
    fn lock_stepped(&self, scheduler: &dyn Scheduler) -> MutexGuard<'_, T> {
        drop(Held::in_order(RANK));
        scheduler.step();
        let value = lock_stepped(&self.0, scheduler);
        MutexGuard { value, held: Held::noted(RANK), mutex: &self.0 }
    }

    /// Takes the lock if nobody holds it (for the garbage collector, which must not wait).
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        let value = try_lock(&self.0)?;
        Some(MutexGuard {
            value,
            held: Held::noted(RANK),
            #[cfg(debug_assertions)]
            mutex: &self.0,
        })
    }
}

/// Takes the lock if nobody holds it.
fn try_lock<T>(mutex: &StdMutex<T>) -> Option<StdGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(value) => Some(value),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// Takes the lock once its holder was stepped as far as that needs.
#[cfg(debug_assertions)]
fn lock_stepped<'a, T>(mutex: &'a StdMutex<T>, scheduler: &dyn Scheduler) -> StdGuard<'a, T> {
    loop {
        if let Some(value) = try_lock(mutex) {
            return value;
        }
        scheduler.wait();
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

/// A condition variable for a [`Mutex`].
#[derive(Debug, Default)]
pub struct Condvar(StdCondvar);

impl Condvar {
    /// A condition that nobody waits for.
    pub const fn new() -> Self {
        Self(StdCondvar::new())
    }

    /// Waits until notified or until `timeout` has passed; may wake spuriously.
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> MutexGuard<'a, T> {
        #[cfg(debug_assertions)]
        if let Some(scheduler) = crate::stepping::scheduler() {
            return step_aside(guard, timeout, &*scheduler);
        }
        let MutexGuard { value, .. } = guard;
        let waited = self.0.wait_timeout(value, timeout);
        let value = waited.map_or_else(|poisoned| poisoned.into_inner().0, |(value, _)| value);
        MutexGuard { value, ..guard }
    }

    /// Wakes all waiting threads.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// Releases the lock for a while under a simulation; the waiting thread then looks again.
#[cfg(debug_assertions)]
fn step_aside<'a, T>(
    guard: MutexGuard<'a, T>,
    time: Duration,
    scheduler: &dyn Scheduler,
) -> MutexGuard<'a, T> {
    let MutexGuard { value, held, mutex } = guard;
    drop(value);
    scheduler.sleep(time);
    MutexGuard { value: lock_stepped(mutex, scheduler), held, mutex }
}

//! One value for each group of threads, so that threads do not wait for each other.
//!
//! A lock that two threads take by turns is slower than one thread alone: its cache line moves from
//! core to core. Here every thread has a stripe, a value behind a lock of its own, on cache lines
//! of its own. Only code that wants all stripes, which is rare, contends there.

use std::cell::Cell;

use crate::sync::{AtomicUsize, Mutex, OnceLock, Ordering, rank};

/// How many stripes there are: with more threads than this, some share one.
const STRIPES: usize = 32;
/// The number for no stripe.
const NONE: usize = STRIPES;

/// Aligned to the distance that the prefetchers of two cores may reach.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe<T>(Mutex<T, { rank::LEAF }>);

/// A value for each stripe, made when a thread of that stripe first asks for it.
#[derive(Debug)]
pub struct Stripes<T>([OnceLock<Box<Stripe<T>>>; STRIPES]);

impl<T> Default for Stripes<T> {
    fn default() -> Self {
        Self([const { OnceLock::new() }; STRIPES])
    }
}

impl<T: Default> Stripes<T> {
    /// Returns what `run` makes of the value of this thread's stripe.
    #[inline]
    pub fn with<R>(&self, run: impl FnOnce(&mut T) -> R) -> R {
        let stripe = self.0[mine()].get_or_init(Box::default);
        run(&mut stripe.0.lock())
    }
}

impl<T> Stripes<T> {
    /// Returns what `run` makes of every value, one after the other: not a snapshot of one moment.
    pub fn for_all<R>(&self, mut run: impl FnMut(&mut T) -> R) -> Vec<R> {
        self.made().map(|stripe| run(&mut stripe.0.lock())).collect()
    }

    /// Shows `visit` the values whose locks are free, and waits for none.
    pub fn visit<E>(&self, mut visit: impl FnMut(&T) -> Result<(), E>) -> Result<(), E> {
        self.made().filter_map(|stripe| stripe.0.try_lock()).try_for_each(|value| visit(&value))
    }

    fn made(&self) -> impl Iterator<Item = &Stripe<T>> {
        self.0.iter().filter_map(OnceLock::get).map(Box::as_ref)
    }
}

/// Returns the number of this thread's stripe.
#[inline]
pub fn mine() -> usize {
    // Without a destructor, so that it exists until the very end of the thread.
    thread_local!(static MINE: Cell<usize> = const { Cell::new(NONE) });
    match MINE.get() {
        NONE => {
            let stripe = ASSIGNMENT.try_with(|own| own.0).unwrap_or(0);
            MINE.set(stripe);
            stripe
        }
        stripe => stripe,
    }
}

/// How many threads are alive in each stripe; after a fork also those that were left behind.
static THREADS: [AtomicUsize; STRIPES] = [const { AtomicUsize::new(0) }; STRIPES];

thread_local!(static ASSIGNMENT: StripeAssignment = StripeAssignment::take());

/// A thread's place in a stripe; it is free again when the thread ends.
struct StripeAssignment(usize);

impl StripeAssignment {
    /// Takes the first of the emptiest stripes: a new thread finds what an ended one has left.
    ///
    /// No lock: threads end without asking anybody, even while the process forks.
    fn take() -> Self {
        loop {
            let threads = THREADS.iter().map(|threads| threads.load(Ordering::Relaxed));
            let (stripe, threads) =
                threads.enumerate().min_by_key(|(_, threads)| *threads).unwrap_or_default();
            // Another thread may have taken the place at this moment.
            let (place, relaxed) = (&THREADS[stripe], Ordering::Relaxed);
            if place.compare_exchange(threads, threads + 1, relaxed, relaxed).is_ok() {
                return Self(stripe);
            }
        }
    }
}

impl Drop for StripeAssignment {
    fn drop(&mut self) {
        THREADS[self.0].fetch_sub(1, Ordering::Relaxed);
    }
}

//! The order of all locks.
//!
//! A thread takes locks by ascending rank only, so no two threads can wait for each other. Each
//! lock states its rank in its type, and a debug build panics where a thread breaks the order.
//!
//! ```text
//! ACTIVITY     who is inside the cache; a fork waits until nobody is
//! SAVING       a cache writes one snapshot at a time; one on a server takes steps without a lease so
//! CHECKPOINT   the lock file's checkpoint lock: the only place that waits for another process
//! HISTORY      a cache and its store take each step in the same order
//! STATE        the entries of a cache
//! FILE         what a store knows of its file and journals
//! LOCK_FILE    the handle of the lock file, and the keys taken through it
//! FOLD         the permit of a checkpoint
//! NOTICES      notices for the user
//! FLIGHTS      who computes and who waits, in all caches
//! CALLBACKS    whom to call when a flight ends
//! LEAF         any other: nothing is locked while it is held
//! ```
//!
//! No lock is held while Python runs. Only ACTIVITY, SAVING and CHECKPOINT are held while waiting
//! for another process ([`may_wait_for_processes`]).

/// The threads inside the cache.
pub const ACTIVITY: u8 = 0;
/// A snapshot is being written, or a store on another machine takes a step that no lease protects.
pub const SAVING: u8 = 1;
/// The checkpoint lock of the lock file.
pub const CHECKPOINT: u8 = 2;
/// The common history of a cache and its store.
pub const HISTORY: u8 = 3;
/// The entries of a cache.
pub const STATE: u8 = 4;
/// The file and the journals of a store.
pub const FILE: u8 = 5;
/// The handle of the lock file.
pub const LOCK_FILE: u8 = 6;
/// The permit of a checkpoint.
pub const FOLD: u8 = 7;
/// Notices for the user.
pub const NOTICES: u8 = 8;
/// All flights.
pub const FLIGHTS: u8 = 9;
/// Whom to call when a flight ends.
pub const CALLBACKS: u8 = 10;
/// Any other lock.
pub const LEAF: u8 = 11;

/// Asserts, in a debug build, that this thread may wait for another process now.
pub fn may_wait_for_processes() {
    #[cfg(debug_assertions)]
    held::assert_none_above(CHECKPOINT);
}

/// Shows that this thread holds a lock of this rank until it is dropped; it costs nothing in a
/// release build. For locks that are no [`Mutex`](super::Mutex).
#[must_use = "dropped it holds nothing"]
#[derive(Debug)]
pub struct Held {
    #[cfg(debug_assertions)]
    rank: u8,
    /// Bound to its thread.
    thread: std::marker::PhantomData<*const ()>,
}

impl Held {
    /// Asserts that this thread may wait for a lock of this `rank`, and notes that it is held.
    #[inline]
    pub fn in_order(rank: u8) -> Self {
        #[cfg(debug_assertions)]
        held::assert_none_from(rank);
        Self::noted(rank)
    }

    /// Notes that a lock of this `rank` is held, in whatever order: it was taken without waiting.
    #[inline]
    pub fn noted(rank: u8) -> Self {
        #[cfg(debug_assertions)]
        held::add(rank);
        #[cfg(not(debug_assertions))]
        let _ = rank;
        Self {
            #[cfg(debug_assertions)]
            rank,
            thread: std::marker::PhantomData,
        }
    }
}

#[cfg(debug_assertions)]
impl Drop for Held {
    fn drop(&mut self) {
        held::remove(self.rank);
    }
}

#[cfg(debug_assertions)]
mod held {
    use std::cell::Cell;

    const RANKS: usize = 12;
    const NAMES: [&str; RANKS] = [
        "ACTIVITY",
        "SAVING",
        "CHECKPOINT",
        "HISTORY",
        "STATE",
        "FILE",
        "LOCK_FILE",
        "FOLD",
        "NOTICES",
        "FLIGHTS",
        "CALLBACKS",
        "LEAF",
    ];

    // How many locks of each rank this thread holds; without a destructor, so that it exists until
    // the very end of the thread.
    thread_local!(static HELD: Cell<[u8; RANKS]> = const { Cell::new([0; RANKS]) });

    pub fn assert_none_from(rank: u8) {
        assert_none(usize::from(rank), NAMES[usize::from(rank)]);
    }

    pub fn assert_none_above(rank: u8) {
        assert_none(usize::from(rank) + 1, "another process");
    }

    fn assert_none(first: usize, wanted: &str) {
        let held = HELD.get();
        // A panicking thread already says why.
        if let Some(at) = (first..RANKS).find(|&at| held[at] > 0)
            && !std::thread::panicking()
        {
            panic!("lock order: this thread waits for {wanted} while it holds {}", NAMES[at]);
        }
    }

    pub fn add(rank: u8) {
        change(rank, |count| count + 1);
    }

    pub fn remove(rank: u8) {
        change(rank, |count| count - 1);
    }

    fn change(rank: u8, step: impl Fn(u8) -> u8) {
        let mut held = HELD.get();
        let count = &mut held[usize::from(rank)];
        *count = step(*count);
        HELD.set(held);
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::{FILE, HISTORY, STATE, may_wait_for_processes};
    use crate::sync::Mutex;

    type History = Mutex<(), HISTORY>;
    type State = Mutex<(), STATE>;
    type File = Mutex<(), FILE>;

    /// Locks are taken by ascending rank, and released in any order.
    #[test]
    fn ascending_ranks() {
        let (history, state, file) = (History::default(), State::default(), File::default());
        let outer = history.lock();
        let inner = state.lock();
        drop(outer);
        drop(file.lock());
        drop(inner);
        drop(history.lock());
    }

    /// A thread that waits for a lock while it holds one of the same rank or a later one panics.
    #[test]
    #[should_panic(expected = "waits for HISTORY while it holds STATE")]
    fn descending_ranks() {
        let (history, state) = (History::default(), State::default());
        let _state = state.lock();
        drop(history.lock());
    }

    /// Locks that are taken without waiting may be taken in any order.
    #[test]
    fn trying_is_no_waiting() {
        let (history, state) = (History::default(), State::default());
        let _state = state.lock();
        assert!(history.try_lock().is_some());
    }

    /// A thread that waits for another process holds nothing that others of this one need.
    #[test]
    #[should_panic(expected = "waits for another process while it holds STATE")]
    fn waiting_for_processes() {
        let state = State::default();
        may_wait_for_processes();
        let _state = state.lock();
        may_wait_for_processes();
    }
}

//! Forks: nobody is inside the cache while the process is copied, and the child lets go of what
//! belongs to its parent.
//!
//! The system calls us, inside of `fork()` itself, and not Python's `os.register_at_fork`: between
//! two of Python's own hooks another thread may get the interpreter, ask the cache, and wait there
//! for a fork that cannot go on without the interpreter.

use std::cell::RefCell;
use std::sync::{Once, RwLockWriteGuard};

use super::cache::all_caches;
use super::hot::at_fork;
use super::slow::this_thread;
use crate::flight::{ForkToken, Graph};
use crate::sync::alone;

/// What is held from just before a fork until just after it.
type Held = (ForkToken, RwLockWriteGuard<'static, ()>);

thread_local!(static HELD: RefCell<Option<Held>> = const { RefCell::new(None) });

/// Prepares the process for forks, once.
pub fn prepare() {
    static PREPARED: Once = Once::new();
    PREPARED.call_once(|| at_fork(before, after_in_parent, after_in_child));
}

/// Waits for who is inside of the cache: nobody in there needs the interpreter, which we may hold.
extern "C" fn before() {
    let alone = alone();
    let flights = Graph::of_process().before_fork();
    HELD.set(Some((flights, alone)));
}

extern "C" fn after_in_parent() {
    drop(HELD.take());
}

extern "C" fn after_in_child() {
    let Some((flights, alone)) = HELD.take() else { return };
    for cache in all_caches() {
        cache.after_fork();
    }
    flights.after_in_child(this_thread());
    drop(alone);
}

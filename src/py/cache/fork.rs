//! Forks: no thread is inside the cache while the process is copied, and the child lets go of
//! everything that belongs to its parent.
//!
//! NOTE: the locks are taken in handlers of the C library and not in those of `os`, because other
//! handlers of `os` run in between: they are Python code, and another thread may run, reach these
//! locks and wait for them for ever while it holds the interpreter. macOS's libc calls such
//! handlers, too; its frameworks do not survive a fork, and nothing here uses one.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::sync::Once;

use pyo3::prelude::*;

use super::registry::all_caches;
use crate::flight::{ForkToken, Graph, this_thread};
use crate::py::ffi;
use crate::sync::{Alone, alone, forks};

/// Held from just before a fork until just after it.
type Held = (ForkToken, Alone);

thread_local! {
    /// NOTE: without a destructor, so that it exists until the very end of the thread: what ends with
    /// a thread, such as a `thread_local` of C++, may fork.
    static HELD: Cell<Option<ManuallyDrop<Held>>> = const { Cell::new(None) };
}

/// Makes sure that the process is only copied while no thread is inside the cache.
pub fn watch() {
    static WATCHING: Once = Once::new();
    WATCHING.call_once(|| ffi::at_fork(take, give_back, give_back_in_child));
}

/// Runs in the thread that forks, right before.
///
/// Threads that are inside leave without needing the interpreter, which this thread may hold.
extern "C" fn take() {
    let alone = alone();
    // A child that inherits SQLite's connections would believe that it holds its parent's locks.
    #[cfg(feature = "sqlite")]
    crate::store::close_before_fork();
    let flights = Graph::of_process().before_fork();
    HELD.set(Some(ManuallyDrop::new((flights, alone))));
}

/// Runs in the same thread right after, in the parent.
extern "C" fn give_back() {
    drop(HELD.take().map(ManuallyDrop::into_inner));
}

/// Releases everything in the child.
///
/// NOTE: a fork made in C, such as uWSGI's, runs no hook of `os`: a store lets go of its
/// inheritance at its next use. Nothing that Python knows is dropped here.
extern "C" fn give_back_in_child() {
    forks::note_child();
    #[cfg(feature = "redis")]
    crate::store::doubt_in_child();
    drop(HELD.take().map(ManuallyDrop::into_inner));
}

/// Cleans up in the child, which calls it before it caches anything.
#[pyfunction]
pub fn after_fork_in_child() {
    for cache in all_caches() {
        cache.after_fork();
    }
    Graph::of_process().before_fork().after_in_child(this_thread());
}

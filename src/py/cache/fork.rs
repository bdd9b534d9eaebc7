//! Forks: nobody is inside the cache while the process is copied, and the child lets go of what
//! belongs to its parent.
//!
//! NOTE: the locks are taken in handlers of the C library and not in those of `os`, because other
//! handlers of `os` run in between: they are Python code, another thread gets its turn, comes to
//! these locks and waits for them with the interpreter in its hands, for ever. macOS's libc calls such
//! handlers, too; its frameworks do not survive a fork, and nothing here uses one.

use std::cell::RefCell;
use std::sync::Once;

use pyo3::prelude::*;

use super::registry::all_caches;
use crate::flight::{ForkToken, Graph, this_thread};
use crate::py::ffi;
use crate::sync::{Alone, alone, forks};

/// What is held from just before a fork until just after it.
type Held = (ForkToken, Alone);

thread_local!(static HELD: RefCell<Option<Held>> = const { RefCell::new(None) });

/// From now on the process is only copied while nobody is inside the cache.
pub fn watch() {
    static WATCHING: Once = Once::new();
    WATCHING.call_once(|| ffi::at_fork(take, give_back, give_back_in_child));
}

/// In the thread that forks, right before.
///
/// Whoever is inside leaves without needing the interpreter, which this thread may hold.
extern "C" fn take() {
    let alone = alone();
    // What a child inherits of SQLite would have it believe that it holds its parent's locks.
    #[cfg(feature = "sqlite")]
    crate::store::close_before_fork();
    let flights = Graph::of_process().before_fork();
    HELD.set(Some((flights, alone)));
}

/// In the same thread right after, in the parent.
extern "C" fn give_back() {
    drop(HELD.take());
}

/// Gives everything back in the child.
///
/// NOTE: a fork that is made in C, as uWSGI makes its own, runs no hook of `os`: a store lets go of
/// its inheritance when it is used next. Nothing is dropped here that Python knows.
extern "C" fn give_back_in_child() {
    forks::note_child();
    drop(HELD.take());
}

/// Cleans up in the child. The child calls it before it caches anything.
#[pyfunction]
pub fn after_fork_in_child() {
    for cache in all_caches() {
        cache.after_fork();
    }
    Graph::of_process().before_fork().after_in_child(this_thread());
}

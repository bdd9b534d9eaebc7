//! Forks: nobody is inside the cache while the process is copied, and the child lets go of what
//! belongs to its parent.

use std::cell::RefCell;
use std::sync::RwLockWriteGuard;

use pyo3::prelude::*;

use super::cache::all_caches;
use super::slow::this_thread;
use crate::flight::{ForkToken, Graph};
use crate::sync::alone;

/// What is held from just before a fork until just after it.
type Held = (ForkToken, RwLockWriteGuard<'static, ()>);

thread_local!(static HELD: RefCell<Option<Held>> = const { RefCell::new(None) });

/// To be called before a fork, in the thread that forks.
#[pyfunction]
pub fn before_fork() {
    let alone = alone();
    let flights = Graph::of_process().before_fork();
    HELD.set(Some((flights, alone)));
}

/// To be called after it in the parent.
#[pyfunction]
pub fn after_fork_in_parent() {
    drop(HELD.take());
}

/// To be called after it in the child.
#[pyfunction]
pub fn after_fork_in_child() {
    let Some((flights, alone)) = HELD.take() else { return };
    for cache in all_caches() {
        cache.after_fork();
    }
    flights.after_in_child(this_thread());
    drop(alone);
}

//! The field of an instance that holds the C function for its calls.

use std::sync::atomic::{AtomicPtr, Ordering};

use pyo3::ffi::vectorcallfunc;

/// The hits of a function: the commonest, or ones that need more checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HitTier {
    /// One str, for which every call gets the same object.
    Plain,
    /// Hits that are served while the result is fresh and its entry exists.
    Checked,
    /// Any others.
    Any,
}

/// The pointer at which CPython finds the C function that calls an instance.
#[derive(Debug)]
pub struct Slot(AtomicPtr<()>);

impl Slot {
    /// A slot with the function for hits of the commonest tier alone.
    pub(super) fn new(plain: vectorcallfunc) -> Self {
        Self(AtomicPtr::new(plain as *mut ()))
    }

    /// Replaces `first` by `next`; any other function answers its hits as well.
    pub(super) fn replace(&self, first: vectorcallfunc, next: vectorcallfunc) {
        let (first, next) = (first as *mut (), next as *mut ());
        let _ = self.0.compare_exchange(first, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Sets the function that answers all hits.
    pub(super) fn set(&self, all: vectorcallfunc) {
        self.0.store(all as *mut (), Ordering::Relaxed);
    }
}

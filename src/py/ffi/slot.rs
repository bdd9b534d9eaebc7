//! The field of an instance in which CPython finds the C function that calls it.

use std::sync::atomic::{AtomicPtr, Ordering};

use pyo3::ffi::vectorcallfunc;

/// Which hits a function has: the commonest, or ones that need more to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HitTier {
    /// One str, for which every call gets the same object.
    Plain,
    /// Served as long as the result is fresh and its entry is there.
    Checked,
    /// Any others.
    Any,
}

/// Where CPython finds the C function that calls an instance.
#[derive(Debug)]
pub struct Slot(AtomicPtr<()>);

impl Slot {
    /// A slot with the function for hits of the commonest tier alone.
    pub(super) fn new(plain: vectorcallfunc) -> Self {
        Self(AtomicPtr::new(plain as *mut ()))
    }

    /// Puts `next` in place of `first`; any other function answers its hits as well.
    pub(super) fn replace(&self, first: vectorcallfunc, next: vectorcallfunc) {
        let (first, next) = (first as *mut (), next as *mut ());
        let _ = self.0.compare_exchange(first, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Puts in the function that answers all hits.
    pub(super) fn set(&self, all: vectorcallfunc) {
        self.0.store(all as *mut (), Ordering::Relaxed);
    }
}

//! A look that begins a miss: where the store is on another machine, both are one question.

use bytes::Bytes;

use super::Cache;
use super::asking::{Ask, Found, StaleResult};
use super::lease::{Lease, Miss};
use crate::flight::Caller;
use crate::store::Take;

/// What came of the attempt to look a key up and, if there is nothing, to lead.
#[must_use = "it may hold the right to compute"]
#[derive(Debug)]
pub enum Led<L: Send + Sync + 'static, E: Send + Sync + 'static> {
    /// There is an entry; nobody leads.
    Found(Found<L>),
    /// There is none: compute, or wait for another process.
    Miss(Miss<L, E>),
    /// Somebody in this process leads: look the key up, and join.
    Taken,
}

impl<L: Clone + Send + Sync + 'static, E: Clone + Send + Sync + 'static> Cache<L, E> {
    /// Looks `key` up and, if there is nothing and nobody here computes it, begins to compute it:
    /// where both are one question.
    pub fn look_or_lead<'c>(
        &self,
        key: &Bytes,
        caller: impl Into<Caller<'c>>,
        ask: Ask,
    ) -> Led<L, E> {
        let Some(guard) = self.flights().lead_if_free(key, caller) else { return Led::Taken };
        let lease = Lease::of(guard, StaleResult::default());
        match lease.acquire(self, key, Ask { looks: true, take: Take::IfMissing, ..ask }) {
            // Those who wait look for themselves: this entry may not do.
            Miss::Found(_, found) => Led::Found(*found),
            miss => Led::Miss(miss),
        }
    }
}

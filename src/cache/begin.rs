//! How a miss begins: who leads, who waits, and what outdates computations that are under way.

use std::ops::ControlFlow::{self, Break, Continue};

use bytes::Bytes;

use super::Cache;
use super::asking::{Ask, StaleResult};
use super::lease::{Lease, Miss};
use super::purges::Begun;
use crate::error::Result;
use crate::flight::{Caller, Join};
use crate::store::Purge;
use crate::sync;

impl<L: Clone + Send + Sync + 'static, E: Clone + Send + Sync + 'static> Cache<L, E> {
    /// Begins a computation of `key` without a flight.
    pub fn begin(&self, key: &Bytes) -> Begun {
        let _active = sync::active();
        self.ledger.purges.begin(key)
    }

    /// Outdates the computations of all keys that match `pattern`, so that their results are not
    /// kept; in other processes, too, if it is `durable`: there also the results that no store holds,
    /// only those with the `tag` if there is one. Fails with an error that [`Error::is_busy`]
    /// recognises while another process is in the way.
    ///
    /// [`Error::is_busy`]: crate::error::Error::is_busy
    pub fn outdate(&self, pattern: &[u8], tag: Option<&[u8]>, durable: bool) -> Result<()> {
        let _active = sync::active();
        let pattern = Bytes::copy_from_slice(pattern);
        let purge = match tag.map(Bytes::copy_from_slice) {
            Some(tag) => Purge::Tagged { pattern, tag },
            None => Purge::Fitting(pattern),
        };
        self.ledger.outdate(&purge, durable)
    }

    /// Makes other processes forget what they alone have of `key`, for an unstorable result that was
    /// made anew.
    pub fn outdate_elsewhere(&self, key: &[u8]) {
        let _active = sync::active();
        // A failure is in the store's notices.
        let _ = self.ledger.outdate_elsewhere(key);
    }

    /// Joins the flight of `key`, or begins it if this process may compute the key and nobody has
    /// finished meanwhile.
    pub fn begin_miss<'c>(
        &self,
        key: &Bytes,
        caller: impl Into<Caller<'c>>,
        ask: Ask,
        old: StaleResult<L>,
    ) -> Miss<L, E> {
        match self.joined(key, caller, old) {
            Continue(lease) => lease.acquire(self, key, ask),
            Break(Miss::Beside(lease)) => Miss::Beside(lease.attending(self, ask.locks)),
            Break(miss) => miss,
        }
    }

    /// Joins the flight of `key`, or begins it without a look at the store: [`Miss::Busy`], and the
    /// lease is to be acquired.
    pub fn join_miss<'c>(
        &self,
        key: &Bytes,
        caller: impl Into<Caller<'c>>,
        old: StaleResult<L>,
    ) -> Miss<L, E> {
        match self.joined(key, caller, old) {
            Continue(lease) => Miss::Busy(lease),
            Break(miss) => miss,
        }
    }

    /// The lease of whoever leads, which is to be acquired; or how it is with all others.
    #[inline]
    fn joined<'c>(
        &self,
        key: &Bytes,
        caller: impl Into<Caller<'c>>,
        old: StaleResult<L>,
    ) -> ControlFlow<Miss<L, E>, Lease<L, E>> {
        Break(match self.flights.join(key, caller) {
            Join::Lead(guard) => return Continue(Lease::of(guard, old)),
            Join::Wait(waiter) => Miss::Wait(waiter),
            Join::Nested => Miss::Nested,
            Join::Circle => Miss::Circle(old),
            Join::Beside => Miss::Beside(Lease::beside(self, key, old)),
        })
    }
}

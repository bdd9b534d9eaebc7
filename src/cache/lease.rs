//! A miss, from the right to compute a key to its result.
//!
//! ```text
//! hit(key) -> None
//!   begin_miss(key) -> Lead(Lease)   compute, then commit; dropped, it passes the right on
//!                      Found         somebody finished meanwhile, maybe in another process
//!                      Busy(Lease)   another process computes: acquire again, or compute beside
//!                      Wait(Waiter)  somebody in this process computes
//!                      Nested, Circle, Beside(Lease)
//! ```

use bytes::Bytes;

use super::asking::{Ask, Found, Locks, StaleResult};
use super::bounded_table::Displaced;
use super::entry::Entry;
use super::purges::Begun;
use super::put::Put;
use super::versions::Asked;
use super::{Cache, SharedResult};
use crate::clock;
use crate::error::Result;
use crate::flight::{Guard, Outcome, Waiter};
use crate::store::{KeyGuard, KeyLock, Take};
use crate::sync;

/// What to do for a key without a result.
#[must_use = "it may hold the right to compute"]
#[derive(Debug)]
pub enum Miss<L: Send + Sync + 'static, E: Send + Sync + 'static> {
    /// Compute and commit.
    Lead(Lease<L, E>),
    /// Serve this, if it is fresh; else compute and commit.
    Found(Lease<L, E>, Box<Found<L>>),
    /// Another process computes the key: wait for it if that closes no circle, else compute.
    Busy(Lease<L, E>),
    /// Wait for the computation in this process.
    Wait(Waiter<SharedResult<L, E>>),
    /// The caller itself computes it, further up its stack.
    Nested,
    /// Compute without a lease: waiting could never end.
    Circle(StaleResult<L>),
    /// Compute, too: another function computes under this key.
    Beside(Lease<L, E>),
}

/// The right to compute a key, and the duty towards those who wait for it. Small, as it passes many
/// hands.
#[must_use = "dropped it passes the right on to one who waits"]
#[derive(Debug)]
pub struct Lease<L: Send + Sync + 'static, E: Send + Sync + 'static> {
    held: Box<Held<L, E>>,
    /// What is known of an older result.
    pub old: StaleResult<L>,
}

/// What a lease holds.
#[derive(Debug)]
struct Held<L: Send + Sync + 'static, E: Send + Sync + 'static> {
    guard: Option<Guard<SharedResult<L, E>>>,
    lock: Option<KeyGuard>,
    /// Without a lock, keeps this process from missing purges.
    attends: Option<KeyGuard>,
    /// When the computation began, in seconds since the epoch; NaN if unknown.
    started: f64,
    /// If another computation of the key has priority: when the entry before it was made.
    beside: Option<Before>,
    /// Tells whether it is outdated; None before it begins.
    begun: Option<Begun>,
    /// Whether the key is locked once there is a result.
    locks_late: bool,
}

/// How often a key is locked anew before it counts as taken.
const LOOKS: u32 = 8;

/// When the entry was made that a key had, if it had one.
type Before = Option<f64>;

impl<L: Clone + Send + Sync + 'static, E: Clone + Send + Sync + 'static> Lease<L, E> {
    /// The right to compute a key that comes with `guard`, before the key is asked for.
    pub fn of(guard: Guard<SharedResult<L, E>>, old: StaleResult<L>) -> Self {
        Self::with(Some(guard), old, None)
    }

    /// A lease without a flight: nobody waits for the result.
    pub fn unshared(cache: &Cache<L, E>, key: &Bytes, old: StaleResult<L>) -> Self {
        let mut lease = Self::late(old, Some(cache.begin(key)));
        lease.held.started = clock::now();
        lease
    }

    /// A lease without a flight, for a computation that had `begun` and is over already.
    pub fn late(old: StaleResult<L>, begun: Option<Begun>) -> Self {
        Self::with(None, old, begun)
    }

    fn with(
        guard: Option<Guard<SharedResult<L, E>>>,
        old: StaleResult<L>,
        begun: Option<Begun>,
    ) -> Self {
        let (lock, attends, beside) = (None, None, None);
        let (started, locks_late) = (f64::NAN, false);
        let held = Held { guard, lock, attends, started, beside, begun, locks_late };
        Self { held: Box::new(held), old }
    }

    /// When the computation began, as purges see it.
    pub fn begun(&self) -> Option<Begun> {
        self.held.begun.clone()
    }

    /// The right to compute `key` beside another computation, whose result has priority.
    pub fn beside(cache: &Cache<L, E>, key: &Bytes, old: StaleResult<L>) -> Self {
        let before = made_at(cache, key);
        let mut lease = Self::unshared(cache, key, old);
        lease.held.beside = Some(before);
        lease
    }

    /// Makes sure that no purge is missed while it is held, if keys are locked at all.
    pub fn attending(mut self, cache: &Cache<L, E>, locks: Locks) -> Self {
        if locks != Locks::Never {
            let _active = sync::active();
            self.held.attends = cache.ledger.store.attend().held();
        }
        self
    }

    /// Keeps other processes from computing `key`, takes in what they did, and looks whether one of
    /// them, or another thread, has computed it.
    pub fn acquire(mut self, cache: &Cache<L, E>, key: &Bytes, ask: Ask) -> Miss<L, E> {
        let mut displaced = Displaced::new();
        let _active = sync::active();
        let ledger = &*cache.ledger;
        let (is_busy, asked) = if ledger.is_remote && ask.locks == Locks::AtOnce {
            self.take_remote(cache, key, ask.take, &mut displaced)
        } else {
            (self.lock_and_look(cache, key, ask, &mut displaced), None)
        };
        let hears = ask.locks != Locks::AtTheEnd || !is_busy;
        // Only now: what was purged before does not concern a computation that begins now.
        self.held.begun = Some(ledger.purges.begin_hearing(key, hears));
        let look = |displaced| match asked {
            Some(asked) => ledger.take_up(*asked, key, ask.origin, displaced),
            None => ledger.hit(key, ask.origin, displaced),
        };
        if ask.looks
            && let Some(found) = look(&mut displaced)
        {
            self.lock_late(ask, || found.entry.created);
            return Miss::Found(self, Box::new(found));
        }
        let made = |it: Found<L>| it.entry.created;
        self.lock_late(ask, || if ask.looks { None } else { ledger.peek(key).and_then(made) });
        if is_busy { Miss::Busy(self) } else { Miss::Lead(self) }
    }

    /// Locks `key`, if that is to be done at once, and takes in what other processes did. Returns
    /// whether one of them has it.
    fn lock_and_look(
        &mut self,
        cache: &Cache<L, E>,
        key: &[u8],
        ask: Ask,
        displaced: &mut Displaced<L>,
    ) -> bool {
        let ledger = &*cache.ledger;
        for _ in 0..LOOKS {
            let locked = match ask.locks {
                Locks::AtOnce => ledger.store.lock_key_within(key, &|| self.is_deep()),
                Locks::Never | Locks::AtTheEnd => KeyLock::Unsupported,
            };
            let is_busy = matches!(locked, KeyLock::Busy);
            let held = &mut *self.held;
            (held.lock, held.started) = (locked.held(), clock::now());
            let needs_none = ask.locks == Locks::Never || held.lock.is_some();
            let attends = if needs_none { KeyLock::Unsupported } else { ledger.store.attend() };
            let is_late = matches!(attends, KeyLock::Busy);
            held.attends = attends.held();
            drop(ledger.loaded());
            let gone = ledger.take_external_changes();
            if !gone.is_empty() {
                displaced.extend(gone);
            }
            let follows = held.lock.is_some() || held.attends.is_some();
            if !is_late && (!follows || ledger.store.hears_purges()) {
                return is_busy;
            }
            (held.lock, held.attends) = (None, None);
        }
        true
    }

    /// Does the same where one question to the store is for the lock and for the entry, which is
    /// returned.
    fn take_remote(
        &mut self,
        cache: &Cache<L, E>,
        key: &[u8],
        take: Take,
        displaced: &mut Displaced<L>,
    ) -> (bool, Option<Box<Asked>>) {
        let (locked, asked) = cache.ledger.ask_for(key, take, displaced);
        let is_busy = matches!(locked, KeyLock::Busy);
        (self.held.lock, self.held.started) = (locked.held(), clock::now());
        (is_busy, asked.map(Box::new))
    }

    /// Returns whether its leader leads many keys: a recursion, as it computes one after another
    /// otherwise.
    fn is_deep(&self) -> bool {
        const DEEP: usize = 64;
        self.held.guard.as_ref().is_some_and(|guard| guard.leads_more_than(DEEP))
    }

    /// Notes, if the key is to be locked at the end, when the entry was made that it has `before`.
    fn lock_late(&mut self, ask: Ask, before: impl FnOnce() -> Before) {
        if ask.locks == Locks::AtTheEnd {
            (self.held.locks_late, self.held.beside) = (true, Some(before()));
        }
    }

    /// Returns how many seconds the computation took, if it ended `now`.
    pub fn took(&self, now: f64) -> Option<f64> {
        // A clock may be set back meanwhile.
        Some((now - self.held.started).max(0.0)).filter(|_| self.held.started.is_finite())
    }

    /// The flight that others wait for.
    pub fn guard(&self) -> Option<&Guard<SharedResult<L, E>>> {
        self.held.guard.as_ref()
    }

    /// Keeps the result, on disk before any caller gets it, and hands it to those who wait. Returns
    /// `false` if it is not kept, because it was outdated meanwhile or another one has priority.
    pub fn commit(
        mut self,
        cache: &Cache<L, E>,
        key: &Bytes,
        entry: impl Into<Box<Entry<L>>>,
    ) -> Result<bool> {
        let entry = entry.into();
        if self.held.locks_late {
            let _active = sync::active();
            self.held.lock = cache.ledger.store.lock_key(key).held();
        }
        let result = SharedResult::Result(entry.text.clone(), entry.live.clone());
        let kept = match self.held.beside {
            Some(before) => self.put_unless_first(cache, key, entry, before),
            None => self.put(cache, key, entry),
        };
        self.share(result);
        kept
    }

    /// Keeps the result of this computation, unless it is outdated.
    pub fn put(
        &self,
        cache: &Cache<L, E>,
        key: &Bytes,
        entry: impl Into<Box<Entry<L>>>,
    ) -> Result<bool> {
        let entry = entry.into();
        let alone = self.held.lock.is_some();
        match &self.held.begun {
            Some(begun) => cache.put_as(key, entry, Put::Computed { begun, alone }),
            None => cache.put_as(key, entry, Put::Again),
        }
    }

    /// Keeps `entry`, unless another computation of the key has stored a result. If that one is
    /// still under way in this process, the entry is left with it as a fallback.
    fn put_unless_first(
        &self,
        cache: &Cache<L, E>,
        key: &Bytes,
        entry: Box<Entry<L>>,
        before: Before,
    ) -> Result<bool> {
        let shared = self.held.guard.is_none();
        let entry = match if shared { cache.flights.offer(key, entry) } else { Err(entry) } {
            Ok(()) => return Ok(false),
            Err(entry) => entry,
        };
        cache.take_external_changes();
        if made_at(cache, key) == before { self.put(cache, key, entry) } else { Ok(false) }
    }

    /// Gives another computation of the key priority from now on.
    pub fn stand_back(&mut self, cache: &Cache<L, E>, key: &[u8]) {
        self.held.beside = Some(made_at(cache, key));
    }

    /// Hands `result` to those who wait after the computation failed. A result computed beside it
    /// is kept.
    pub fn fail(self, cache: &Cache<L, E>, key: &Bytes, result: SharedResult<L, E>) {
        if let Some(beside) =
            self.held.guard.as_ref().and_then(Guard::take_fallback::<Box<Entry<L>>>)
        {
            // A failure is in the store's notices.
            let _ = self.put(cache, key, beside);
        }
        self.share(result);
    }

    /// Hands `result` to those who wait, then gives the key back to other processes.
    pub fn share(mut self, result: SharedResult<L, E>) {
        if let Some(guard) = self.held.guard.take() {
            guard.finish(Outcome::Value(result));
        }
        drop(self.held.lock.take());
    }
}

/// Returns when the entry of `key` was made.
fn made_at<L, E>(cache: &Cache<L, E>, key: &[u8]) -> Before
where
    L: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    cache.peek(key).and_then(|found| found.entry.created)
}

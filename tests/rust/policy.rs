//! Expiry and eviction.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use outlive::policy::{Expiry, Freshness, Limits, Liveness, Lru, Scope, UseClock};
use proptest::prelude::*;

const NOW: f64 = 1_800_000_000.0;
const FRESH: Freshness = Freshness::Fresh;
const EXPIRED: Freshness = Freshness::Expired { servable_on_error: false };
const STALE: Freshness = Freshness::Expired { servable_on_error: true };

fn aged(expiry: Expiry, age: f64) -> Freshness {
    expiry.judge(Some(NOW - age), 0.0, NOW)
}

/// Without limits a result is always fresh, even one from the future.
#[test]
fn no_limits() {
    for age in [0.0, 1e9, -1e9] {
        assert_eq!(aged(Expiry::default(), age), FRESH);
    }
}

/// A result expires as soon as its age reaches its ttl.
#[test]
fn ttl_is_reached() {
    let expiry = Expiry { ttl: Some(60.0), ..Expiry::default() };
    assert_eq!(aged(expiry, 59.5), FRESH);
    assert_eq!(aged(expiry, 60.0), EXPIRED);
    assert_eq!(aged(Expiry { ttl: Some(0.0), ..expiry }, 0.0), EXPIRED);
}

/// The age of a result without a time of its own counts from its file's last modification.
#[test]
fn age_of_the_file() {
    let expiry = Expiry { ttl: Some(60.0), ..Expiry::default() };
    assert_eq!(expiry.judge(None, NOW - 30.0, NOW), FRESH);
    assert_eq!(expiry.judge(None, NOW - 90.0, NOW), EXPIRED);
}

/// Between `refresh_after` and `ttl` a result is served and recomputed.
#[test]
fn refresh_before_expiry() {
    let expiry = Expiry { ttl: Some(60.0), refresh_after: Some(20.0), ..Expiry::default() };
    assert_eq!(aged(expiry, 19.0), FRESH);
    assert_eq!(aged(expiry, 20.0), Freshness::Refresh);
    assert_eq!(aged(expiry, 61.0), EXPIRED);
}

/// An expired result is served in place of an error for `stale_if_error` seconds after its ttl.
#[test]
fn stale_serves_on_error() {
    let expiry = Expiry { ttl: Some(60.0), stale_if_error: Some(30.0), ..Expiry::default() };
    assert_eq!(aged(expiry, 89.0), STALE);
    assert_eq!(aged(expiry, 90.0), EXPIRED);
}

/// A clock set back by less than the ttl has no effect; set back by more, it makes results expire.
#[test]
fn clock_set_back() {
    let expiry = Expiry { ttl: Some(60.0), ..Expiry::default() };
    assert_eq!(aged(expiry, -59.0), FRESH);
    assert_eq!(aged(expiry, -61.0), EXPIRED);
}

/// A creation time that is not finite makes a result expire instead of living for ever.
#[test]
fn broken_times_expire() {
    let expiry = Expiry { ttl: Some(60.0), ..Expiry::default() };
    assert_eq!(aged(expiry, f64::NAN), EXPIRED);
    assert_eq!(aged(expiry, f64::INFINITY), EXPIRED);
}

fn at_most(maxsize: usize) -> Limits {
    Limits { maxsize: Some(maxsize), max_bytes: None }
}

fn at_most_bytes(max_bytes: u64) -> Limits {
    Limits { maxsize: None, max_bytes: Some(max_bytes) }
}

fn key(name: &'static str) -> Bytes {
    Bytes::from_static(name.as_bytes())
}

/// An LRU and the livenesses of its entries: each step is a use at a time of its own.
#[derive(Default)]
struct Used {
    lru: Lru,
    clock: UseClock,
    marks: HashMap<Bytes, Arc<Liveness>>,
}

impl Used {
    fn new(limits: Limits) -> Self {
        Self { lru: Lru::new(limits), ..Self::default() }
    }

    fn insert(&mut self, key: &Bytes, bytes: u64, scope: Scope) -> Vec<Bytes> {
        let liveness = Arc::new(Liveness::new(self.clock.tick()));
        self.marks.insert(key.clone(), Arc::clone(&liveness));
        self.lru.insert(key, bytes, scope, &liveness)
    }

    fn touch(&mut self, key: &[u8]) {
        if let Some(liveness) = self.marks.get(key) {
            liveness.touch(self.clock.tick());
        }
    }
}

/// The least recently used entry is evicted first, and a hit counts as a use.
#[test]
fn least_recently_used_goes() {
    let mut used = Used::new(at_most(2));
    assert!(used.insert(&key("a"), 1, Scope::CACHE).is_empty());
    assert!(used.insert(&key("b"), 1, Scope::CACHE).is_empty());
    used.touch(b"a");
    assert_eq!(used.insert(&key("c"), 1, Scope::CACHE), [key("b")]);
    assert_eq!(used.lru.evictions(Scope::CACHE), 1);
}

/// Only the last use decides, however often and in whatever order entries were used before.
#[test]
fn the_last_use_decides() {
    let mut used = Used::new(at_most(3));
    for name in ["a", "b", "c"] {
        used.insert(&key(name), 1, Scope::CACHE);
    }
    for name in ["c", "b", "a", "a", "b", "a"] {
        used.touch(name.as_bytes());
    }
    let gone = ["d", "e", "f"].map(|name| used.insert(&key(name), 1, Scope::CACHE));
    assert_eq!(gone, ["c", "b", "a"].map(|name| vec![key(name)]));
}

/// Entries that were last used at the same time are still distinct: one eviction takes one entry.
#[test]
fn equal_uses() {
    let mut lru = Lru::new(at_most(2));
    let liveness = Arc::new(Liveness::new(7));
    for name in ["a", "b"] {
        assert!(lru.insert(&key(name), 1, Scope::CACHE, &liveness).is_empty());
    }
    assert_eq!(lru.insert(&key("c"), 1, Scope::CACHE, &liveness).len(), 1);
    assert_eq!((lru.len(Scope::CACHE), lru.bytes(Scope::CACHE)), (2, 2));
}

/// An entry larger than the whole limit is itself evicted and evicts no other.
#[test]
fn too_large_goes_alone() {
    let mut used = Used::new(at_most_bytes(10));
    used.insert(&key("a"), 5, Scope::CACHE);
    assert_eq!(used.insert(&key("huge"), 11, Scope::CACHE), [key("huge")]);
    assert_eq!((used.lru.len(Scope::CACHE), used.lru.bytes(Scope::CACHE)), (1, 5));
}

/// The limit of one function never evicts entries of another.
#[test]
fn functions_have_limits_of_their_own() {
    let mut used = Used::default();
    let [one, other] = [1, 1].map(|most| used.lru.add_scope(at_most(most)));
    used.insert(&key("other"), 1, other);
    used.insert(&key("a"), 1, one);
    assert_eq!(used.insert(&key("b"), 1, one), [key("a")]);
    assert_eq!((used.lru.evictions(one), used.lru.evictions(other)), (1, 0));
    assert_eq!(used.lru.len(other), 1);
}

/// A deliberately forgotten entry does not count as evicted.
#[test]
fn forgetting_is_no_eviction() {
    let mut used = Used::new(at_most(2));
    used.insert(&key("a"), 1, Scope::CACHE);
    assert!(used.lru.remove(b"a"));
    assert!(!used.lru.remove(b"a"));
    used.insert(&key("b"), 1, Scope::CACHE);
    used.lru.clear();
    assert_eq!((used.lru.len(Scope::CACHE), used.lru.evictions(Scope::CACHE)), (0, 0));
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u8, u64, usize),
    Touch(u8),
    Remove(u8),
    Limit(usize, Limits),
}

fn limits() -> impl Strategy<Value = Limits> {
    (prop::option::of(0..6usize), prop::option::of(0..20u64))
        .prop_map(|(maxsize, max_bytes)| Limits { maxsize, max_bytes })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..10u8, 0..8u64, 0..3usize).prop_map(|(k, bytes, scope)| Step::Insert(k, bytes, scope)),
        4 => (0..10u8).prop_map(Step::Touch),
        2 => (0..10u8).prop_map(Step::Remove),
        1 => (0..3usize, limits()).prop_map(|(scope, limits)| Step::Limit(scope, limits)),
    ]
}

/// The order of use in its simplest form: a list from the least to the most recently used entry.
#[derive(Debug, Default)]
struct Naive {
    order: Vec<(u8, u64, usize)>,
    limits: [Limits; 3],
    evictions: [u64; 3],
}

impl Naive {
    fn held(&self, scope: usize) -> Vec<(u8, u64, usize)> {
        self.order.iter().copied().filter(|entry| scope == 0 || entry.2 == scope).collect()
    }

    fn size(&self, scope: usize) -> (usize, u64) {
        let held = self.held(scope);
        (held.len(), held.iter().map(|entry| entry.1).sum())
    }

    fn over(&self, scope: usize, (entries, bytes): (usize, u64)) -> bool {
        self.limits[scope].maxsize.is_some_and(|most| entries > most)
            || self.limits[scope].max_bytes.is_some_and(|most| bytes > most)
    }

    fn evict(&mut self, scope: usize) -> Vec<u8> {
        let mut gone = Vec::new();
        while self.over(scope, self.size(scope)) {
            let oldest = self.held(scope)[0].0;
            self.remove(oldest);
            self.evictions[scope] += 1;
            gone.push(oldest);
        }
        gone
    }

    fn remove(&mut self, key: u8) -> Option<(u8, u64, usize)> {
        let at = self.order.iter().position(|entry| entry.0 == key)?;
        Some(self.order.remove(at))
    }

    fn insert(&mut self, key: u8, bytes: u64, scope: usize) -> Vec<u8> {
        self.remove(key);
        if let Some(tight) = [scope, 0].into_iter().find(|scope| self.over(*scope, (1, bytes))) {
            self.evictions[tight] += 1;
            return vec![key];
        }
        self.order.push((key, bytes, scope));
        let mut gone = self.evict(scope);
        gone.extend(self.evict(0));
        gone
    }
}

fn names(keys: &[Bytes]) -> Vec<u8> {
    keys.iter().map(|key| key[0]).collect()
}

fn apply(step: &Step, used: &mut Used, scopes: [Scope; 3], naive: &mut Naive) {
    match *step {
        Step::Insert(k, bytes, scope) => {
            let gone = used.insert(&Bytes::copy_from_slice(&[k]), bytes, scopes[scope]);
            assert_eq!(names(&gone), naive.insert(k, bytes, scope));
        }
        Step::Touch(k) => {
            let entry = naive.remove(k);
            naive.order.extend(entry);
            used.touch(&[k]);
        }
        Step::Remove(k) => assert_eq!(used.lru.remove(&[k]), naive.remove(k).is_some()),
        Step::Limit(scope, limits) => {
            naive.limits[scope] = limits;
            assert_eq!(names(&used.lru.set_limits(scopes[scope], limits)), naive.evict(scope));
        }
    }
}

proptest! {
    /// Whatever the steps, exactly the entries are evicted that a naive list evicts, in its order.
    #[test]
    fn recency_is_exact(steps in prop::collection::vec(step(), 1..200)) {
        let mut used = Used::default();
        let [one, other] = [Limits::default(); 2].map(|none| used.lru.add_scope(none));
        let scopes = [Scope::CACHE, one, other];
        let mut naive = Naive::default();
        for step in steps {
            apply(&step, &mut used, scopes, &mut naive);
            let lru = &used.lru;
            for (number, scope) in scopes.into_iter().enumerate() {
                prop_assert_eq!((lru.len(scope), lru.bytes(scope)), naive.size(number));
                prop_assert_eq!(lru.evictions(scope), naive.evictions[number]);
            }
        }
    }
}

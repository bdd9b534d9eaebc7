//! Purges during computations: a result that was begun before a purge is not kept.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use bytes::Bytes;
use foldhash::fast::RandomState;

use crate::flight::Outdater;
use crate::store::Purge;
use crate::sync::{Arc, Mutex, rank};

/// The computations of one cache that are under way, and what outdates them, in this process and in
/// others.
#[derive(Debug)]
pub struct Purges {
    flights: Outdater,
    log: Mutex<Log, { rank::LEAF }>,
}

#[derive(Debug, Default)]
struct Log {
    /// The number of the last purge.
    last: u64,
    /// The keys that are being computed.
    under_way: HashMap<Bytes, UnderWay, RandomState>,
}

#[derive(Debug, Default)]
struct UnderWay {
    /// How many computations of the key there are.
    count: usize,
    /// The number of the last purge that concerned it.
    purged: u64,
}

impl Purges {
    /// No computation is under way; `flights` outdates those of the cache.
    pub fn new(flights: Outdater) -> Self {
        Self { flights, log: Mutex::default() }
    }

    /// Begins a computation of `key`.
    pub fn begin(self: &Arc<Self>, key: &Bytes) -> Begun {
        let mut log = self.log.lock();
        let last = log.last;
        log.under_way.entry(key.clone()).or_default().count += 1;
        Begun { purges: Arc::clone(self), key: key.clone(), last }
    }

    /// Outdates the computations of `key` that are under way.
    pub fn purge_key(&self, key: &[u8]) {
        let mut log = self.log.lock();
        log.last += 1;
        let last = log.last;
        if let Some(under_way) = log.under_way.get_mut(key) {
            under_way.purged = last;
        }
        drop(log);
        self.flights.outdate(|flying| flying == key);
    }

    /// Outdates the computations that `purge` concerns.
    pub fn purge(&self, purge: &Purge) {
        if let Purge::Key(key) = purge {
            return self.purge_key(key);
        }
        let mut log = self.log.lock();
        log.last += 1;
        let last = log.last;
        for (_, under_way) in log.under_way.iter_mut().filter(|(key, _)| purge.concerns(key)) {
            under_way.purged = last;
        }
        drop(log);
        self.flights.outdate(|key| purge.concerns(key));
    }
}

/// A computation under way; dropped when it is over.
#[derive(Debug)]
pub struct Begun {
    purges: Arc<Purges>,
    key: Bytes,
    /// The number of the last purge before it began.
    last: u64,
}

impl Begun {
    /// Returns whether it is outdated by now.
    pub fn is_outdated(&self) -> bool {
        let log = self.purges.log.lock();
        let concerned = || log.under_way.get(&self.key).is_some_and(|it| it.purged > self.last);
        log.last > self.last && concerned()
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        let mut log = self.purges.log.lock();
        let key = std::mem::take(&mut self.key);
        let Entry::Occupied(mut under_way) = log.under_way.entry(key) else { return };
        under_way.get_mut().count -= 1;
        if under_way.get().count == 0 {
            under_way.remove();
        }
    }
}

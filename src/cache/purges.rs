//! What was purged while something was being computed: results that were begun before are not kept.

use std::collections::HashMap;

use bytes::Bytes;

use crate::flight::Outdater;
use crate::store::Purge;
use crate::sync::{Arc, Mutex, rank};

/// More keys than these are not told apart: then all that is under way is outdated.
const MOST: usize = 1 << 16;

/// The purges of one cache, of this process and of others, as far as a computation may be concerned.
#[derive(Debug)]
pub struct Purges {
    flights: Outdater,
    log: Mutex<Log, { rank::LEAF }>,
}

/// Nothing stands in it while nothing is being computed.
#[derive(Debug, Default)]
struct Log {
    /// The number of the last purge.
    last: u64,
    /// How many computations are under way.
    under_way: usize,
    /// The last purge of each key.
    keys: HashMap<Bytes, u64>,
    /// Purges by pattern.
    patterns: Vec<(Purge, u64)>,
    /// The last purge of everything.
    all: u64,
}

impl Purges {
    /// Nothing is being computed in the flights that `flights` outdates.
    pub fn new(flights: Outdater) -> Self {
        Self { flights, log: Mutex::default() }
    }

    /// A computation begins now.
    pub fn begin(self: &Arc<Self>) -> Begun {
        let mut log = self.log.lock();
        log.under_way += 1;
        Begun { purges: Arc::clone(self), last: log.last }
    }

    /// Outdates the computations of `key` that are under way.
    pub fn purge_key(&self, key: &[u8]) {
        self.note(|log, last| {
            if log.keys.len() < MOST {
                log.keys.insert(Bytes::copy_from_slice(key), last);
            } else {
                log.all = last;
            }
        });
        self.flights.outdate(|flying| flying == key);
    }

    /// Outdates the computations that `purge` concerns.
    pub fn purge(&self, purge: &Purge) {
        match purge {
            Purge::Key(key) => return self.purge_key(key),
            Purge::Fitting(_) => self.note(|log, last| log.patterns.push((purge.clone(), last))),
            Purge::All => self.note(|log, last| log.all = last),
        }
        self.flights.outdate(|key| purge.concerns(key));
    }

    fn note(&self, note: impl FnOnce(&mut Log, u64)) {
        let mut log = self.log.lock();
        log.last += 1;
        let last = log.last;
        if log.under_way > 0 {
            note(&mut log, last);
        }
    }
}

/// A computation under way; dropped when it is over.
#[derive(Debug)]
pub struct Begun {
    purges: Arc<Purges>,
    /// The number of the last purge before it.
    last: u64,
}

impl Begun {
    /// Whether a computation of `key` that began then is outdated by now.
    pub fn is_outdated(&self, key: &[u8]) -> bool {
        let log = self.purges.log.lock();
        if log.last == self.last {
            return false;
        }
        let of_key = log.keys.get(key).copied().unwrap_or_default();
        let since = |(purge, at): &(Purge, u64)| *at > self.last && purge.concerns(key);
        log.all.max(of_key) > self.last || log.patterns.iter().any(since)
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        let mut log = self.purges.log.lock();
        log.under_way = log.under_way.saturating_sub(1);
        if log.under_way == 0 {
            *log = Log { last: log.last, ..Log::default() };
        }
    }
}

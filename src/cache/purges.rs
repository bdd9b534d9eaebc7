//! Purges during computations: a result that was begun before a purge is not kept.

use bytes::Bytes;

use crate::flight::Outdater;
use crate::store::{Missed, Purge};
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
    /// The computations that are under way, each in its place until it is over. Purges look at all
    /// of them: they are far fewer than computations, which would each hash their key twice.
    under_way: Vec<Option<UnderWay>>,
    /// The places of those that are over.
    free: Vec<usize>,
}

#[derive(Debug)]
struct UnderWay {
    key: Bytes,
    /// How many hold it.
    held: usize,
    /// The number of the last purge that concerned it.
    purged: u64,
    /// Whether this process heard of purges from its beginning.
    hears: bool,
}

impl Log {
    /// Notes a purge of the keys that pass `test`.
    fn purge(&mut self, test: impl Fn(&[u8]) -> bool) {
        self.last += 1;
        for it in self.under_way.iter_mut().flatten().filter(|it| test(&it.key)) {
            it.purged = self.last;
        }
    }

    /// Notes that purges may have been missed. A computation at whose beginning nothing could be heard
    /// is kept unless it is told that its key was purged: its result would be lost for a purge that
    /// hardly ever was.
    fn miss(&mut self, missed: &Missed) {
        self.last += 1;
        for it in self.under_way.iter_mut().flatten() {
            if missed.told.concern(&it.key) || it.hears && missed.is_unknown {
                it.purged = self.last;
            }
        }
    }

    /// Returns the place of a computation that begins now.
    fn add(&mut self, key: Bytes, hears: bool) -> usize {
        let begun = Some(UnderWay { key, held: 1, purged: 0, hears });
        let Some(place) = self.free.pop() else {
            self.under_way.push(begun);
            return self.under_way.len() - 1;
        };
        self.under_way[place] = begun;
        place
    }
}

impl Purges {
    /// No computation is under way; `flights` outdates those of the cache.
    pub fn new(flights: Outdater) -> Self {
        Self { flights, log: Mutex::default() }
    }

    /// Begins a computation of `key`.
    pub fn begin(self: &Arc<Self>, key: &Bytes) -> Begun {
        self.begin_hearing(key, true)
    }

    /// Begins a computation of `key`; `hears` says whether this process hears of all purges from now
    /// on.
    pub fn begin_hearing(self: &Arc<Self>, key: &Bytes, hears: bool) -> Begun {
        let mut log = self.log.lock();
        let (last, place) = (log.last, log.add(key.clone(), hears));
        Begun { purges: Arc::clone(self), place, last }
    }

    /// Outdates the computations under way whose keys others may have purged.
    pub fn miss(&self, missed: &Missed) {
        self.log.lock().miss(missed);
        self.flights.outdate(|key| missed.may_concern(key));
    }

    /// Outdates the computations of `key` that are under way.
    pub fn purge_key(&self, key: &[u8]) {
        self.log.lock().purge(|own| own == key);
        self.flights.outdate(|flying| flying == key);
    }

    /// Outdates the computations that `purge` concerns.
    pub fn purge(&self, purge: &Purge) {
        self.log.lock().purge(|key| purge.concerns(key));
        self.flights.outdate(|key| purge.concerns(key));
    }
}

/// A computation under way; dropped, with all its clones, when it is over.
#[derive(Debug)]
pub struct Begun {
    purges: Arc<Purges>,
    /// Its place in the log.
    place: usize,
    /// The number of the last purge before it began.
    last: u64,
}

impl Begun {
    /// Returns whether it is outdated by now.
    pub fn is_outdated(&self) -> bool {
        let log = self.purges.log.lock();
        log.last > self.last
            && log.under_way[self.place].as_ref().is_some_and(|it| it.purged > self.last)
    }
}

impl Clone for Begun {
    fn clone(&self) -> Self {
        if let Some(it) = &mut self.purges.log.lock().under_way[self.place] {
            it.held += 1;
        }
        Self { purges: Arc::clone(&self.purges), ..*self }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        let mut log = self.purges.log.lock();
        let Log { under_way, free, .. } = &mut *log;
        if let Some(it) = &mut under_way[self.place] {
            it.held -= 1;
            if it.held > 0 {
                return;
            }
        }
        under_way[self.place] = None;
        free.push(self.place);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{Begun, Purges};
    use crate::flight::Flights;
    use crate::store::{Affected, KeyStripes, Missed, Purge};
    use crate::sync::Arc;

    /// A purge outdates the computations of its keys that are under way, and none that begins later
    /// in the place of one of them.
    #[test]
    fn places_are_used_again() {
        let purges = Arc::new(Purges::new(Flights::<()>::new().outdater()));
        let (a, b) = (Bytes::from_static(b"a"), Bytes::from_static(b"b"));
        let (first, other) = (purges.begin(&a), purges.begin(&b));
        let second = purges.begin(&a);
        purges.purge_key(b"a");
        assert!(first.is_outdated() && second.is_outdated() && !other.is_outdated());
        drop((first, second));
        let later = [purges.begin(&a), purges.begin(&a), purges.begin(&a)];
        assert!(later.iter().all(|it| !it.is_outdated()));
        purges.purge(&Purge::All);
        assert!(later.iter().all(Begun::is_outdated) && other.is_outdated());
        assert_eq!(purges.log.lock().under_way.len(), 4);
    }

    /// A purge that may have been missed outdates computations whose process should have heard of it.
    #[test]
    fn what_may_be_missed() {
        let purges = Arc::new(Purges::new(Flights::<()>::new().outdater()));
        let (a, b) = (Bytes::from_static(b"a"), Bytes::from_static(b"b"));
        let (hears, deaf) = (purges.begin(&a), purges.begin_hearing(&a, false));
        let other = purges.begin(&b);
        let mut told = KeyStripes::default();
        purges.miss(&Missed { told, is_unknown: true });
        assert!(hears.is_outdated() && other.is_outdated() && !deaf.is_outdated());
        let (hears, other) = (purges.begin(&a), purges.begin(&b));
        told.add(Affected::Key(b"a"));
        purges.miss(&Missed { told, is_unknown: false });
        assert!(hears.is_outdated() && deaf.is_outdated() && !other.is_outdated());
    }

    /// A computation is over with the last of its clones.
    #[test]
    fn clones_are_one_computation() {
        let purges = Arc::new(Purges::new(Flights::<()>::new().outdater()));
        let first = purges.begin(&Bytes::from_static(b"a"));
        let second = first.clone();
        drop(first);
        let other = purges.begin(&Bytes::from_static(b"b"));
        purges.purge_key(b"a");
        assert!(second.is_outdated() && !other.is_outdated());
        drop(second);
        assert_eq!(purges.log.lock().free.len(), 1);
    }
}

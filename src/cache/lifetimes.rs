//! Entries that expired so long ago that the file need not keep them.

use std::collections::HashMap;

use bytes::Bytes;

use super::entry::Entry;
use super::limiter::Share;
use super::table::Table;

/// How long the file keeps the results of one function.
#[derive(Clone, Copy, Debug)]
pub struct Lifetime {
    /// Seconds since a result was made.
    pub seconds: f64,
    /// Whether the function has a clock of its own: the time is then that of its newest result.
    pub own_clock: bool,
}

/// The lifetimes of the functions that have one.
#[derive(Debug, Default)]
pub struct Lifetimes(HashMap<Share, Lifetime>);

impl Lifetimes {
    /// Sets the lifetime of a function's results; None keeps them for ever.
    pub fn set(&mut self, share: Share, lifetime: Option<Lifetime>) {
        match lifetime {
            Some(lifetime) => self.0.insert(share, lifetime),
            None => self.0.remove(&share),
        };
    }

    /// Returns the keys of all entries whose lifetime is over `now`.
    pub fn over<L: Clone>(&self, table: &Table<L>, now: f64) -> Vec<Bytes> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let newest = self.newest(table);
        let ends = |share: &Share, lifetime: &Lifetime| {
            let now = if lifetime.own_clock { newest.get(share).copied() } else { Some(now) };
            now.map_or(f64::NEG_INFINITY, |now| now - lifetime.seconds)
        };
        let made_before = |key: &Bytes, entry: &Entry<L>| {
            let share = Share::of(key, entry.origin)?;
            Some(entry.created? < ends(&share, self.0.get(&share)?))
        };
        let rows = table.iter();
        let over = rows.filter(|(key, entry)| made_before(key, entry).unwrap_or(false));
        over.map(|(key, _)| key.into_owned()).collect()
    }

    /// Returns when the newest result of each function with a clock of its own was made.
    fn newest<L: Clone>(&self, table: &Table<L>) -> HashMap<Share, f64> {
        let mut newest = HashMap::new();
        if !self.0.values().any(|lifetime| lifetime.own_clock) {
            return newest;
        }
        for (key, entry) in table.iter() {
            let share = Share::of(&key, entry.origin).filter(|share| self.0.contains_key(share));
            if let Some((share, created)) = share.zip(entry.created) {
                let known = newest.entry(share).or_insert(created);
                *known = created.max(*known);
            }
        }
        newest
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{Entry, Lifetime, Lifetimes, Share, Table};

    fn over(own_clock: bool, now: f64) -> Vec<Bytes> {
        let mut table: Table<()> = Table::default();
        for (key, created) in [("f(1)", 0.0), ("f(2)", 100.0), ("g(1)", 0.0)] {
            table.insert(Bytes::from(key), Entry::new(Some(created)));
        }
        let mut lifetimes = Lifetimes::default();
        lifetimes.set(Share::Name(b"f".to_vec()), Some(Lifetime { seconds: 50.0, own_clock }));
        lifetimes.over(&table, now)
    }

    /// A function's results are dropped when its lifetime has passed; others stay.
    #[test]
    fn what_is_over() {
        assert!(over(false, 50.0).is_empty());
        assert_eq!(over(false, 50.5), ["f(1)"]);
        assert_eq!(over(false, 200.0), ["f(1)", "f(2)"]);
    }

    /// If a function has a clock of its own, its newest result tells the time.
    #[test]
    fn clocks_of_functions() {
        assert_eq!(over(true, 1e9), ["f(1)"]);
    }
}

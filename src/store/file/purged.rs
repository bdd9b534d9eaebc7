//! What each generation purged, for processes that miss it.

use std::collections::BTreeMap;

use crate::store::journal::{Purged, Record};

/// Of how many generations it is known: who missed more takes everything for purged.
pub const KNOWN: u64 = 64;

/// What the last generations purged, by their numbers.
#[derive(Clone, Debug, Default)]
pub struct PurgedKeys(BTreeMap<u64, Purged>);

impl PurgedKeys {
    /// Notes what was read of some generations.
    pub fn note(&mut self, read: impl IntoIterator<Item = Purged>) {
        for purged in read {
            self.0.insert(purged.generation, purged);
        }
        let last = self.0.last_key_value().map_or(0, |(&last, _)| last);
        while let Some(first) = self.0.first_entry().filter(|it| it.key() + KNOWN < last) {
            first.remove();
        }
    }

    /// Returns the records that tell of generations up to `last`.
    pub fn records(&self, last: u64) -> Vec<Record> {
        self.0.range(..=last).map(|(_, &purged)| Record::Purged(purged)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::KeyStripes;

    fn purged(generation: u64, last: u64) -> Purged {
        Purged { generation, last, stripes: KeyStripes::ALL }
    }

    /// Of the last generations it is told what they purged, of none before or behind them.
    #[test]
    fn only_the_last_generations() {
        let mut keys = PurgedKeys::default();
        keys.note([purged(1, 5), purged(9, 5), purged(10, 5), purged(9, 7)]);
        let told = |last| keys.records(last).len();
        assert_eq!((told(0), told(9), told(10)), (0, 2, 3));
        assert_eq!(keys.records(9)[1], Record::Purged(purged(9, 7)));
        keys.note([purged(9 + KNOWN, 5)]);
        assert_eq!(keys.records(9), [Record::Purged(purged(9, 7))]);
        keys.note([purged(11 + KNOWN, 5)]);
        assert_eq!(keys.records(9), []);
    }
}

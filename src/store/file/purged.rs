//! What each generation purged, for processes that miss it.

use std::collections::BTreeMap;

use crate::store::journal::Record;
use crate::store::{Affected, KeyStripes};

/// Of how many generations it is known: who missed more takes everything for purged.
pub const KNOWN: u64 = 64;

/// What the last generations purged, by their numbers.
#[derive(Clone, Debug, Default)]
pub struct PurgedKeys(BTreeMap<u64, KeyStripes>);

impl PurgedKeys {
    /// Notes that `generation` purges what is `affected`.
    pub fn note(&mut self, generation: u64, affected: Affected<'_>) {
        self.0.entry(generation).or_default().add(affected);
        let last = self.0.last_key_value().map_or(0, |(&last, _)| last);
        while let Some(first) = self.0.first_entry().filter(|it| it.key() + KNOWN < last) {
            first.remove();
        }
    }

    /// Notes what was read.
    pub fn note_all<'s>(&mut self, all: impl IntoIterator<Item = &'s (u64, KeyStripes)>) {
        for &(generation, stripes) in all {
            self.note(generation, Affected::Stripes(stripes));
        }
    }

    /// Returns the records that tell of generations up to `last`.
    pub fn records(&self, last: u64) -> Vec<Record> {
        let told = self.0.range(..=last);
        told.map(|(&generation, &stripes)| Record::Purged(generation, stripes)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the last generations it is told what they purged, of none before or behind them.
    #[test]
    fn only_the_last_generations() {
        let mut purged = PurgedKeys::default();
        purged.note(1, Affected::All);
        purged.note(9, Affected::Key(b"a"));
        purged.note_all(&[(9, KeyStripes::default()), (10, KeyStripes::ALL)]);
        assert_eq!(purged.records(9).len(), 2);
        purged.note(9 + KNOWN, Affected::All);
        let Record::Purged(9, stripes) = purged.records(9)[0] else { panic!("it is the first") };
        assert!(stripes.concern(b"a") && !stripes.concern(b"b"));
        purged.note(11 + KNOWN, Affected::All);
        assert_eq!(purged.records(9), []);
    }
}

//! The purges of one generation, so that all processes agree which results came too late.

use bytes::Bytes;

use crate::store::{KeyStripes, Purge};

/// All purges of a generation, each with the byte at which its record begins, in order.
#[derive(Clone, Debug, Default)]
pub struct Purges {
    all: Vec<(u64, Purge)>,
    /// The stripes of all keys.
    stripes: KeyStripes,
}

impl Purges {
    /// Notes a purge whose record begins at byte `at`.
    pub fn note(&mut self, at: u64, purge: &Purge) {
        // A copy, because the key may be a slice of everything that was read.
        let purge = match purge {
            Purge::Key(key) => Purge::Key(Bytes::copy_from_slice(key)),
            Purge::Fitting(pattern) => Purge::Fitting(Bytes::copy_from_slice(pattern)),
            Purge::Tagged { pattern, tag } => Purge::Tagged {
                pattern: Bytes::copy_from_slice(pattern),
                tag: Bytes::copy_from_slice(tag),
            },
            Purge::All => Purge::All,
        };
        self.stripes.add(purge.affected());
        self.all.push((at, purge));
    }

    /// Returns where the last one begins, and the stripes of all keys.
    pub fn outline(&self) -> Option<(u64, KeyStripes)> {
        self.all.last().map(|(at, _)| (*at, self.stripes))
    }

    /// Returns those that begin at byte `from` or later.
    pub fn since(&self, from: u64) -> impl Iterator<Item = &Purge> {
        self.all.iter().filter(move |(at, _)| *at >= from).map(|(_, purge)| purge)
    }

    /// Returns whether a purge of `key` begins at byte `from` or later.
    pub fn concern(&self, key: &[u8], from: u64) -> bool {
        // Nearly always there is none: the process that computed had read to the end.
        let late = self.all.iter().rev().take_while(|(at, _)| *at >= from);
        late.into_iter().any(|(_, purge)| purge.concerns(key))
    }
}

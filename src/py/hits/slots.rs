//! The index of a table of hits: from the hash of a call to the number of its row.
//!
//! ```text
//! slot  = tag (8 bits of the hash) << 24 | number of the row + 1        0 = free
//! ```
//!
//! Slots are probed one after the other, and at least a third of them are free.

/// How many rows can be numbered.
pub const MAX_ROWS: usize = (1 << 24) - 2;
const NUMBER: u32 = 0x00ff_ffff;

/// The slots; how many there are is a power of two.
#[derive(Debug)]
pub struct Slots(Box<[u32]>);

impl Slots {
    /// Free slots, enough for a few rows.
    pub fn new() -> Self {
        Self(vec![0; 8].into())
    }

    /// Free slots, enough for this many rows and the next ones.
    pub fn for_rows(rows: usize) -> Self {
        Self(vec![0; (rows * 3).next_power_of_two().max(8)].into())
    }

    /// Returns whether there is room for this many rows.
    pub fn have_room(&self, rows: usize) -> bool {
        rows * 3 <= self.0.len() * 2
    }

    /// Returns the first row with the tag of this hash that `matches`.
    #[expect(clippy::inline_always, reason = "a call costs hits of two arguments 10")]
    #[inline(always)]
    pub fn find(&self, hash: u64, matches: impl Fn(usize) -> bool) -> Option<usize> {
        let (mask, tag) = (self.0.len() - 1, tag(hash));
        let mut at = low_bits(hash) & mask;
        loop {
            let slot = *self.0.get(at)?;
            let row = ((slot & NUMBER) as usize).checked_sub(1)?;
            if slot & !NUMBER == tag && matches(row) {
                return Some(row);
            }
            at = (at + 1) & mask;
        }
    }

    /// Adds the number of a new row; there must be room for it.
    ///
    /// # Panics
    /// With more than [`MAX_ROWS`] rows.
    pub fn insert(&mut self, hash: u64, row: usize) {
        let mask = self.0.len() - 1;
        let mut at = low_bits(hash) & mask;
        while self.0[at] != 0 {
            at = (at + 1) & mask;
        }
        self.0[at] = tag(hash) | u32::try_from(row + 1).expect("rows are limited to 24 bits");
    }
}

#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "a table has no more slots than a usize counts"
)]
fn low_bits(hash: u64) -> usize {
    hash as usize
}

#[inline]
fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32 & !NUMBER
}

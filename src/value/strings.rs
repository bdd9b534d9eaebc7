//! The bytes of a JSON text that lie in strings: 64 bytes at a time, one bit a byte.

#![expect(
    clippy::inline_always,
    reason = "it is a part of loops that live in registers, with the instructions of this CPU"
)]

/// What one block passes on to the next.
#[derive(Debug, Default)]
pub(crate) struct Strings {
    /// All ones if the block ended inside a string.
    inside: u64,
    /// One if the block ended with a backslash that escapes the next byte.
    escaped: u64,
}

/// The strings found in a block.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    /// The quotes that begin and end strings.
    pub(crate) quotes: u64,
    /// Everything in strings: with the opening quote, without the closing one.
    pub(crate) inside: u64,
    /// The bytes that a backslash before them escapes.
    pub(crate) escaped: u64,
}

impl Strings {
    /// Adds the quotes and backslashes of the next block.
    #[inline(always)]
    pub(crate) fn block(&mut self, quote: u64, backslash: u64) -> Found {
        let escaped = self.escaped_bytes(backslash);
        let quotes = quote & !escaped;
        let inside = prefix_xor(quotes) ^ self.inside;
        self.inside = 0_u64.wrapping_sub(inside >> 63);
        Found { quotes, inside, escaped }
    }

    #[inline(always)]
    fn escaped_bytes(&mut self, backslash: u64) -> u64 {
        if backslash == 0 {
            return std::mem::take(&mut self.escaped);
        }
        let alone = backslash & backslash << 1 == 0 && self.escaped & backslash == 0;
        if !alone {
            let (escaped, left) = escaped_runs(backslash, self.escaped);
            self.escaped = left;
            return escaped;
        }
        let escaped = backslash << 1 | self.escaped;
        self.escaped = backslash >> 63;
        escaped
    }
}

/// Returns the bytes that a backslash before them escapes where backslashes follow each other: an
/// escaped backslash does not escape. `escaped` is one if the first byte is escaped; likewise the
/// second result for the byte after the last. (No method: a value whose address is taken is in
/// memory, not in registers.)
#[cold]
fn escaped_runs(backslash: u64, mut escaped: u64) -> (u64, u64) {
    let mut escaping = backslash & !escaped;
    let mut left = 0;
    while escaping != 0 {
        let next = (escaping & escaping.wrapping_neg()) << 1;
        left |= u64::from(next == 0);
        escaped |= next;
        escaping &= escaping - 1;
        escaping &= !next;
    }
    (escaped, left)
}

/// Sets each bit to whether an odd number of bits is set up to and including its place.
#[inline(always)]
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

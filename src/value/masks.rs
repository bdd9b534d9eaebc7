//! Masks of the significant bytes in 64 bytes of a JSON text: one bit a byte, the first the lowest.
//!
//! Both scanners, [`validate_fast`](super::validate_fast) and the snapshot's, work on these. An
//! example, first byte left (in the numbers it is the lowest bit):
//!
//! ```text
//!  text         {"key": "a \"b\" {", "n": [12, true]}
//!  quote        .#...#..#...#..#..#..#.#.............     all quotes
//!  backslash    ...........#..#......................
//!  escaped      ............#..#.....................     behind a backslash that is not escaped itself
//!  real quotes  .#...#..#.........#..#.#.............     quote & !escaped
//!  inside       .####...##########...##..............     prefix_xor(real quotes): with the opening quote
//!  bracket      #................#........#........##     open | close, all four kinds
//!  outside      #.........................#........##     bracket & !inside: the `{` in the string is none
//! ```

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into `dispatch!` does not get the instructions of this CPU"
)]

use fearless_simd::prelude::*;
use fearless_simd::u8x64;

/// The number of bytes in a block.
pub(crate) const BLOCK: usize = 64;

/// The bytes of each kind in a block. Masks that a scanner does not use are not computed, because
/// all of this is inlined.
#[derive(Clone, Copy)]
pub(crate) struct Masks {
    pub(crate) quote: u64,
    pub(crate) backslash: u64,
    /// Bytes below the space, which a string may not hold.
    pub(crate) control: u64,
    /// Bytes beyond ASCII.
    pub(crate) wide: u64,
    pub(crate) space: u64,
    pub(crate) open: u64,
    pub(crate) close: u64,
    pub(crate) comma: u64,
    pub(crate) colon: u64,
    pub(crate) digit: u64,
    pub(crate) zero: u64,
}

impl Masks {
    /// Scans one block.
    #[inline(always)]
    pub(crate) fn of<S: Simd>(simd: S, block: &[u8; BLOCK]) -> Self {
        let lanes = u8x64::from_slice(simd, block);
        // `[` and `{`, `]` and `}` differ in this bit only.
        let folded = lanes | 0x20;
        let is = |byte: u8| lanes.simd_eq(byte).to_bitmask();
        Self {
            quote: is(b'"'),
            backslash: is(b'\\'),
            control: lanes.simd_le(0x1f).to_bitmask(),
            wide: lanes.simd_ge(0x80).to_bitmask(),
            space: is(b' '),
            open: folded.simd_eq(b'{').to_bitmask(),
            close: folded.simd_eq(b'}').to_bitmask(),
            comma: is(b','),
            colon: is(b':'),
            digit: (lanes - b'0').simd_le(9).to_bitmask(),
            zero: is(b'0'),
        }
    }
}

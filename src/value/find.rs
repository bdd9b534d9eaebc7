//! Finding the next byte that ends or interrupts a string's body, sixteen bytes at a time.

use wide::u8x16;

const LANES: usize = 16;

/// The first place from `at` on that holds a quote, a backslash or a control character;
/// the text's length if there is none.
#[inline]
pub(crate) fn special(text: &[u8], mut at: usize) -> usize {
    while let Some(lanes) = text.get(at..).and_then(<[u8]>::first_chunk::<LANES>) {
        let found = special_lanes(*lanes);
        if found != 0 {
            return at + found.trailing_zeros() as usize;
        }
        at += LANES;
    }
    special_tail(text, at)
}

/// One bit for each lane that holds a special byte.
#[inline]
fn special_lanes(lanes: [u8; LANES]) -> u32 {
    let lanes = u8x16::new(lanes);
    let quote = lanes.simd_eq(u8x16::splat(b'"'));
    let escape = lanes.simd_eq(u8x16::splat(b'\\'));
    let highest = u8x16::splat(0x1f);
    let control = lanes.max(highest).simd_eq(highest);
    (quote | escape | control).to_bitmask()
}

/// The same for what is shorter than a register.
#[inline]
fn special_tail(text: &[u8], from: usize) -> usize {
    let tail = text.get(from..).unwrap_or_default();
    tail.iter().position(|&b| is_special(b)).map_or(text.len(), |i| from + i)
}

/// Whether `byte` cannot stand for itself in a JSON string.
#[inline]
pub(crate) fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

//! Finding the next byte that ends or interrupts a string's body, sixteen bytes at a time.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into `dispatch!` does not get the instructions of this CPU"
)]

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch, mask8x16, u8x16};

const LANES: usize = 16;
const PAIR: usize = 2 * LANES;
const BLOCK: usize = 2 * PAIR;

/// Returns the first place from `at` on with a quote, a backslash or a control character; the
/// text's length if there is none.
#[inline]
pub(crate) fn special(text: &[u8], at: usize) -> usize {
    find::<false>(text, at)
}

/// Returns the first place from `at` on with such a byte, or with one that is not printable ASCII.
#[inline]
pub(crate) fn special_or_wide(text: &[u8], at: usize) -> usize {
    find::<true>(text, at)
}

/// Returns the first special place from `at` on, if it is within the next sixteen bytes.
#[inline]
pub(crate) fn near(text: &[u8], at: usize) -> Option<usize> {
    let found = special_lanes::<false>(*text.get(at..)?.first_chunk()?);
    (found != 0).then(|| at + found.trailing_zeros() as usize)
}

/// Copies `text` into `place`, which has its length, if nothing in it is special; returns whether
/// it did. Nearly all strings are plain, and checking that is faster than finding the place. With
/// `WIDE`, bytes that are not printable ASCII count as special, too.
#[inline(always)]
pub(crate) fn copy_plain<const WIDE: bool>(text: &[u8], place: &mut [u8]) -> bool {
    if text.len() < 8 {
        return copy_few::<WIDE>(text, place);
    }
    if text.len() < LANES {
        let [first, last] = copy_ends(text, place).map(u64::from_le_bytes).map(u128::from);
        return is_plain_word::<WIDE>(first | last << 64);
    }
    if text.len() < PAIR {
        let [first, last] = copy_ends(text, place);
        return dispatch!(
            Level::baseline(),
            simd => !pair_marked::<_, WIDE>(simd, &first, &last)
        );
    }
    copy_long::<WIDE>(text, place)
}

/// Does the same for fewer than eight bytes.
#[inline(always)]
fn copy_few<const WIDE: bool>(text: &[u8], place: &mut [u8]) -> bool {
    if text.len() >= 4 {
        let [first, last] = copy_ends(text, place).map(u32::from_le_bytes).map(u128::from);
        let word = first | last << 32;
        return is_plain_word::<WIDE>(word | word << 64);
    }
    if text.len() >= 2 {
        let [first, last] = copy_ends(text, place).map(u16::from_le_bytes).map(u128::from);
        let word = first | last << 16;
        return is_plain_word::<WIDE>(word | word << 32 | word << 64 | word << 96);
    }
    text.iter().zip(place).all(|(&byte, place)| {
        *place = byte;
        !(is_special(byte) || WIDE && byte >= 0x7f)
    })
}

/// Copies `text`, which is short, into `place`, which has its length.
#[inline]
pub(crate) fn copy_short(text: &[u8], place: &mut [u8]) {
    match text.len() {
        8..=16 => drop(copy_ends::<8>(text, place)),
        4..8 => drop(copy_ends::<4>(text, place)),
        2..4 => drop(copy_ends::<2>(text, place)),
        _ => place.copy_from_slice(text),
    }
}

#[inline]
fn is_plain_word<const WIDE: bool>(word: u128) -> bool {
    special_lanes::<WIDE>(word.to_le_bytes()) == 0
}

/// Out of line: its callers write many a short text for a long one.
#[inline(never)]
fn copy_long<const WIDE: bool>(text: &[u8], place: &mut [u8]) -> bool {
    dispatch!(Level::baseline(), simd => copy_blocks::<_, WIDE>(simd, text, place))
}

/// Copies at least [`PAIR`] bytes. The last block overlaps those before it.
#[inline(always)]
fn copy_blocks<S: Simd, const WIDE: bool>(simd: S, text: &[u8], place: &mut [u8]) -> bool {
    if text.len() <= BLOCK {
        let [first, last] = copy_ends::<PAIR>(text, place);
        return !block_marked::<S, WIDE>(simd, &first, &last);
    }
    for (block, place) in text.as_chunks::<BLOCK>().0.iter().zip(place.as_chunks_mut().0) {
        // Here and not after the loop: the compiler would call `memcpy` for the rest.
        if copy_block::<S, WIDE>(simd, block, place) {
            return false;
        }
    }
    let (Some(block), Some(place)) = (text.last_chunk(), place.last_chunk_mut()) else {
        return false;
    };
    !copy_block::<S, WIDE>(simd, block, place)
}

/// Copies a block; returns whether something in it is special.
#[inline(always)]
fn copy_block<S: Simd, const WIDE: bool>(
    simd: S,
    block: &[u8; BLOCK],
    place: &mut [u8; BLOCK],
) -> bool {
    let block = *block;
    *place = block;
    let (Some(first), Some(last)) = (block.first_chunk(), block.last_chunk()) else { return true };
    block_marked::<S, WIDE>(simd, first, last)
}

/// Returns whether something in four registers is special, with one test for all.
#[inline(always)]
fn block_marked<S: Simd, const WIDE: bool>(simd: S, first: &[u8; PAIR], last: &[u8; PAIR]) -> bool {
    let lanes = |pair: &[u8; PAIR]| -> mask8x16<S> {
        let ends: [&[u8; LANES]; 2] =
            [pair.first_chunk(), pair.last_chunk()].map(|end| end.unwrap_or(&[0; LANES]));
        marked::<S, WIDE>(simd, ends[0]) | marked::<S, WIDE>(simd, ends[1])
    };
    (lanes(first) | lanes(last)).any_true()
}

/// Returns whether something in two registers is special, with one test for both.
#[inline(always)]
fn pair_marked<S: Simd, const WIDE: bool>(
    simd: S,
    first: &[u8; LANES],
    last: &[u8; LANES],
) -> bool {
    (marked::<S, WIDE>(simd, first) | marked::<S, WIDE>(simd, last)).any_true()
}

/// Copies `text`, of `N` to `2 * N` bytes, as two pieces of `N` that overlap.
#[inline]
fn copy_ends<const N: usize>(text: &[u8], place: &mut [u8]) -> [[u8; N]; 2] {
    let ends = [text.first_chunk(), text.last_chunk()].map(|end| *end.unwrap_or(&[0; N]));
    if let Some(first) = place.first_chunk_mut() {
        *first = ends[0];
    }
    if let Some(last) = place.last_chunk_mut() {
        *last = ends[1];
    }
    ends
}

#[inline]
fn find<const WIDE: bool>(text: &[u8], mut at: usize) -> usize {
    while let Some(lanes) = text.get(at..).and_then(<[u8]>::first_chunk::<LANES>) {
        let found = special_lanes::<WIDE>(*lanes);
        if found != 0 {
            return at + found.trailing_zeros() as usize;
        }
        at += LANES;
    }
    let tail = text.get(at..).unwrap_or_default();
    if tail_is_plain::<WIDE>(tail) { text.len() } else { at + first::<WIDE>(tail) }
}

/// Returns one bit for each lane that holds a special byte.
#[inline]
fn special_lanes<const WIDE: bool>(lanes: [u8; LANES]) -> u64 {
    // Instructions that every CPU of this kind has: a choice at run time would cost more than 16
    // bytes do.
    dispatch!(Level::baseline(), simd => marked::<_, WIDE>(simd, &lanes).to_bitmask())
}

/// Returns the lanes that hold a special byte.
#[inline(always)]
fn marked<S: Simd, const WIDE: bool>(simd: S, lanes: &[u8; LANES]) -> mask8x16<S> {
    let lanes = u8x16::from_slice(simd, lanes);
    // The XOR moves the quote, 0x22, to the place of the space: right after the control characters.
    let found = lanes.simd_eq(b'\\') | (lanes ^ 0x02).simd_le(0x20);
    if WIDE { found | lanes.simd_ge(0x7f) } else { found }
}

/// Returns whether text shorter than a register is plain: most strings in most texts.
#[inline]
fn tail_is_plain<const WIDE: bool>(tail: &[u8]) -> bool {
    if let (Some(first), Some(last)) = (tail.first_chunk(), tail.last_chunk()) {
        let [first, last] = [u64::from_le_bytes(*first), u64::from_le_bytes(*last)].map(u128::from);
        return is_plain_word::<WIDE>(first | last << 64);
    }
    if let (Some(first), Some(last)) = (tail.first_chunk(), tail.last_chunk()) {
        let [first, last] = [u32::from_le_bytes(*first), u32::from_le_bytes(*last)].map(u128::from);
        let word = first | last << 32;
        return is_plain_word::<WIDE>(word | word << 64);
    }
    !tail.iter().any(|&byte| is_special(byte) || WIDE && byte >= 0x7f)
}

fn first<const WIDE: bool>(tail: &[u8]) -> usize {
    let found = tail.iter().position(|&byte| is_special(byte) || WIDE && byte >= 0x7f);
    found.unwrap_or(tail.len())
}

/// Returns whether `byte` cannot stand for itself in a JSON string.
#[inline]
pub(crate) fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

#[cfg(test)]
mod tests {
    use super::{copy_plain, is_special, special, special_or_wide};

    /// Calls `copy_plain`, and checks that it copied everything if it returns true.
    fn is_plain<const WIDE: bool>(text: &[u8]) -> bool {
        let mut place = vec![0; text.len()];
        let plain = copy_plain::<WIDE>(text, &mut place);
        assert!(!plain || place == text);
        plain
    }

    /// Every byte at every place of strings of every short length is found or passed over just as
    /// by looking at each byte.
    #[test]
    fn every_byte_at_every_place() {
        for length in 1..140 {
            for place in 0..length {
                for byte in 0..=u8::MAX {
                    let mut text = vec![b'x'; length];
                    text[place] = byte;
                    let found = if is_special(byte) { place } else { length };
                    assert_eq!(special(&text, 0), found, "{byte} at {place} of {length}");
                    assert_eq!(is_plain::<false>(&text), found == length, "{byte} at {place}");
                    let found = if byte >= 0x7f { place } else { found };
                    assert_eq!(special_or_wide(&text, 0), found, "{byte} at {place} of {length}");
                    assert_eq!(is_plain::<true>(&text), found == length, "{byte} at {place}");
                }
            }
        }
    }
}

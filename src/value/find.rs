//! Finding the next byte that ends or interrupts a string's body, sixteen bytes at a time.

use wide::u8x16;

const LANES: usize = 16;

/// The first place from `at` on that holds a quote, a backslash or a control character;
/// the text's length if there is none.
#[inline]
pub(crate) fn special(text: &[u8], at: usize) -> usize {
    find::<false>(text, at)
}

/// The same, stopping also at what is not printable ASCII.
#[inline]
pub(crate) fn special_or_wide(text: &[u8], at: usize) -> usize {
    find::<true>(text, at)
}

/// Whether nothing at all in `text` is special: nearly all strings are, and to know it takes less
/// than to look for the place. `WIDE`: what is not printable ASCII counts too.
#[inline]
pub(crate) fn is_plain<const WIDE: bool>(text: &[u8]) -> bool {
    let Some(last) = text.last_chunk() else { return tail_is_plain::<WIDE>(text) };
    let (registers, _) = text.as_chunks();
    // The last register overlaps the one before it.
    let is_plain = |lanes: &[u8; LANES]| special_lanes::<WIDE>(*lanes) == 0;
    registers.iter().all(is_plain) && is_plain(last)
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

/// One bit for each lane that holds a special byte.
#[inline]
fn special_lanes<const WIDE: bool>(lanes: [u8; LANES]) -> u32 {
    let lanes = u8x16::new(lanes);
    let quote = lanes.simd_eq(u8x16::splat(b'"'));
    let escape = lanes.simd_eq(u8x16::splat(b'\\'));
    let highest = u8x16::splat(0x1f);
    let control = lanes.max(highest).simd_eq(highest);
    let found = quote | escape | control;
    if !WIDE {
        return found.to_bitmask();
    }
    let wide = lanes.max(u8x16::splat(0x7f)).simd_eq(lanes);
    (found | wide).to_bitmask()
}

/// Whether nothing special is in what is shorter than a register: most strings in most texts.
#[inline]
fn tail_is_plain<const WIDE: bool>(tail: &[u8]) -> bool {
    if let (Some(first), Some(last)) = (tail.first_chunk(), tail.last_chunk()) {
        let [first, last] = [u64::from_le_bytes(*first), u64::from_le_bytes(*last)].map(u128::from);
        return special_lanes::<WIDE>((first | last << 64).to_le_bytes()) == 0;
    }
    if let (Some(first), Some(last)) = (tail.first_chunk(), tail.last_chunk()) {
        let [first, last] = [u32::from_le_bytes(*first), u32::from_le_bytes(*last)].map(u128::from);
        let word = first | last << 32;
        return special_lanes::<WIDE>((word | word << 64).to_le_bytes()) == 0;
    }
    !tail.iter().any(|&byte| is_special(byte) || WIDE && byte >= 0x7f)
}

fn first<const WIDE: bool>(tail: &[u8]) -> usize {
    let found = tail.iter().position(|&byte| is_special(byte) || WIDE && byte >= 0x7f);
    found.unwrap_or(tail.len())
}

/// Whether `byte` cannot stand for itself in a JSON string.
#[inline]
pub(crate) fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

#[cfg(test)]
mod tests {
    use super::{is_plain, is_special, special, special_or_wide};

    /// Every byte at every place of strings of every short length is found, or passed over, as one
    /// look at each byte would.
    #[test]
    fn every_byte_at_every_place() {
        for length in 1..40 {
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

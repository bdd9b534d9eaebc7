//! The end of a list or dict, found 64 bytes at a time without looking at single characters.
//!
//! Each block becomes bit masks, one bit a byte: first which quotes are real (not escaped), then what
//! lies between them; only brackets outside of strings are looked at one by one.

use wide::u8x16;

use crate::error::{Error, Result};

const BLOCK: usize = 64;
const LANES: usize = 16;

/// The place behind the list or dict that opens at `start`.
///
/// `open` is memory for the brackets, lent so that it is not allocated for each value.
pub(super) fn container_end(text: &[u8], start: usize, open: &mut Vec<u8>) -> Result<usize> {
    open.clear();
    let mut state = State::default();
    let mut at = start;
    while let Some(block) = text.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
        if let Some(end) = state.block(block, at, open)? {
            return Ok(end);
        }
        at += BLOCK;
    }
    // Spaces change nothing, and the end of the file is found by the brackets left open.
    let mut last = [b' '; BLOCK];
    let tail = text.get(at..).unwrap_or_default();
    last[..tail.len()].copy_from_slice(tail);
    let end = state.block(&last, at, open)?;
    end.ok_or(Error::Syntax { what: "the file is cut off", at: text.len() })
}

/// What one block leaves to the next.
#[derive(Default)]
struct State {
    /// All ones if the block ended inside a string.
    in_string: u64,
    /// One if the block ended with a backslash that escapes the next byte.
    escaped: u64,
}

impl State {
    /// Takes in one block; the end of the value if it lies in there.
    #[inline]
    fn block(
        &mut self,
        block: &[u8; BLOCK],
        at: usize,
        open: &mut Vec<u8>,
    ) -> Result<Option<usize>> {
        let masks = Masks::of(block);
        let quotes = masks.quote & !self.escaped_bytes(masks.backslash);
        let strings = prefix_xor(quotes) ^ self.in_string;
        self.in_string = 0_u64.wrapping_sub(strings >> 63);
        let bad = masks.control & (strings | !white(block, masks.control));
        let mut brackets = masks.bracket & !strings;
        while brackets != 0 {
            let bit = brackets.trailing_zeros() as usize;
            brackets &= brackets - 1;
            if balance(block[bit], open, at + bit)? {
                let before = (1_u64 << bit) - 1;
                return controls(bad & before, at).map(|()| Some(at + bit + 1));
            }
        }
        controls(bad, at).map(|()| None)
    }

    /// The bytes that a backslash before them escapes.
    #[inline]
    fn escaped_bytes(&mut self, backslash: u64) -> u64 {
        if backslash == 0 {
            return std::mem::take(&mut self.escaped);
        }
        let alone = backslash & backslash << 1 == 0 && self.escaped & backslash == 0;
        if !alone {
            return self.escaped_runs(backslash);
        }
        let escaped = backslash << 1 | self.escaped;
        self.escaped = backslash >> 63;
        escaped
    }

    /// The same where backslashes follow each other: one that is escaped does not escape.
    #[cold]
    fn escaped_runs(&mut self, backslash: u64) -> u64 {
        let mut escaped = std::mem::take(&mut self.escaped);
        let mut escaping = backslash & !escaped;
        while escaping != 0 {
            let next = (escaping & escaping.wrapping_neg()) << 1;
            if next == 0 {
                self.escaped = 1;
            }
            escaped |= next;
            escaping &= escaping - 1;
            escaping &= !next;
        }
        escaped
    }
}

/// Takes in one bracket; whether it was the one that closes the value.
#[inline]
fn balance(bracket: u8, open: &mut Vec<u8>, at: usize) -> Result<bool> {
    if matches!(bracket, b'[' | b'{') {
        open.push(bracket);
        return Ok(false);
    }
    // In ASCII a closing bracket comes two places after the opening one.
    match open.pop() {
        Some(opening) if opening + 2 == bracket => Ok(open.is_empty()),
        _ => Err(Error::Syntax { what: "a bracket that does not match", at }),
    }
}

#[inline]
fn controls(bad: u64, at: usize) -> Result<()> {
    if bad == 0 {
        return Ok(());
    }
    Err(Error::Syntax { what: "a control character", at: at + bad.trailing_zeros() as usize })
}

/// Which of the `control` characters are white space.
#[inline]
fn white(block: &[u8; BLOCK], control: u64) -> u64 {
    if control == 0 {
        return 0;
    }
    let is_white = |lanes: u8x16| {
        lanes.simd_eq(u8x16::splat(b'\n'))
            | lanes.simd_eq(u8x16::splat(b'\r'))
            | lanes.simd_eq(u8x16::splat(b'\t'))
    };
    bits(&quarters(block).map(is_white))
}

/// Each bit tells whether an odd number of bits is set up to and with its place.
#[inline]
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// Where in a block the bytes are that matter.
struct Masks {
    quote: u64,
    backslash: u64,
    /// All four kinds of brackets.
    bracket: u64,
    control: u64,
}

impl Masks {
    #[inline]
    fn of(block: &[u8; BLOCK]) -> Self {
        let lanes = quarters(block);
        let highest = u8x16::splat(0x1f);
        // `[` and `{`, `]` and `}` differ in this bit only.
        let case = u8x16::splat(0x20);
        Self {
            quote: bits(&lanes.map(|l| l.simd_eq(u8x16::splat(b'"')))),
            backslash: rare_bits(&lanes.map(|l| l.simd_eq(u8x16::splat(b'\\')))),
            bracket: bits(&lanes.map(|l| {
                let l = l | case;
                l.simd_eq(u8x16::splat(b'{')) | l.simd_eq(u8x16::splat(b'}'))
            })),
            control: rare_bits(&lanes.map(|l| l.max(highest).simd_eq(highest))),
        }
    }
}

#[inline]
fn quarters(block: &[u8; BLOCK]) -> [u8x16; 4] {
    let (lanes, _) = block.as_chunks::<LANES>();
    [lanes[0], lanes[1], lanes[2], lanes[3]].map(u8x16::new)
}

#[inline]
fn bits(quarters: &[u8x16; 4]) -> u64 {
    let [a, b, c, d] = quarters.map(|q| u64::from(q.to_bitmask()));
    a | b << 16 | c << 32 | d << 48
}

/// The same for bytes that most blocks have none of: one look, then the four.
#[inline]
fn rare_bits(quarters: &[u8x16; 4]) -> u64 {
    let [a, b, c, d] = *quarters;
    if (a | b | c | d).to_bitmask() == 0 { 0 } else { bits(quarters) }
}

//! The end of a list or dict, found 64 bytes at a time without looking at single characters.
//!
//! Each block becomes bit masks, one bit a byte: first the real (unescaped) quotes, then what lies
//! between them; only brackets outside strings are looked at one by one.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into `dispatch!` does not get the instructions of this CPU"
)]

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch, u8x64};

use crate::error::{Error, Result};
use crate::value::masks::{BLOCK, Masks};
use crate::value::strings::Strings;

/// The end of a list or dict, and what was seen on the way.
#[derive(Clone, Copy)]
pub(super) struct End {
    /// The place after it.
    pub(super) at: usize,
    /// Zero if all of it is ASCII; may be nonzero on account of what follows right after it. (Not a
    /// `bool`: moving a struct with padding costs a stall for each value.)
    pub(super) wide: u64,
}

/// Finds the list or dict that opens at `start`.
///
/// `level` is what the CPU supports; `open` is memory for the brackets, lent so that it is not
/// allocated for each value.
pub(super) fn container_end(
    level: Level,
    text: &[u8],
    start: usize,
    open: &mut Vec<u8>,
) -> Result<End> {
    open.clear();
    dispatch!(level, simd => end(simd, text, start, open))
}

#[inline(always)]
fn end<S: Simd>(simd: S, text: &[u8], start: usize, open: &mut Vec<u8>) -> Result<End> {
    let mut state = State::default();
    let mut at = start;
    while let Some(block) = text.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
        if let Some(end) = state.block(simd, block, at, open)? {
            return Ok(End { at: end, wide: state.wide });
        }
        at += BLOCK;
    }
    // Padding with spaces changes nothing, and the end of the file shows by brackets left open.
    let mut last = [b' '; BLOCK];
    let tail = text.get(at..).unwrap_or_default();
    last[..tail.len()].copy_from_slice(tail);
    match state.block(simd, &last, at, open)? {
        Some(end) => Ok(End { at: end, wide: state.wide }),
        None => Err(Error::Syntax { what: "the file is cut off", at: text.len() }),
    }
}

/// What one block passes on to the next.
#[derive(Default)]
struct State {
    strings: Strings,
    /// Not zero once there was a byte beyond ASCII.
    wide: u64,
}

impl State {
    /// Scans one block; returns the end of the value if it is there.
    #[inline(always)]
    fn block<S: Simd>(
        &mut self,
        simd: S,
        block: &[u8; BLOCK],
        at: usize,
        open: &mut Vec<u8>,
    ) -> Result<Option<usize>> {
        let masks = Masks::of(simd, block);
        self.wide |= masks.wide;
        let strings = self.strings.block(masks.quote, masks.backslash).inside;
        let bad = masks.control & (strings | !white(simd, block, masks.control));
        let mut brackets = (masks.open | masks.close) & !strings;
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
}

/// Handles one bracket; returns whether it closes the value.
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

/// Returns which of the `control` characters are white space.
#[inline(always)]
fn white<S: Simd>(simd: S, block: &[u8; BLOCK], control: u64) -> u64 {
    if control == 0 {
        return 0;
    }
    let lanes = u8x64::from_slice(simd, block);
    (lanes.simd_eq(b'\n') | lanes.simd_eq(b'\r') | lanes.simd_eq(b'\t')).to_bitmask()
}

//! Recognises lists and dicts that are plain JSON in one line, by bit masks of 64 bytes at a time.
//!
//! A text is valid if each of its tokens may follow the one before. So, for each kind of token, the
//! bits of all tokens of this kind are moved over white space to the tokens that follow, and must
//! fall on tokens that may follow. Whether a key or a value follows a comma depends on the brackets
//! around it; only brackets, escapes, and numbers of more than digits are looked at one by one.
//!
//! All other texts (line breaks, `NaN`, errors) are left to [`walk`](super::walk).

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into `dispatch!` does not get the instructions of this CPU"
)]

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch};

use super::masks::{BLOCK, Masks};
use super::nesting::{Nesting, Shape};
use super::scalar::{escape_is_good, scalar_end};
use super::strings::{Found, Strings};

/// Recognises that `text`, a list or dict, is strict JSON in one line, except for its UTF-8.
/// Returns `None` if it needs a closer look.
pub(super) fn validate_fast(text: &[u8]) -> Option<Validated> {
    match text.first() {
        Some(b'{' | b'[') => {}
        _ => return None,
    }
    let level = Level::new();
    dispatch!(level, simd => all(simd, text))
}

/// The properties of a plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validated {
    /// Whether all of it is ASCII.
    pub(super) ascii: bool,
}

#[inline(always)]
fn all<S: Simd>(simd: S, text: &[u8]) -> Option<Validated> {
    let mut state = State { text, ..State::default() };
    // Kept apart from the state, which stays in registers as long as its address is not taken.
    let mut open = Nesting::default();
    let (blocks, tail) = text.as_chunks::<BLOCK>();
    for block in blocks {
        state.block(&Masks::of(simd, block), &mut open)?;
        state.at += BLOCK;
    }
    // Padding with spaces changes nothing.
    let mut last = [b' '; BLOCK];
    last[..tail.len()].copy_from_slice(tail);
    state.block(&Masks::of(simd, &last), &mut open)?;
    state.closed.then_some(Validated { ascii: state.wide == 0 })
}

/// The state between two blocks.
#[derive(Default)]
struct State<'t> {
    text: &'t [u8],
    /// The place where the block begins.
    at: usize,
    strings: Strings,
    /// One if the block ended inside a key.
    in_key: u64,
    /// One if the block ended inside a number or a word.
    in_scalar: u64,
    /// The place where the last number or literal began, and the place up to which it was checked.
    scalar: usize,
    checked: usize,
    wants_key: Next,
    wants_value: Next,
    wants_colon: Next,
    /// Whether a comma or a closing bracket must follow.
    wants_more: Next,
    /// Whether the outermost bracket was closed.
    closed: bool,
    /// Not zero once there was a byte beyond ASCII.
    wide: u64,
}

impl State<'_> {
    /// Reads one block; `None` if it is not plain.
    #[inline(always)]
    fn block(&mut self, masks: &Masks, open: &mut Nesting) -> Option<()> {
        if masks.control != 0 || self.closed && masks.space != !0 {
            return None;
        }
        self.wide |= masks.wide;
        let strings = self.strings.block(masks.quote, masks.backslash);
        if strings.escaped != 0 {
            escapes(self.text, self.at, strings.escaped)?;
        }
        if strings.inside == !0 && strings.quotes == 0 {
            return Some(()); // the middle of a long string
        }
        let words = Words::of(masks, strings);
        let dicts = self.brackets(&words, open)?;
        let run = words.scalar << 1 | std::mem::replace(&mut self.in_scalar, words.scalar >> 63);
        let (scalars, behind) = (words.scalar & !run, run & !words.scalar);
        self.scalars(words.scalar, scalars, masks)?;

        // A key follows where a dict opens or goes on; a value where a list does, and after a
        // colon.
        let begun = words.open | words.comma;
        let keys = self.wants_key.follow(begun & dicts, 0, words.space);
        let values = self.wants_value.follow(begun & !dicts | words.colon, 0, words.space);
        let strings_begin = strings.quotes & strings.inside;
        let (key_ends, value_ends) = self.string_ends(strings, keys & strings_begin);
        let colons = self.wants_colon.follow(key_ends, 0, words.space);
        let more = self.wants_more.follow(value_ends | words.close, behind, words.space);
        // A closing bracket after a comma is detected where brackets are looked at.
        let bad = keys & !(strings_begin | words.close)
            | values & !(strings_begin | scalars | words.open | words.close)
            | colons & !words.colon
            | more & !(words.comma | words.close);
        (bad == 0).then_some(())
    }

    /// Reads all brackets; returns the places at which the innermost bracket is a dict's.
    #[inline(always)]
    fn brackets(&mut self, words: &Words, open: &mut Nesting) -> Option<u64> {
        let mut dicts = if open.top() == Some(Shape::Dict) { !0 } else { 0 };
        let mut brackets = words.open | words.close;
        while brackets != 0 {
            let bit = brackets.trailing_zeros();
            brackets &= brackets - 1;
            let from = !0_u64 << bit;
            bracket(self.text, self.at + bit as usize, open)?;
            dicts = match open.top() {
                Some(Shape::Dict) => dicts | from,
                Some(Shape::List) => dicts & !from,
                None => {
                    self.closed = true;
                    // Nothing may follow.
                    return (words.space | !(from << 1) == !0).then_some(dicts);
                }
            };
        }
        Some(dicts)
    }

    /// Checks numbers and literals that are more than digits. `all` are their bytes, `begin` the
    /// first of each.
    #[inline(always)]
    fn scalars(&mut self, all: u64, begin: u64, masks: &Masks) -> Option<()> {
        let zeros = begin & masks.zero & (masks.digit >> 1 | 1 << 63);
        let mut odd = all & !masks.digit | zeros;
        odd &= self.from(self.checked);
        while odd != 0 {
            let bit = odd.trailing_zeros();
            let start = self.last(begin & !0 >> (63 - bit)).unwrap_or(self.scalar);
            self.checked = scalar_end(self.text, start)?;
            if self.checked <= self.at + bit as usize {
                return None;
            }
            odd &= self.from(self.checked);
        }
        self.scalar = self.last(begin).unwrap_or(self.scalar);
        Some(())
    }

    /// Returns the bits of this block from `place` on.
    #[inline]
    fn from(&self, place: usize) -> u64 {
        match place.saturating_sub(self.at) {
            bits @ ..BLOCK => !0 << bits,
            _ => 0,
        }
    }

    /// The place of the last bit.
    #[inline]
    fn last(&self, bits: u64) -> Option<usize> {
        (bits != 0).then(|| self.at + 63 - bits.leading_zeros() as usize)
    }

    /// Returns the closing quotes of keys, whose opening ones are `keys`, and those of other
    /// strings.
    #[inline(always)]
    fn string_ends(&mut self, strings: Found, keys: u64) -> (u64, u64) {
        // Adding a bit where a run of ones begins carries it to the end of the run.
        let (sum, over) = strings.inside.overflowing_add(keys | self.in_key);
        self.in_key = u64::from(over);
        let ends = strings.quotes & !strings.inside;
        (ends & sum, ends & !sum)
    }
}

/// Checks what follows backslashes in the block at `at`.
#[cold]
fn escapes(text: &[u8], at: usize, mut escaped: u64) -> Option<()> {
    while escaped != 0 {
        let letter = at + escaped.trailing_zeros() as usize;
        escape_is_good(text, letter).then_some(())?;
        escaped &= escaped - 1;
    }
    Some(())
}

/// Reads one bracket.
#[inline(always)]
fn bracket(text: &[u8], at: usize, open: &mut Nesting) -> Option<()> {
    let shape = match text[at] {
        b'{' => return open.push(Shape::Dict).ok(),
        b'[' => return open.push(Shape::List).ok(),
        b'}' => Shape::Dict,
        _ => Shape::List,
    };
    let before = text[..at].iter().rev().find(|byte| **byte != b' ');
    if open.top() != Some(shape) || matches!(before, Some(b',' | b':')) {
        return None;
    }
    open.pop();
    Some(())
}

/// A token that must come next when a block begins: one, else zero.
#[derive(Default)]
struct Next(u64);

impl Next {
    /// Returns the first bytes of the tokens that follow those which end with `ends` or right
    /// before `behind`.
    #[inline(always)]
    fn follow(&mut self, ends: u64, behind: u64, space: u64) -> u64 {
        let next = ends << 1 | self.0 | behind;
        let (moved, over) = space.overflowing_add(next & space);
        self.0 = ends >> 63 | u64::from(over);
        (next | moved) & !space
    }
}

/// The tokens outside strings in a block.
struct Words {
    space: u64,
    open: u64,
    close: u64,
    comma: u64,
    colon: u64,
    /// Numbers and literals: everything that is nothing else.
    scalar: u64,
}

impl Words {
    #[inline(always)]
    fn of(masks: &Masks, strings: Found) -> Self {
        let outside = !strings.inside;
        let [space, open, close, comma, colon] =
            [masks.space, masks.open, masks.close, masks.comma, masks.colon].map(|m| m & outside);
        let known = strings.quotes | space | open | close | comma | colon;
        Self { space, open, close, comma, colon, scalar: outside & !known }
    }
}

//! The nesting of lists and dicts.

use super::MAX_DEPTH;
use crate::error::{Error, Result};

/// A list or a dict.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    List,
    Dict,
}

/// The open brackets: one bit for each level.
#[derive(Default)]
pub(super) struct Nesting {
    dicts: [u64; MAX_DEPTH.div_ceil(64)],
    depth: usize,
}

impl Nesting {
    pub(super) fn push(&mut self, shape: Shape) -> Result<()> {
        if self.depth == MAX_DEPTH {
            return Err(Error::TooDeep { limit: MAX_DEPTH });
        }
        let (word, bit) = (self.depth / 64, 1 << (self.depth % 64));
        match shape {
            Shape::Dict => self.dicts[word] |= bit,
            Shape::List => self.dicts[word] &= !bit,
        }
        self.depth += 1;
        Ok(())
    }

    #[inline]
    pub(super) fn top(&self) -> Option<Shape> {
        let level = self.depth.checked_sub(1)?;
        let dict = self.dicts[level / 64] >> (level % 64) & 1 == 1;
        Some(if dict { Shape::Dict } else { Shape::List })
    }

    pub(super) fn pop(&mut self) {
        self.depth -= 1;
    }
}

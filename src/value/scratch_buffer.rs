//! A buffer for texts with spare room, so that appending a short piece takes a store or two.

use super::find::{copy_plain, copy_short};
use crate::memory::OutOfMemory;

/// Bytes that grow at the end, as in a `Vec`. The spare room is initialised, so that writing there
/// needs no `unsafe`, and one check of the length serves several pieces.
#[derive(Debug, Default)]
pub struct ScratchBuffer {
    /// The written bytes, and the spare room after them.
    bytes: Vec<u8>,
    end: usize,
}

impl ScratchBuffer {
    /// Makes an empty buffer, which takes no memory.
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), end: 0 }
    }

    /// The written bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.end]
    }

    /// The number of bytes that it holds before it must grow.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        self.end = 0;
    }

    /// Removes everything after the first `len` bytes.
    pub fn rewind(&mut self, len: usize) {
        self.end = len.min(self.end);
    }

    /// Appends `text`.
    #[inline]
    pub fn put(&mut self, text: &[u8]) {
        self.room(text.len()).copy_from_slice(text);
        self.end += text.len();
    }

    /// Appends `text`, without a call of `memcpy`.
    #[inline]
    pub fn short(&mut self, text: &[u8]) {
        copy_short(text, self.room(text.len()));
        self.end += text.len();
    }

    /// Appends `before`, `text` and `behind` if there is room for them and nothing in `text` is
    /// special; returns whether it did. It calls no function, so it needs no stack.
    #[inline]
    pub fn framed<const WIDE: bool, const A: usize, const B: usize>(
        &mut self,
        before: &[u8; A],
        text: &[u8],
        behind: &[u8; B],
    ) -> bool {
        let whole = A + text.len() + B;
        let room = self.bytes.get_mut(self.end..).and_then(|room| room.get_mut(..whole));
        let Some(room) = room else { return false };
        let (head, rest) = room.split_at_mut(A);
        let (body, foot) = rest.split_at_mut(text.len());
        head.copy_from_slice(before);
        foot.copy_from_slice(behind);
        let plain = copy_plain::<WIDE>(text, body);
        if plain {
            self.end += whole;
        }
        plain
    }

    /// Returns the spare room.
    #[inline]
    pub fn spare(&mut self) -> &mut [u8] {
        &mut self.bytes[self.end..]
    }

    /// Appends the first `more` bytes of the spare room, as they are.
    ///
    /// # Panics
    /// If there is less room.
    #[inline]
    pub fn advance(&mut self, more: usize) {
        assert!(more <= self.bytes.len() - self.end, "what was written fits the room");
        self.end += more;
    }

    /// Returns the next `more` bytes to write.
    #[inline]
    fn room(&mut self, more: usize) -> &mut [u8] {
        if self.bytes.len() - self.end < more {
            self.grow(more);
        }
        &mut self.bytes[self.end..][..more]
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, more: usize) {
        let least = self.end.saturating_add(more);
        let wanted = least.max(self.bytes.len().saturating_mul(2)).max(256);
        for size in [wanted, least] {
            if self.bytes.try_reserve_exact(size - self.bytes.len()).is_ok() {
                self.bytes.resize(size, 0);
                return;
            }
        }
        OutOfMemory::unwind();
    }
}

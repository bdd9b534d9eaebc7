//! Bytes that several owners share: keys, and the texts of results.

use bytes::Bytes;

use crate::memory::OutOfMemory;

/// Returns `text` as bytes that are shared from the start. A short one takes one allocation, of its
/// size: `Bytes::from` makes a second one as soon as it is cloned, and each key and text is.
pub fn shared(text: &[u8]) -> Bytes {
    match text.len() {
        ..32 => Bytes::from_owner(Short::<31>::of(text)),
        32..64 => Bytes::from_owner(Short::<63>::of(text)),
        64..128 => Bytes::from_owner(Short::<127>::of(text)),
        _ => Bytes::from_owner(copy(text)),
    }
}

/// Returns a copy in memory of exactly its size; unwinds if there is none.
fn copy(text: &[u8]) -> Vec<u8> {
    let mut copy = Vec::new();
    if copy.try_reserve_exact(text.len()).is_err() {
        OutOfMemory::unwind();
    }
    copy.extend_from_slice(text);
    copy
}

/// The bytes of a short text, where it is.
struct Short<const MOST: usize> {
    bytes: [u8; MOST],
    length: u8,
}

impl<const MOST: usize> Short<MOST> {
    #[inline]
    fn of(text: &[u8]) -> Self {
        let mut bytes = [0; MOST];
        bytes[..text.len()].copy_from_slice(text);
        Self { bytes, length: u8::try_from(text.len()).expect("it is shorter than 128 bytes") }
    }
}

impl<const MOST: usize> AsRef<[u8]> for Short<MOST> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

#[cfg(test)]
mod tests {
    use super::shared;

    /// Shared bytes, of whatever length, are those that were given, and so are their clones.
    #[test]
    fn shared_bytes_are_the_text() {
        let text: Vec<u8> = (0..=u8::MAX).collect();
        for length in 0..=text.len() {
            let bytes = shared(&text[..length]);
            let clone = bytes.clone();
            drop(bytes);
            assert_eq!(clone, text[..length]);
        }
    }
}

//! Long texts are compressed (Zstandard): fewer pages are read, written and kept.
//!
//! A text that is compressed begins with Zstandard's magic number, which no JSON text does.

use std::borrow::Cow;

use zstd_safe::{CCtx, DCtx};

use crate::sync::{Mutex, rank};

/// The length of a text, in bytes, from which it is compressed: half a page of the database. Longer
/// ones take pages of their own; shorter ones gain little, and would take far longer to read.
const LONG: usize = 4 << 10;
/// The level at which texts are compressed. Higher ones gain less than they take.
const LEVEL: i32 = 1;
/// What a compressed text begins with.
const MAGIC: [u8; 4] = zstd_safe::MAGICNUMBER.to_le_bytes();
/// How many decompressors are kept: some 100 kB each.
const MOST: usize = 4;

// Making one takes longer than what it does to a page. A fork waits until nobody holds one.
static COMPRESSOR: Mutex<Option<CCtx<'static>>, { rank::LEAF }> = Mutex::new(None);
static DECOMPRESSORS: Mutex<Vec<DCtx<'static>>, { rank::LEAF }> = Mutex::new(Vec::new());

/// Returns `text` compressed; `None` if it is short, or hardly gets shorter.
pub fn packed(text: &[u8]) -> Option<Vec<u8>> {
    if text.len() < LONG {
        return None;
    }
    let mut packed = Vec::new();
    // NOTE: where it does not fit into three quarters, it is not worth the time of each reading.
    packed.try_reserve_exact(text.len() / 4 * 3).ok()?;
    let idle = COMPRESSOR.lock().take();
    let mut compressor = idle.or_else(CCtx::try_create)?;
    let done = compressor.compress(&mut packed, text, LEVEL);
    *COMPRESSOR.lock() = Some(compressor);
    done.ok()?;
    packed.shrink_to_fit();
    Some(packed)
}

/// Returns the text of `size` bytes that is `stored`; `None` if it is not what was written.
pub fn unpacked(stored: &[u8], size: i64) -> Option<Cow<'_, [u8]>> {
    if !stored.starts_with(&MAGIC) {
        return Some(Cow::Borrowed(stored));
    }
    let size = usize::try_from(size).ok()?;
    // A changed number must not ask for memory without end.
    if zstd_safe::get_frame_content_size(stored).ok()? != Some(size as u64) {
        return None;
    }
    let mut text = Vec::new();
    text.try_reserve_exact(size).ok()?;
    let idle = DECOMPRESSORS.lock().pop();
    let mut decompressor = idle.or_else(DCtx::try_create)?;
    let done = decompressor.decompress(&mut text, stored);
    let mut idle = DECOMPRESSORS.lock();
    if idle.len() < MOST {
        idle.push(decompressor);
    }
    (done == Ok(size)).then_some(Cow::Owned(text))
}

#[cfg(test)]
mod tests {
    use super::{LONG, MAGIC, packed, unpacked};

    fn size(text: &[u8]) -> i64 {
        i64::try_from(text.len()).expect("it is short")
    }

    /// A long text comes back from less than half of its length.
    #[test]
    fn a_long_text_comes_back() {
        let text = br#"{"name": "value"}, "#.repeat(1000);
        let packed = packed(&text).expect("it is long");
        assert!(packed.len() < text.len() / 2, "{}", packed.len());
        assert_eq!(unpacked(&packed, size(&text)).as_deref(), Some(&text[..]));
    }

    /// A short text, and one that hardly gets shorter, are written as they are.
    #[test]
    fn what_gains_nothing_is_left_alone() {
        let mut number = 1_u64;
        let noise = std::iter::repeat_with(|| {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            number.to_le_bytes()[7]
        });
        let noise: Vec<u8> = noise.take(2 * LONG).collect();
        for text in [&b" ".repeat(LONG - 1)[..], &noise, b"", b"1"] {
            assert_eq!(packed(text), None);
            assert_eq!(unpacked(text, size(text)).as_deref(), Some(text));
        }
    }

    /// No change of a bit, of the size or of the length gives another text, or takes more memory
    /// than a text of that size.
    #[test]
    fn a_damaged_text_is_noticed_or_whole() {
        let text = br#"{"name": "value"}, "#.repeat(500);
        let packed = packed(&text).expect("it is long");
        for wrong in [0, -1, i64::MAX, size(&text) - 1, size(&text) + 1] {
            assert_eq!(unpacked(&packed, wrong), None);
        }
        assert_eq!(unpacked(&packed[..packed.len() - 1], size(&text)), None);
        for bit in 8 * MAGIC.len()..8 * packed.len() {
            let mut changed = packed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            // What is decompressed all the same fails the checksum of its row.
            let text = unpacked(&changed, size(&text));
            assert!(text.is_none_or(|it| it.len() == 9500), "bit {bit}");
        }
    }
}

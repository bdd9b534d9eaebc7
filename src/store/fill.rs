//! Memory for a whole file: read in pieces, each looked at while it is in the CPU's cache.
//!
//! Getting fresh memory from the system, page by page of 4 KB, takes longer than reading 100 MB
//! into it and finding all entries. Huge pages (2 MB) make it cheap, where the system has them.

use std::io::{self, ErrorKind};

use bytes::Bytes;
use memmap2::MmapMut;

use super::free_memory;

/// The smallest size, in bytes, that is worth huge pages.
const LARGE: usize = 4 << 20;
/// How many bytes are read at once: a part of the CPU's second cache.
const PIECE: usize = 1 << 18;

/// Reads `length` bytes, or as many as there are, if they fit into memory. `piece` reads once at a
/// place in the file; `look` is shown everything that is there after each piece.
pub fn fill(
    length: u64,
    piece: impl FnMut(u64, &mut [u8]) -> io::Result<usize>,
    look: impl FnMut(&[u8]),
) -> io::Result<Bytes> {
    free_memory::check(length)?;
    let wanted = usize::try_from(length).unwrap_or(usize::MAX);
    if let Some(mut memory) = huge(wanted) {
        let filled = fill_memory(&mut memory, piece, look)?;
        return Ok(Bytes::from_owner(memory).slice(..filled));
    }
    let mut memory = Vec::new();
    memory.try_reserve_exact(wanted).map_err(|_| ErrorKind::OutOfMemory)?;
    memory.resize(wanted, 0);
    let filled = fill_memory(&mut memory, piece, look)?;
    memory.truncate(filled);
    Ok(memory.into())
}

/// Returns memory in huge pages, filled with zeros; `None` if that is not worth it, or not
/// available.
fn huge(length: usize) -> Option<MmapMut> {
    let memory = (length >= LARGE).then(|| MmapMut::map_anon(length).ok())??;
    // Without huge pages it is ordinary memory.
    #[cfg(target_os = "linux")]
    let _ = memory.advise(memmap2::Advice::HugePage);
    Some(memory)
}

/// Reads until `memory` is full or nothing is left; returns how many bytes it read.
fn fill_memory(
    memory: &mut [u8],
    mut piece: impl FnMut(u64, &mut [u8]) -> io::Result<usize>,
    mut look: impl FnMut(&[u8]),
) -> io::Result<usize> {
    let mut filled = 0;
    while filled < memory.len() {
        let end = memory.len().min(filled + PIECE);
        match piece(filled as u64, &mut memory[filled..end]) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        look(&memory[..filled]);
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::{LARGE, PIECE, fill};

    /// Whatever the size, what is there is read, never more than was asked for, and shown on the
    /// way.
    #[test]
    fn as_many_bytes_as_there_are() {
        let all: Vec<u8> = (0..=u8::MAX).cycle().take(LARGE + 1000).collect();
        for (there, wanted) in [(0, 0), (1, 1), (9, 5), (PIECE, LARGE), (LARGE + 9, LARGE + 1000)] {
            let mut shown = 0;
            let piece = |start: u64, into: &mut [u8]| {
                let start = usize::try_from(start).unwrap();
                let more = into.len().min(there - start).min(PIECE / 2 + 1);
                into[..more].copy_from_slice(&all[start..start + more]);
                Ok(more)
            };
            let read = fill(wanted as u64, piece, |text| {
                assert!(text.len() > shown && *text == all[..text.len()]);
                shown = text.len();
            });
            assert!(read.unwrap() == all[..there.min(wanted)]);
            assert_eq!(shown, there.min(wanted));
        }
    }
}

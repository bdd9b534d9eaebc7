//! Memory for what is read: huge pages for what is large.
//!
//! To get fresh memory from the system, page by page of 4 KB, takes longer than to read 100 MB into
//! it and to find all entries. Huge pages (2 MB) make it cheap, where the system has them.

use std::io::{self, ErrorKind, Read};

use bytes::Bytes;
use memmap2::MmapMut;

/// Less than this is not worth the system calls.
const LARGE: usize = 4 << 20;
/// How much is read at once.
const PIECE: usize = 1 << 18;

/// Reads `length` bytes, or as many as there are.
pub fn read(from: impl Read, length: u64) -> io::Result<Bytes> {
    let wanted = usize::try_from(length).unwrap_or(usize::MAX);
    let Some(mut memory) = huge(wanted) else {
        let mut bytes = Vec::with_capacity(wanted);
        from.take(length).read_to_end(&mut bytes)?;
        return Ok(bytes.into());
    };
    let filled = fill(from, &mut memory)?;
    Ok(Bytes::from_owner(memory).slice(..filled))
}

/// Memory in huge pages, filled with zeros; `None` if that is not worth it, or cannot be had.
fn huge(length: usize) -> Option<MmapMut> {
    let memory = (length >= LARGE).then(|| MmapMut::map_anon(length).ok())??;
    // Without them it is memory all the same.
    #[cfg(target_os = "linux")]
    let _ = memory.advise(memmap2::Advice::HugePage);
    Some(memory)
}

/// Reads until `memory` is full or nothing is left; how much it was.
fn fill(mut from: impl Read, memory: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < memory.len() {
        let end = memory.len().min(filled + PIECE);
        match from.read(&mut memory[filled..end]) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::{LARGE, read};

    /// Whatever the size, what is there is read, and no more than was asked for.
    #[test]
    fn as_many_bytes_as_there_are() {
        let all: Vec<u8> = (0..=u8::MAX).cycle().take(LARGE + 1000).collect();
        for length in [0, 1, LARGE - 1, LARGE, LARGE + 1000] {
            assert!(read(&all[..], length as u64).unwrap() == all[..length]);
            assert!(read(&all[..length], all.len() as u64).unwrap() == all[..length]);
        }
    }
}

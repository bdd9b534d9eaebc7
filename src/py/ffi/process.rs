//! What processes share: memory, and the moment of a fork.

use pyo3::ffi;
use pyo3::prelude::*;
use std::fs::File;
use std::io;
use std::slice;
use std::sync::atomic::AtomicU64;

use memmap2::{MmapOptions, MmapRaw};

use crate::store::Memory;

/// Memory behind a file that other processes write to.
#[derive(Debug)]
struct Shared {
    map: MmapRaw,
    /// Protects against a cut of the file. IMPORTANT: it must be dropped before the map; `Drop`
    /// sees to it.
    #[cfg(unix)]
    guarded: Option<super::cut::Guarded>,
}

#[cfg(unix)]
impl Drop for Shared {
    fn drop(&mut self) {
        self.guarded = None;
    }
}

impl Memory for Shared {
    #[cfg(unix)]
    fn let_go(&self) {
        if self.guarded.is_some() {
            super::cut::put_empty_page(self.map.as_ptr() as usize);
        }
    }

    #[expect(
        clippy::cast_ptr_alignment,
        reason = "a map begins where a page does, and it is checked"
    )]
    fn words(&self) -> &[AtomicU64] {
        let start = self.map.as_mut_ptr().cast::<AtomicU64>();
        assert!(start.is_aligned());
        // SAFETY: the map has the stated length, is aligned (checked above), and lives as long as
        // `self`; any bits are a number. It is read-only, and only the kernel changes it, so it may
        // be looked at through atomics, which are only loaded from (`Page` has no store). The file
        // covers all of it; if the file is cut, zeros replace it.
        unsafe { slice::from_raw_parts(start, self.map.len() / size_of::<AtomicU64>()) }
    }
}

/// Maps the first `length` bytes of a file for reading.
pub fn share(file: &File, length: usize) -> io::Result<Box<dyn Memory>> {
    let map = MmapOptions::new().len(length).map_raw_read_only(file)?;
    #[cfg(unix)]
    let guarded = super::cut::Guarded::new(map.as_ptr() as usize);
    #[cfg(unix)]
    if guarded.is_none() {
        return Err(io::Error::other("too many files are mapped"));
    }
    Ok(Box::new(Shared {
        map,
        #[cfg(unix)]
        guarded,
    }))
}

/// Registers fork handlers with the C library. It calls `before` in the thread that is about to
/// fork, and then, in that thread, `parent` and `child`, each in its process.
#[cfg(unix)]
pub fn at_fork(
    before: unsafe extern "C" fn(),
    parent: unsafe extern "C" fn(),
    child: unsafe extern "C" fn(),
) {
    // SAFETY: all are functions of this module, which CPython never unloads, and safe to call.
    // A failure (no memory) leaves forks as they are.
    unsafe { nix::libc::pthread_atfork(Some(before), Some(parent), Some(child)) };
}

/// There are no forks here.
#[cfg(not(unix))]
pub fn at_fork(_: unsafe extern "C" fn(), _: unsafe extern "C" fn(), _: unsafe extern "C" fn()) {}

/// Returns whether this is not a sub-interpreter.
pub fn is_main_interpreter(_: Python<'_>) -> bool {
    // SAFETY: the interpreter is attached, and lives as long as this call.
    unsafe { ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()) == 0 }
}

//! Memory held back for the moment when there is none: then a call raises `MemoryError`.
//!
//! Where Rust cannot have a few bytes it ends the process, and hardly any code can say otherwise.
//! So small pieces get what was held back, and the next call says that there is no more. Large
//! pieces, whose sizes come from a file or a result, are asked for with `try_reserve` instead.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;

/// So much is held back: many times what a call takes in small pieces. It takes addresses only,
/// no memory, as long as nobody writes there.
const RESERVE: Layout = Layout::new::<[u8; 4 << 20]>();
/// A larger piece gets nothing of it.
const SMALL: usize = 256 << 10;

/// What is held back; null while it is given up.
static HELD: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());
/// Whether it was given up, and no call has said so since.
static IS_TOUCHED: AtomicBool = AtomicBool::new(false);

#[global_allocator]
static ALLOCATOR: Reserving = Reserving;

/// The system's allocator, with a reserve.
struct Reserving;

// SAFETY: all memory is the system allocator's; what it refused is only asked for once more.
unsafe impl GlobalAlloc for Reserving {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract, here and below.
        or_of_the_reserve(layout.size(), || unsafe { System.alloc(layout) })
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        or_of_the_reserve(layout.size(), || unsafe { System.alloc_zeroed(layout) })
    }

    #[inline]
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above; memory that could not grow is as it was, so it may be tried again.
        or_of_the_reserve(size, || unsafe { System.realloc(memory, layout, size) })
    }

    #[inline]
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// What `ask` gives; for a small piece with the reserve's help, if need be.
#[inline]
fn or_of_the_reserve(size: usize, ask: impl Fn() -> *mut u8) -> *mut u8 {
    let memory = ask();
    if memory.is_null() && size <= SMALL && give_up() { ask() } else { memory }
}

/// Gives the reserve to whoever asks next; `false` if that was done before.
#[cold]
#[inline(never)]
fn give_up() -> bool {
    let held = HELD.swap(ptr::null_mut(), Ordering::AcqRel);
    if held.is_null() {
        return false;
    }
    IS_TOUCHED.store(true, Ordering::Release);
    // SAFETY: the system's allocator gave it in this layout, and the swap has given it to us alone.
    unsafe { System.dealloc(held, RESERVE) };
    true
}

/// Holds memory back, unless there is none to be had.
pub fn hold() {
    // SAFETY: the layout is not empty.
    let memory = unsafe { System.alloc(RESERVE) };
    if memory.is_null() {
        return;
    }
    IS_TOUCHED.store(false, Ordering::Release);
    let old = HELD.swap(memory, Ordering::AcqRel);
    if !old.is_null() {
        // SAFETY: as in `give_up`.
        unsafe { System.dealloc(old, RESERVE) };
    }
}

/// `MemoryError` if the reserve was touched since the last call.
#[inline]
pub fn check_memory() -> PyResult<()> {
    if IS_TOUCHED.load(Ordering::Relaxed) { Err(out_of_memory()) } else { Ok(()) }
}

#[cold]
fn out_of_memory() -> PyErr {
    hold();
    memory_error()
}

/// What a call raises for which there is no memory.
pub fn memory_error() -> PyErr {
    PyMemoryError::new_err("there is no memory left for a memoised call")
}

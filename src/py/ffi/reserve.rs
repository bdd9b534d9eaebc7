//! Memory held back for when there is none left: then a call raises `MemoryError`.
//!
//! When Rust cannot allocate a few bytes it ends the process, and hardly any code can avoid it. So
//! small allocations get what was held back, and the next call reports that there is no more. Large
//! allocations, whose sizes come from a file or a result, use `try_reserve` instead.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;

/// The size of the reserve: many times what a call allocates in small pieces. It takes only
/// addresses, no memory, as long as nobody writes there.
const RESERVE: Layout = Layout::new::<[u8; 4 << 20]>();
/// An allocation of this size, or a larger one, gets nothing of it.
const LARGE: usize = 256 << 10;

/// The reserve; null while it is given up.
static HELD: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());
/// Whether it was given up, and no call has reported it since.
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

/// Returns the result of `ask`; for a small allocation, with the help of the reserve if need be.
#[inline]
fn or_of_the_reserve(size: usize, ask: impl Fn() -> *mut u8) -> *mut u8 {
    let memory = ask();
    if memory.is_null() && size < LARGE && give_up() { ask() } else { memory }
}

/// Releases the reserve for the next allocation; returns `false` if that was done before.
#[cold]
#[inline(never)]
fn give_up() -> bool {
    let held = HELD.swap(ptr::null_mut(), Ordering::AcqRel);
    if held.is_null() {
        return false;
    }
    IS_TOUCHED.store(true, Ordering::Release);
    // SAFETY: the system's allocator returned it in this layout, and the swap has given it to us
    // alone.
    unsafe { System.dealloc(held, RESERVE) };
    true
}

/// Holds memory back, unless there is none.
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

/// Raises `MemoryError` if the reserve was touched since the last call.
#[inline]
pub fn check_memory() -> PyResult<()> {
    if IS_TOUCHED.load(Ordering::Relaxed) { Err(out_of_memory()) } else { Ok(()) }
}

/// Holds memory back again if the reserve was touched; raises `MemoryError` if there is none. For
/// what had better be done than refused, such as a save.
pub fn renew() -> PyResult<()> {
    if IS_TOUCHED.load(Ordering::Relaxed) {
        hold();
    }
    if IS_TOUCHED.load(Ordering::Relaxed) { Err(memory_error()) } else { Ok(()) }
}

#[cold]
fn out_of_memory() -> PyErr {
    hold();
    memory_error()
}

/// Returns the error of a call for which there is no memory.
pub fn memory_error() -> PyErr {
    PyMemoryError::new_err("there is no memory left for a memoised call")
}

//! How deep calls may go: as deep as Python lets C functions go, and as the thread's stack allows.

use std::cell::Cell;
use std::ptr;

use pyo3::exceptions::PyRecursionError;
use pyo3::ffi;
use pyo3::prelude::*;

/// How many bytes of a stack are left for the called function, if it has twice as much.
const RESERVE: usize = 48 << 10;

/// How many computations of tasks may wait for each other at most: each notes all that wait for it.
const TASKS: usize = 10_000;

/// How many bytes of a stack the import of our own modules needs where they have no bytecode yet:
/// Python 3.14's parser says `MemoryError` where it has less.
const IMPORTS: usize = 128 << 10;

/// One level of calls; dropping it leaves the level.
#[must_use = "dropped the level is left"]
pub struct Level<'py>(Python<'py>);

impl Drop for Level<'_> {
    fn drop(&mut self) {
        // SAFETY: the interpreter is attached, and `enter` has entered this level.
        unsafe { ffi::Py_LeaveRecursiveCall() };
    }
}

/// Enters a deeper level, as a C function that Python calls does; `RecursionError` if that is too
/// deep, or if less than an eighth of the stack is left.
#[inline]
pub fn enter(py: Python<'_>) -> PyResult<Level<'_>> {
    check_stack()?;
    // SAFETY: the interpreter is attached; the text ends with a NUL.
    if unsafe { ffi::Py_EnterRecursiveCall(c" in a memoised call".as_ptr()) } != 0 {
        return Err(PyErr::fetch(py));
    }
    Ok(Level(py))
}

/// Raises `RecursionError` if this thread is near the end of its stack.
#[inline]
pub fn check_stack() -> PyResult<()> {
    if stack_left() == 0 { Err(too_little()) } else { Ok(()) }
}

#[cold]
#[inline(never)]
fn too_little() -> PyErr {
    PyRecursionError::new_err("too little stack is left for a memoised call")
}

/// Raises `RecursionError` if as many computations of tasks wait for this one, each for the next, as
/// Python allows levels of calls. Each has a stack of its own, so nothing else ends such a recursion
/// before the memory does.
pub fn check_tasks(py: Python<'_>, waiting: usize) -> PyResult<()> {
    if waiting < TASKS.min(python_limit(py)) {
        return Ok(());
    }
    Err(PyRecursionError::new_err("maximum recursion depth exceeded in memoised coroutines"))
}

/// Returns the limit that `sys.setrecursionlimit` set.
fn python_limit(_: Python<'_>) -> usize {
    // SAFETY: it only reads a number; the interpreter is attached.
    usize::try_from(unsafe { ffi::Py_GetRecursionLimit() }).unwrap_or(usize::MAX)
}

/// Whether so little stack is left that modules of ours may not be imported on it, and that a
/// `RecursionError` says nothing of the values which our Python code was given.
pub fn is_small_stack() -> bool {
    stack_left() < IMPORTS
}

/// Returns how deep calls may go by Python's own count, where that is all that bounds them: since
/// CPython 3.12 calls through C are bounded by the stack, or have a limit of their own.
pub fn recursion_limit(py: Python<'_>) -> Option<usize> {
    if cfg!(Py_3_12) { None } else { Some(python_limit(py)) }
}

/// Returns how many bytes of this thread's stack may still be used.
pub fn stack_left() -> usize {
    thread_local!(static FLOOR: Cell<usize> = const { Cell::new(0) });
    let here = 0_u8;
    let here = ptr::from_ref(&here).addr();
    let floor = match FLOOR.get() {
        0 => {
            // One where nothing is known: no address is below it.
            let floor =
                stack().map_or(1, |(end, size)| end + (size / 8).max(RESERVE.min(size / 2)));
            FLOOR.set(floor);
            floor
        }
        floor => floor,
    };
    here.saturating_sub(floor)
}

/// Returns the lowest address of this thread's stack, and its size.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn stack() -> Option<(usize, usize)> {
    use nix::libc;
    use std::mem::MaybeUninit;
    let mut attributes = MaybeUninit::uninit();
    let (mut end, mut size) = (ptr::null_mut(), 0);
    // SAFETY: the attributes are filled in before they are read, and destroyed once.
    unsafe {
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
            return None;
        }
        let failed = libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut end, &raw mut size);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        (failed == 0).then(|| grown(end.addr(), size))
    }
}

/// Returns the same of a stack that has grown to the limit of the process. musl tells of the main
/// thread's only what the system has given it so far.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn grown(end: usize, size: usize) -> (usize, usize) {
    use nix::libc;
    /// At the top of the main thread's stack, or above it, lie the words and variables that the
    /// program began with; others' stacks are far below.
    const NEAR: usize = 16 << 20;
    /// What is counted on where there is no limit.
    const MOST: usize = 64 << 20;
    let top = end + size;
    // SAFETY: it only reads what the system gave the program at its start.
    let start = unsafe { libc::getauxval(libc::AT_EXECFN) };
    let is_main = usize::try_from(start).is_ok_and(|start| (end..top + NEAR).contains(&start));
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: it fills in the limit that it is given.
    let known = unsafe { libc::getrlimit(libc::RLIMIT_STACK, &raw mut limit) } == 0;
    if !cfg!(target_env = "musl") || !is_main || !known {
        return (end, size);
    }
    let size = size.max(usize::try_from(limit.rlim_cur).unwrap_or(MOST).min(MOST));
    (top.saturating_sub(size), size)
}

/// Returns the lowest address of this thread's stack, and its size.
#[cfg(target_os = "macos")]
fn stack() -> Option<(usize, usize)> {
    use nix::libc;
    // SAFETY: both only read what this thread knows of itself.
    let (top, size) = unsafe {
        let thread = libc::pthread_self();
        (libc::pthread_get_stackaddr_np(thread), libc::pthread_get_stacksize_np(thread))
    };
    Some((top.addr().checked_sub(size)?, size))
}

/// Returns None: this system does not tell.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "macos")))]
fn stack() -> Option<(usize, usize)> {
    None
}

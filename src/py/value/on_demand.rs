//! Modules of ours that calls import on demand, in threads whose stacks are too small for an import.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread::Builder;
use std::time::Duration;

use pyo3::prelude::*;

use crate::py::ffi::is_small_stack;

/// The stack of the thread that imports, in bytes.
const STACK: usize = 2 << 20;
/// How long an import is waited for: modules that are being imported above this very call would
/// never be there.
const PATIENCE: Duration = Duration::from_secs(10);

/// Has a thread with a larger stack import everything, once in a process, if this thread's stack is
/// too small for an import.
#[inline]
pub fn prepare(py: Python<'_>, import_all: fn(Python<'_>) -> PyResult<()>) {
    if is_small_stack() {
        import_elsewhere(py, import_all);
    }
}

#[cold]
fn import_elsewhere(py: Python<'_>, import_all: fn(Python<'_>) -> PyResult<()>) {
    static DONE: AtomicBool = AtomicBool::new(false);
    if DONE.swap(true, Ordering::Relaxed) {
        return;
    }
    let (done, is_done) = channel();
    let import = move || {
        let _ = Python::try_attach(import_all); // what is missing is imported by whoever needs it
        let _ = done.send(()); // whoever asked may have waited long enough
    };
    let named = Builder::new().name("outlive-import".to_owned()).stack_size(STACK);
    if named.spawn(import).is_ok() {
        let _ = py.detach(move || is_done.recv_timeout(PATIENCE));
    }
}

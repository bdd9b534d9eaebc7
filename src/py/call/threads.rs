//! The names of threads that compute, for messages about waiting for them.

use std::collections::BTreeMap;

use pyo3::prelude::*;

use crate::flight::this_thread;
use crate::py::value::callbacks;
use crate::sync::OfProcess;

/// Python's identifiers of threads, by our numbers.
///
/// NOTE: a thread that ends comes here without the interpreter.
static IDENTIFIERS: OfProcess<BTreeMap<u64, u64>> = OfProcess::new(BTreeMap::new());

/// Notes this thread's identifier, once; it is forgotten when the thread ends.
pub fn note(py: Python<'_>) -> PyResult<()> {
    struct Noted(u64);
    impl Drop for Noted {
        fn drop(&mut self) {
            IDENTIFIERS.with(|all| all.remove(&self.0));
        }
    }
    thread_local!(static NOTED: std::cell::OnceCell<Noted> = const { std::cell::OnceCell::new() });
    if NOTED.try_with(|noted| noted.get().is_some()).unwrap_or(true) {
        return Ok(());
    }
    let identifier = callbacks::thread_identifier(py)?.extract()?;
    IDENTIFIERS.with(|all| all.insert(this_thread(), identifier));
    let _ = NOTED.try_with(|noted| drop(noted.set(Noted(this_thread()))));
    Ok(())
}

/// Returns the user's name of the thread with this number.
pub fn name(py: Python<'_>, number: u64) -> PyResult<String> {
    match IDENTIFIERS.with(|all| all.get(&number).copied()) {
        Some(identifier) => callbacks::thread_name(py, identifier)?.extract(),
        None => Ok("another thread".to_owned()),
    }
}

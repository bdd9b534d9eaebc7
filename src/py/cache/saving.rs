//! Saving while another process may save. The interpreter is released meanwhile, and Ctrl-C ends
//! it.

use std::time::{Duration, Instant};

use pyo3::prelude::*;

use super::PyCache;
use super::notifier::Notifier;
use crate::error::Result;

/// How long a save waits for another process.
const LONGEST: Duration = Duration::from_secs(5);

/// Tries until nobody is in the way; gives up after some seconds with a warning.
pub fn patiently(
    py: Python<'_>,
    notifier: &Notifier,
    attempt: impl Fn() -> Result<()> + Sync,
) -> PyResult<Result<()>> {
    let begun = Instant::now();
    loop {
        let done = py.detach(&attempt);
        if !matches!(&done, Err(error) if error.is_busy()) {
            return Ok(done);
        }
        if begun.elapsed() > LONGEST {
            notifier.tell_stuck(py, LONGEST)?;
            return Ok(done);
        }
        pause(py)?;
    }
}

/// Writes what another process was in the way of.
pub fn settle(py: Python<'_>, cache: &PyCache) -> PyResult<()> {
    while cache.saver().settle().is_err_and(|error| error.is_busy()) {
        pause(py).inspect_err(|_| cache.saver().stop_waiting())?;
    }
    Ok(())
}

/// Lets other threads run for a moment.
fn pause(py: Python<'_>) -> PyResult<()> {
    py.detach(|| std::thread::sleep(Duration::from_millis(2)));
    py.check_signals()
}

//! Receipts of all runs, for Python.

use std::path::PathBuf;

use pyo3::prelude::*;

use crate::store::{KeptReceipts, Receipts};

/// Returns what the file beside the cache at `path` says of each function: calls, hits, misses,
/// seconds saved, cost saved.
#[pyfunction]
pub fn read_receipts(py: Python<'_>, path: PathBuf) -> PyResult<Receipts> {
    Ok(py.detach(|| KeptReceipts::beside(path).read())?)
}

/// Adds `news` to the file beside the cache at `path`.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "PyO3 makes it of a dict, and hands it over")]
pub fn add_receipts(py: Python<'_>, path: PathBuf, news: Receipts) -> PyResult<()> {
    Ok(py.detach(|| KeptReceipts::beside(path).add(&news))?)
}

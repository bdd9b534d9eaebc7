//! Values that are made once for all calls, even while another thread forks.
//!
//! PyO3's `intern!` and `get_or_init` release the interpreter while they hold the cell: a child
//! that another thread forks at that moment would wait for the cell for ever. Here a value is made
//! first and put into its cell in one step; two threads may both make one, and the first stays.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyString;

/// Returns what `cell` holds, or what `make` makes.
#[inline]
pub fn get_or_make<'c, T>(
    cell: &'c PyOnceLock<T>,
    py: Python<'_>,
    make: impl FnOnce() -> PyResult<T>,
) -> PyResult<&'c T> {
    if let Some(found) = cell.get(py) {
        return Ok(found);
    }
    let value = make()?;
    // Another thread may have been first.
    let _ = cell.set(py, value);
    Ok(cell.get(py).expect("it was set just now"))
}

/// Returns the str `text`, interned; `cell` keeps it.
#[inline]
pub fn interned<'py>(
    cell: &'static PyOnceLock<Py<PyString>>,
    py: Python<'py>,
    text: &str,
) -> &'py Bound<'py, PyString> {
    let name = get_or_make(cell, py, || Ok(PyString::intern(py, text).unbind()));
    name.expect("nothing fails in making it").bind(py)
}

/// The str of a literal, made once.
macro_rules! intern {
    ($py:expr, $text:expr) => {{
        static NAME: pyo3::sync::PyOnceLock<pyo3::Py<pyo3::types::PyString>> =
            pyo3::sync::PyOnceLock::new();
        $crate::py::value::once::interned(&NAME, $py, $text)
    }};
}
pub(crate) use intern;

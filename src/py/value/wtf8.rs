//! Python strings as WTF-8 and back: UTF-8 that may hold lone surrogates.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::py::ffi::{ascii, utf8};

/// Calls `with` with the text of `string`; borrowed from the object unless it holds surrogates.
pub fn with_wtf8<R>(string: &Bound<'_, PyString>, with: impl FnOnce(&[u8]) -> R) -> PyResult<R> {
    if let Some(utf8) = utf8(string) {
        return Ok(with(utf8.as_bytes()));
    }
    let encoded = string.call_method1("encode", ("utf-8", "surrogatepass"))?;
    Ok(with(encoded.cast::<PyBytes>()?.as_bytes()))
}

/// Returns the Python string of a WTF-8 text.
#[inline]
pub fn from_wtf8<'py>(py: Python<'py>, wtf8: &[u8]) -> PyResult<Bound<'py, PyString>> {
    ascii(py, wtf8).unwrap_or_else(|| other_from_wtf8(py, wtf8))
}

fn other_from_wtf8<'py>(py: Python<'py>, wtf8: &[u8]) -> PyResult<Bound<'py, PyString>> {
    if let Ok(utf8) = std::str::from_utf8(wtf8) {
        return Ok(PyString::new(py, utf8));
    }
    let bytes = PyBytes::new(py, wtf8);
    Ok(bytes.call_method1("decode", ("utf-8", "surrogatepass"))?.cast_into()?)
}

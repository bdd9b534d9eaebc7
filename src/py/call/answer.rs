//! What a call returns.

use pyo3::prelude::*;

use crate::py::hits::row::HitRecord;

/// A value to return, and what the table of hits may remember of it.
pub type Answer<'py> = (Bound<'py, PyAny>, Option<HitRecord>);

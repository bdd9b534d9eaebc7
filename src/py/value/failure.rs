//! Why a text gives no value.

use pyo3::prelude::*;

use crate::error::Error;

/// Why a text gave no value.
#[derive(Debug)]
pub enum Failure {
    /// It is not what it should be.
    Text(Error),
    /// The interpreter refused (out of memory, an interrupt).
    Python(PyErr),
    /// It is of a class that the code does not allow, or that is another than it was.
    Class(PyErr),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Text(error)
    }
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

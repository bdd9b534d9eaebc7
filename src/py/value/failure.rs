//! The reasons why a text has no value.

use pyo3::prelude::*;

use crate::error::Error;

/// The reason why a text has no value.
#[derive(Debug)]
pub enum Failure {
    /// The text is not valid.
    Text(Error),
    /// The interpreter refused (out of memory, an interrupt).
    Python(PyErr),
    /// It is of a class that the code does not allow, or that has changed.
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

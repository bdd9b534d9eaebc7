//! Instances of classes: Python takes them apart and puts them together (`outlive._classes`); the
//! code decides which classes a file may ask for.

use pyo3::exceptions::{PyException, PyMemoryError, PyRecursionError};
use pyo3::prelude::*;

use super::callbacks;
use super::failure::Failure;
use crate::py::ffi::is_small_stack;
use crate::py::value::once::intern;

/// The source of the classes that are allowed: the registration of a function, the state of a
/// cache, or none where neither is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Classes<'a> {
    owner: Option<&'a Py<PyAny>>,
    /// A tuple of classes that the call was given: they come before all others.
    given: Option<&'a Py<PyAny>>,
    /// Whether the owner converts whole results, whatever they are: `dump=` and `load=`.
    takes_all: bool,
}

/// The name under which a result is stored that the function's own `dump=` took apart.
const OWN: &str = "outlive:result";

/// A value that was taken apart.
pub enum Dumped<'py> {
    /// Its key, and its payload.
    Tagged(String, Bound<'py, PyAny>),
    /// Its class is not among those that come back: a description, and advice.
    Refused(String, Option<String>),
}

impl<'py> Dumped<'py> {
    fn of(said: &Bound<'py, PyAny>) -> PyResult<Self> {
        let (name, payload, advice): (Option<String>, Bound<'py, PyAny>, Option<String>) =
            said.extract()?;
        Ok(match name {
            Some(name) => Self::Tagged(name, payload),
            None => Self::Refused(payload.extract()?, advice),
        })
    }
}

impl<'a> Classes<'a> {
    /// The classes that `owner` knows.
    pub fn of(owner: &'a Py<PyAny>) -> Self {
        Self { owner: Some(owner), given: None, takes_all: false }
    }

    /// Adds the classes that the call was given.
    #[must_use]
    pub fn with(self, given: Option<&'a Py<PyAny>>) -> Self {
        Self { given, ..self }
    }

    /// Sets whether the owner converts whole results, whatever they are.
    #[must_use]
    pub fn taking_all(self, takes_all: bool) -> Self {
        Self { takes_all, ..self }
    }

    /// Takes a whole result apart; None if the owner does not convert whole results.
    pub fn dump_all<'py>(self, result: &Bound<'py, PyAny>) -> PyResult<Option<Dumped<'py>>> {
        if !self.takes_all {
            return Ok(None);
        }
        let owner = bound(result.py(), self.owner);
        Dumped::of(&callbacks::dump_all(owner, result)?).map(Some)
    }

    /// Takes `value` apart; raises only errors that have nothing to do with it.
    pub fn dump<'py>(self, value: &Bound<'py, PyAny>) -> PyResult<Dumped<'py>> {
        let py = value.py();
        Dumped::of(&callbacks::dump(bound(py, self.owner), bound(py, self.given), value)?)
    }

    /// Returns the instance of class `name` that was taken apart into `payload`.
    pub fn load<'py>(
        self,
        name: &str,
        payload: &Bound<'py, PyAny>,
    ) -> Result<Bound<'py, PyAny>, Failure> {
        let py = payload.py();
        callbacks::load(bound(py, self.owner), bound(py, self.given), name, payload).map_err(
            |error| {
                if is_the_values(py, &error) {
                    Failure::Class(error)
                } else {
                    Failure::Python(error)
                }
            },
        )
    }

    /// Returns the function's own `load=`, if that makes results of such payloads.
    pub fn loader(self, py: Python<'_>, name: &str) -> PyResult<Option<Py<PyAny>>> {
        let Some(owner) = self.owner.filter(|_| self.takes_all && name == OWN) else {
            return Ok(None);
        };
        let classes = owner.bind(py).getattr(intern!(py, "classes"))?;
        classes.getattr(intern!(py, "load_all")).map(|load| Some(load.unbind()))
    }

    /// Warns, once for each owner, that the entry of `key` has no value, and why.
    pub fn tell(self, py: Python<'_>, key: &str, error: &PyErr) -> PyResult<()> {
        callbacks::tell_class(bound(py, self.owner), key, error.value(py))
    }
}

/// Whether an error in putting a value together says that its entry is no good.
fn is_the_values(py: Python<'_>, error: &PyErr) -> bool {
    let is_the_threads = error.is_instance_of::<PyMemoryError>(py)
        || error.is_instance_of::<PyRecursionError>(py) && is_small_stack();
    error.is_instance_of::<PyException>(py) && !is_the_threads
}

fn bound<'py>(py: Python<'py>, object: Option<&Py<PyAny>>) -> Bound<'py, PyAny> {
    object.map_or_else(|| py.None().into_bound(py), |object| object.bind(py).clone())
}

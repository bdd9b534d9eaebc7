//! Values of classes: Python takes them apart and puts them together (`outlive._classes`); which
//! classes a file may ask for is the code's to say.

use pyo3::exceptions::{PyException, PyMemoryError};
use pyo3::prelude::*;

use super::callbacks;
use super::failure::Failure;
use crate::py::value::once::intern;

/// The source of the classes that are allowed: the registration of a function, the state of a
/// cache, or none where neither is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Classes<'a> {
    owner: Option<&'a Py<PyAny>>,
    /// A tuple of classes that the call was given: they come before all others.
    given: Option<&'a Py<PyAny>>,
    /// Whether the owner takes whole results apart, whatever they are: `dump=` and `load=`.
    takes_all: bool,
}

/// The name under which the result stands that the function's own `dump=` took apart.
const OWN: &str = "outlive:result";

/// A value that was taken apart.
pub enum Dumped<'py> {
    /// The key under which it stands, and its payload.
    Tagged(String, Bound<'py, PyAny>),
    /// Its class is not among those that come back: what it is, and what to do.
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
    /// Those that `owner` knows.
    pub fn of(owner: &'a Py<PyAny>) -> Self {
        Self { owner: Some(owner), given: None, takes_all: false }
    }

    /// And those that the call was given.
    #[must_use]
    pub fn with(self, given: Option<&'a Py<PyAny>>) -> Self {
        Self { given, ..self }
    }

    /// Whether the owner takes whole results apart, whatever they are.
    #[must_use]
    pub fn taking_all(self, takes_all: bool) -> Self {
        Self { takes_all, ..self }
    }

    /// The parts of a whole result; None if it is none that the owner takes apart.
    pub fn dump_all<'py>(self, result: &Bound<'py, PyAny>) -> PyResult<Option<Dumped<'py>>> {
        if !self.takes_all {
            return Ok(None);
        }
        let owner = bound(result.py(), self.owner);
        Dumped::of(&callbacks::dump_all(owner, result)?).map(Some)
    }

    /// The parts of `value`; raises only what has nothing to do with it.
    pub fn dump<'py>(self, value: &Bound<'py, PyAny>) -> PyResult<Dumped<'py>> {
        let py = value.py();
        Dumped::of(&callbacks::dump(bound(py, self.owner), bound(py, self.given), value)?)
    }

    /// The value of class `name` that was taken apart into `payload`.
    pub fn load<'py>(
        self,
        name: &str,
        payload: &Bound<'py, PyAny>,
    ) -> Result<Bound<'py, PyAny>, Failure> {
        let py = payload.py();
        callbacks::load(bound(py, self.owner), bound(py, self.given), name, payload).map_err(
            |error| {
                let is_the_values = error.is_instance_of::<PyException>(py)
                    && !error.is_instance_of::<PyMemoryError>(py);
                if is_the_values { Failure::Class(error) } else { Failure::Python(error) }
            },
        )
    }

    /// What makes results of such payloads, if that is the function's own `load=`.
    pub fn loader(self, py: Python<'_>, name: &str) -> PyResult<Option<Py<PyAny>>> {
        let Some(owner) = self.owner.filter(|_| self.takes_all && name == OWN) else {
            return Ok(None);
        };
        let classes = owner.bind(py).getattr(intern!(py, "classes"))?;
        classes.getattr(intern!(py, "load_all")).map(|load| Some(load.unbind()))
    }

    /// Tells the user, once for each owner, why the entry of `key` has no value.
    pub fn tell(self, py: Python<'_>, key: &str, error: &PyErr) -> PyResult<()> {
        callbacks::tell_class(bound(py, self.owner), key, error.value(py))
    }
}

fn bound<'py>(py: Python<'py>, object: Option<&Py<PyAny>>) -> Bound<'py, PyAny> {
    object.map_or_else(|| py.None().into_bound(py), |object| object.bind(py).clone())
}

//! One call's arguments.

use std::ops::Deref;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::py::ffi::{RawCall, call};

/// The arguments of one call.
pub struct Call<'a, 'py> {
    /// Positional arguments first, then the values of the keywords.
    values: Values<'a, 'py>,
    /// The keywords' names, in the order of their values; `None` if there are none.
    names: Option<Bound<'py, PyTuple>>,
}

/// Values where the caller has them, or owned ones.
enum Values<'a, 'py> {
    Given(&'a [Bound<'py, PyAny>]),
    Own(Vec<Bound<'py, PyAny>>),
}

impl<'py> Deref for Values<'_, 'py> {
    type Target = [Bound<'py, PyAny>];

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Given(values) => values,
            Self::Own(values) => values,
        }
    }
}

impl<'a, 'py> Call<'a, 'py> {
    /// Reads the arguments where CPython put them.
    pub fn from_raw(raw: &RawCall<'a, 'py>) -> Self {
        let names = raw.names().filter(|names| !names.is_empty());
        Self { values: Values::Given(raw.values()), names: names.map(Borrowed::to_owned) }
    }

    /// Makes a call of `*args, **kwargs`.
    pub fn from_python(
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Self> {
        let (mut values, mut names): (Vec<_>, Vec<_>) = (args.iter().collect(), Vec::new());
        for (name, value) in kwargs.into_iter().flatten() {
            names.push(name.cast_into::<PyString>()?);
            values.push(value);
        }
        let names = (!names.is_empty()).then(|| PyTuple::new(args.py(), names)).transpose()?;
        Ok(Self { values: Values::Own(values), names })
    }

    /// A call with None as its keyed argument, after `before` other positional ones, or under
    /// `name`.
    pub fn of_nothing(py: Python<'py>, before: usize, name: Option<&str>) -> PyResult<Self> {
        let count = if name.is_some() { 1 } else { before + 1 };
        let names = name.map(|name| PyTuple::new(py, [name])).transpose()?;
        Ok(Self { values: Values::Own(vec![py.None().into_bound(py); count]), names })
    }

    /// Returns all values; those given by name come last.
    pub fn values(&self) -> &[Bound<'py, PyAny>] {
        &self.values
    }

    /// Returns the names of the last arguments.
    pub fn names(&self) -> Option<&Bound<'py, PyTuple>> {
        self.names.as_ref()
    }

    fn named(&self) -> usize {
        self.names.as_ref().map_or(0, PyTupleMethods::len)
    }

    /// Returns the positional arguments.
    pub fn positional(&self) -> &[Bound<'py, PyAny>] {
        &self.values[..self.values.len() - self.named()]
    }

    /// Returns the keywords and their values.
    pub fn keywords(&self) -> impl Iterator<Item = (Bound<'py, PyString>, &Bound<'py, PyAny>)> {
        let names = self.names.iter().flat_map(PyTupleMethods::iter);
        // CPython makes sure that names are str.
        let names = names.map_while(|name| name.cast_into().ok());
        names.zip(&self.values[self.values.len() - self.named()..])
    }

    /// Returns `*args` for a call of the function itself.
    pub fn args(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.positional())
    }

    /// Returns `**kwargs` for a call of the function itself.
    pub fn kwargs(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        if self.names.is_none() {
            return Ok(None);
        }
        let kwargs = PyDict::new(py);
        for (name, value) in self.keywords() {
            kwargs.set_item(name, value)?;
        }
        Ok(Some(kwargs))
    }

    /// Calls `function` with the arguments as they came: without a tuple or a dict.
    pub fn invoke(&self, function: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        call(function, &self.values, self.names.as_ref())
    }
}

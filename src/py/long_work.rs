//! The parts of which Python builds maps, samples, batches and streams.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::py::call::memoised::Memoised;
use crate::py::ffi::RawCall;
use crate::py::key::arguments::Call;
use crate::py::value::once::intern;
use crate::py::vectorcall::{look_up, look_up_call};

#[pymethods]
impl Memoised {
    /// The kept result of this call, counted as a hit; `missing` if it has to be computed.
    #[pyo3(signature = (missing, /, *args, **kwargs))]
    fn look_up<'py>(
        slf: &Bound<'py, Self>,
        missing: &Bound<'py, PyAny>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (me, py) = (slf.get(), slf.py());
        let found = match kwargs {
            None => look_up(slf, &RawCall::of_tuple(args))?,
            Some(_) => {
                look_up_call(py, me, &Call::from_python(args, kwargs)?)?.map(|(value, _)| value)
            }
        };
        Ok(found.unwrap_or_else(|| missing.clone()))
    }

    /// Calls it with many items, several at once in threads; returns an iterator of the results.
    #[pyo3(signature = (items, /, **options))]
    fn map<'py>(
        slf: &Bound<'py, Self>,
        items: &Bound<'py, PyAny>,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        mapped(slf, intern!(slf.py(), "map"), items, options)
    }

    /// Does what `map` does in tasks of the running event loop; returns an asynchronous iterator.
    #[pyo3(signature = (items, /, **options))]
    fn amap<'py>(
        slf: &Bound<'py, Self>,
        items: &Bound<'py, PyAny>,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        mapped(slf, intern!(slf.py(), "amap"), items, options)
    }

    /// Returns the function for its `index`-th answer to each call, computed and kept separately.
    fn sample<'py>(
        slf: &Bound<'py, Self>,
        index: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let registration = slf.get().registration.bind(slf.py());
        registration.call_method1(intern!(slf.py(), "sample"), (slf, index))
    }
}

/// Hands many calls on to what Python knows of the function.
fn mapped<'py>(
    slf: &Bound<'py, Memoised>,
    name: &Bound<'py, PyString>,
    items: &Bound<'py, PyAny>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    slf.get().registration.bind(slf.py()).call_method(name, (slf, items), options)
}

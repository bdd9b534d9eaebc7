//! Control of single calls: look, put, forget, compute anew.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::py::cache::core::CoreCache;
use crate::py::cache::mode::Mode;
use crate::py::call::context::CallContext;
use crate::py::call::invocation::Answer;
use crate::py::key::arguments::Call;
use crate::py::memoised::Memoised;
use crate::py::task::pending_call;

#[pymethods]
impl Memoised {
    /// The stored result of this call, without computing; None if there is none that is fresh.
    #[pyo3(signature = (*args, **kwargs))]
    fn peek<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let call = Call::from_python(args, kwargs)?;
        Self::stored(slf, &call)
    }

    /// Whether this call has a stored result that is fresh.
    #[pyo3(signature = (*args, **kwargs))]
    fn cache_contains<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<bool> {
        let call = Call::from_python(args, kwargs)?;
        Ok(Self::stored(slf, &call)?.is_some())
    }

    /// Drops the stored result of this call; says whether there was one.
    #[pyo3(signature = (*args, **kwargs))]
    fn forget<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<bool> {
        let (me, py) = (slf.get(), slf.py());
        let key = Self::key_or_raise(slf, &Call::from_python(args, kwargs)?)?;
        let core = me.core.get();
        if CoreCache::mode(me.core.bind(py))? == Mode::Off {
            return Ok(false);
        }
        CoreCache::load_once(me.core.bind(py))?;
        let gone = core.cache().remove(&key, CoreCache::may_write(me.core.bind(py))?);
        core.tell(py)?;
        Ok(gone.is_some())
    }

    /// Keeps `result` as what this call returns: the result first, then the call's arguments.
    #[pyo3(signature = (result, /, *args, **kwargs))]
    fn put<'py>(
        slf: &Bound<'py, Self>,
        result: &Bound<'py, PyAny>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<()> {
        let (me, py) = (slf.get(), slf.py());
        let call = Call::from_python(args, kwargs)?;
        Self::key_or_raise(slf, &call)?;
        let Some(invocation) = me.begin(py, &call, CallContext::thread(py)?)? else {
            return Ok(());
        };
        invocation.keep_given(py, result)
    }

    /// Computes this call anew and keeps the result, whatever is stored.
    #[pyo3(signature = (*args, **kwargs))]
    fn refresh<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (me, py) = (slf.get(), slf.py());
        let call = Call::from_python(args, kwargs)?;
        Self::expect_instance(slf, &call)?;
        if me.suspends {
            return pending_call::call(slf, &call, true).map(|(value, _)| value);
        }
        let Some(mut invocation) = me.begin(py, &call, CallContext::thread(py)?)? else {
            return me.invoke(py, &call);
        };
        invocation.refresh(py)?;
        invocation.fly(py).map(|(value, _): Answer<'py>| value)
    }
}

impl Memoised {
    /// What a hit would return now.
    fn stored<'py>(
        slf: &Bound<'py, Self>,
        call: &Call<'py>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = slf.py();
        Self::key_or_raise(slf, call)?;
        let invocation = slf.get().begin(py, call, CallContext::thread(py)?)?;
        invocation.map_or(Ok(None), |invocation| invocation.peek(py))
    }
}

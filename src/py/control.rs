//! Control of single calls: look, put, forget, compute anew.
//!
//! Such a call is named, not made: it must have a key, or the error says why not.

use bytes::Bytes;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::py::cache::away::away;
use crate::py::cache::core::CoreCache;
use crate::py::cache::mode::Mode;
use crate::py::call::computation::answer;
use crate::py::call::context::CallContext;
use crate::py::call::invocation::Invocation;
use crate::py::call::keeper::Keeper;
use crate::py::call::memoised::Memoised;
use crate::py::call::request::Request;
use crate::py::ffi::check_memory;
use crate::py::key::arguments::Call;
use crate::py::key::maker::NoKey;
use crate::py::task::calling;
use crate::py::value::once::intern;
use crate::py::value::wtf8::from_wtf8;

#[pymethods]
impl Memoised {
    /// The key text of a call with these arguments.
    #[pyo3(signature = (*args, **kwargs))]
    fn cache_key<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let call = Call::from_python(args, kwargs)?;
        let key = Self::key_or_raise(slf, &call)?;
        Ok(from_wtf8(py, &key)?.into_any())
    }

    /// Why this call would be answered from the cache, or computed.
    #[pyo3(signature = (*args, **kwargs))]
    fn explain<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::ask_of_call(slf, intern!(slf.py(), "explain"), &Call::from_python(args, kwargs)?)
    }

    /// Who made the stored result of this call, and when; None if there is none.
    #[pyo3(signature = (*args, **kwargs))]
    fn provenance<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::ask_of_call(slf, intern!(slf.py(), "provenance"), &Call::from_python(args, kwargs)?)
    }

    /// The stored result of this call, without computing; None if there is no fresh one.
    #[pyo3(signature = (*args, **kwargs))]
    fn peek<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let call = Call::from_python(args, kwargs)?;
        Self::stored(slf, &call)
    }

    /// Returns whether this call has a stored result that is fresh.
    #[pyo3(signature = (*args, **kwargs))]
    fn cache_contains<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<bool> {
        let call = Call::from_python(args, kwargs)?;
        Ok(Self::stored(slf, &call)?.is_some())
    }

    /// Forgets the stored result of this call; returns whether there was one.
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
        let _brought = core.file.get().bring().entry(py, &key)?;
        let durable = CoreCache::may_write(me.core.bind(py))?;
        let gone = away(py, core.cache(), |cache| cache.remove(&key, durable));
        core.tell(py)?;
        Ok(gone.is_some())
    }

    /// Keeps `result` as the result of this call: the result comes first, then the call's
    /// arguments.
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
        let Some(request) = Request::begin(py, me, &call, CallContext::thread(py)?)? else {
            return Ok(());
        };
        Keeper { me, request: &request }.keep_given(py, result)
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
        if me.manner.suspends() {
            return calling::call(slf, &call, true).map(|(value, _)| value);
        }
        let Some(mut request) = Request::begin(py, me, &call, CallContext::thread(py)?)? else {
            return me.invoke(py, &call);
        };
        request.anew = true;
        Invocation { me, call: &call, request: &request }.expect_computing(py)?;
        answer(py, me, &call, request).map(|(value, _)| value)
    }
}

impl Memoised {
    /// Asks Python about a call.
    fn ask_of_call<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyString>,
        call: &Call<'_, 'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let key = from_wtf8(py, &Self::key_or_raise(slf, call)?)?;
        slf.get().registration.bind(py).call_method1(name, (slf, key))
    }

    /// Returns what a hit would return now.
    fn stored<'py>(
        slf: &Bound<'py, Self>,
        call: &Call<'_, 'py>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = slf.py();
        Self::key_or_raise(slf, call)?;
        let me = slf.get();
        let request = Request::begin(py, me, call, CallContext::thread(py)?)?;
        let Some(request) = request else { return Ok(None) };
        Invocation { me, call, request: &request }.peek(py)
    }

    /// Returns the error for arguments of `call` that do not fit the function.
    fn misfit(&self, py: Python<'_>, call: &Call<'_, '_>) -> PyResult<PyErr> {
        let inspect = py.import(intern!(py, "inspect"))?;
        let signature = inspect.call_method1("signature", (&self.function,))?;
        let why = match signature.call_method("bind", call.args(py)?, call.kwargs(py)?.as_ref()) {
            Ok(_) => "the arguments do not fit".to_owned(),
            Err(error) => error.value(py).to_string(),
        };
        let shown = signature.to_string();
        let is_method = ["(self", "(cls"].iter().any(|start| shown.starts_with(start));
        let advice = if is_method {
            "; single calls of a method are controlled through the class, with the instance first"
        } else {
            ""
        };
        Ok(PyTypeError::new_err(format!("{}: {why}{advice}", self.name)))
    }

    /// Returns the key of a call that must have one; raises Python's own error if the arguments do
    /// not fit.
    pub fn key_or_raise(slf: &Bound<'_, Self>, call: &Call<'_, '_>) -> PyResult<Bytes> {
        check_memory()?;
        let (me, py) = (slf.get(), slf.py());
        Self::expect_instance(slf, call)?;
        match me.keys.key(py, call) {
            Ok(key) => Ok(key),
            Err(NoKey::Error(error)) => Err(error),
            Err(NoKey::Unbound) => Err(me.misfit(py, call)?),
        }
    }

    /// Raises if this is a method and the call names no instance: a method reached through a bound
    /// one does not know it, and would take the next argument for it.
    pub fn expect_instance(slf: &Bound<'_, Self>, call: &Call<'_, '_>) -> PyResult<()> {
        let py = slf.py();
        let Some(owner) = slf.getattr_opt(intern!(py, "_outlive_owner"))? else { return Ok(()) };
        let owner = owner.call0()?;
        let given = call.positional().first();
        if owner.is_none() || given.map_or(Ok(true), |given| given.is_instance(&owner))? {
            return Ok(());
        }
        let name = &slf.get().name;
        Err(PyTypeError::new_err(format!(
            "{name} is a method: single calls of it are named through its class, with the instance \
             as the first argument, as in Class.method.peek(instance, ...)"
        )))
    }
}

//! Control of single calls: look, put, forget, compute anew.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::py::cache::away::away;
use crate::py::cache::core::CoreCache;
use crate::py::cache::mode::Mode;
use crate::py::call::computation::answer;
use crate::py::call::context::CallContext;
use crate::py::call::invocation::Invocation;
use crate::py::call::keeper::Keeper;
use crate::py::call::memoised::Memoised;
use crate::py::call::request::Request;
use crate::py::key::arguments::Call;
use crate::py::named_call::NamedCall;
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
        let key = NamedCall { memoised: slf, call: &call }.key()?;
        Ok(from_wtf8(py, &key)?.into_any())
    }

    /// Why this call would be answered from the cache, or computed.
    #[pyo3(signature = (*args, **kwargs))]
    fn explain<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let call = Call::from_python(args, kwargs)?;
        NamedCall { memoised: slf, call: &call }.ask(intern!(slf.py(), "explain"))
    }

    /// Who made the stored result of this call, and when; None if there is none.
    #[pyo3(signature = (*args, **kwargs))]
    fn provenance<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let call = Call::from_python(args, kwargs)?;
        NamedCall { memoised: slf, call: &call }.ask(intern!(slf.py(), "provenance"))
    }

    /// The stored result of this call, without computing; None if there is no fresh one.
    #[pyo3(signature = (*args, **kwargs))]
    fn peek<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let call = Call::from_python(args, kwargs)?;
        NamedCall { memoised: slf, call: &call }.stored()
    }

    /// Returns whether this call has a stored result that is fresh.
    #[pyo3(signature = (*args, **kwargs))]
    fn cache_contains<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<bool> {
        let call = Call::from_python(args, kwargs)?;
        Ok(NamedCall { memoised: slf, call: &call }.stored()?.is_some())
    }

    /// Forgets the stored result of this call; returns whether there was one.
    #[pyo3(signature = (*args, **kwargs))]
    fn forget<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<bool> {
        let (me, py) = (slf.get(), slf.py());
        let call = Call::from_python(args, kwargs)?;
        let key = NamedCall { memoised: slf, call: &call }.key()?;
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
        NamedCall { memoised: slf, call: &call }.key()?;
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
        NamedCall { memoised: slf, call: &call }.expect_instance()?;
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

//! A call that is named, not made: it must have a key, or the error says why not.

use bytes::Bytes;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::py::call::context::CallContext;
use crate::py::call::invocation::Invocation;
use crate::py::call::memoised::Memoised;
use crate::py::call::request::Request;
use crate::py::ffi::check_memory;
use crate::py::key::arguments::Call;
use crate::py::key::maker::NoKey;
use crate::py::value::once::intern;
use crate::py::value::wtf8::from_wtf8;

/// A call of a memoised function, by its arguments.
#[derive(Clone, Copy)]
pub struct NamedCall<'a, 'b, 'py> {
    /// The function.
    pub memoised: &'a Bound<'py, Memoised>,
    /// The arguments.
    pub call: &'a Call<'b, 'py>,
}

impl<'py> NamedCall<'_, '_, 'py> {
    /// Asks Python about the call.
    pub fn ask(&self, name: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
        let py = name.py();
        let key = from_wtf8(py, &self.key()?)?;
        self.memoised.get().registration.bind(py).call_method1(name, (self.memoised, key))
    }

    /// Returns what a hit would return now.
    pub fn stored(&self) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.key()?;
        let (me, call, py) = (self.memoised.get(), self.call, self.memoised.py());
        let request = Request::begin(py, me, call, CallContext::thread(py)?)?;
        let Some(request) = request else { return Ok(None) };
        Invocation { me, call, request: &request }.peek(py)
    }

    /// Returns the error for arguments that do not fit the function.
    fn misfit(&self) -> PyResult<PyErr> {
        let (me, call, py) = (self.memoised.get(), self.call, self.memoised.py());
        let inspect = py.import(intern!(py, "inspect"))?;
        let signature = inspect.call_method1("signature", (&me.function,))?;
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
        Ok(PyTypeError::new_err(format!("{}: {why}{advice}", me.name)))
    }

    /// Returns the key; raises Python's own error if the arguments do not fit.
    pub fn key(&self) -> PyResult<Bytes> {
        check_memory()?;
        self.expect_instance()?;
        match self.memoised.get().keys.key(self.memoised.py(), self.call) {
            Ok(key) => Ok(key),
            Err(NoKey::Error(error)) => Err(error),
            Err(NoKey::Unbound) => Err(self.misfit()?),
        }
    }

    /// Raises if this is a method and the call names no instance: a method reached through a bound
    /// one does not know it, and would take the next argument for it.
    pub fn expect_instance(&self) -> PyResult<()> {
        let owner = intern!(self.memoised.py(), "_outlive_owner");
        let Some(owner) = self.memoised.getattr_opt(owner)? else { return Ok(()) };
        let owner = owner.call0()?;
        let given = self.call.positional().first();
        if owner.is_none() || given.map_or(Ok(true), |given| given.is_instance(&owner))? {
            return Ok(());
        }
        let name = &self.memoised.get().name;
        Err(PyTypeError::new_err(format!(
            "{name} is a method: single calls of it are named through its class, with the instance \
             as the first argument, as in Class.method.peek(instance, ...)"
        )))
    }
}

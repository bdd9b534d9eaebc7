//! The key of a call that is named, not made: it must have one, or the user is told why not.

use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;

use crate::py::key::arguments::Call;
use crate::py::key::maker::NoKey;
use crate::py::memoised::Memoised;

impl Memoised {
    /// Says why the arguments of `call` do not fit the function.
    fn misfit(&self, py: Python<'_>, call: &Call<'_>) -> PyResult<PyErr> {
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

    /// The key of a call that must have one: Python's own words where the arguments do not fit.
    pub fn key_or_raise(slf: &Bound<'_, Self>, call: &Call<'_>) -> PyResult<Vec<u8>> {
        let (me, py) = (slf.get(), slf.py());
        Self::expect_instance(slf, call)?;
        match me.keys.key(py, call) {
            Ok(key) => Ok(key),
            Err(NoKey::Error(error)) => Err(error),
            Err(NoKey::Unbound) => Err(me.misfit(py, call)?),
        }
    }

    /// Raises if this is a method and the call names no instance: what is reached through a bound
    /// method does not know it, and would take the next argument for it.
    pub fn expect_instance(slf: &Bound<'_, Self>, call: &Call<'_>) -> PyResult<()> {
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

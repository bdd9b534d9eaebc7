//! Arguments in a key: which take part, in which order, and in what form.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use super::arguments::Call;
use super::binding::Bindings;
use super::canonical::{OFFENDING, canon, may_change};
use super::maker::KeyMaker;
use super::parameters::{Param, ParamKind, Role};
use crate::key::KeyText;
use crate::py::ffi::call_with;
use crate::py::value::callbacks::key_advice;

impl KeyMaker {
    pub(super) fn write_arguments(
        &self,
        py: Python<'_>,
        bound: &Bindings<'_, '_>,
        key: &mut KeyText,
        wanted: impl Fn(usize) -> bool,
    ) -> PyResult<()> {
        let start = key.len();
        for (at, param) in self.params.list().iter().enumerate() {
            let is_positional = at < bound.positional;
            let counts =
                param.role.counts_by_name() || (is_positional && param.role == Role::IgnoredByName);
            if !counts || !wanted(at) {
                continue;
            }
            let before = key.len();
            key.raw(if before == start { "" } else { ", " });
            if !self.write_argument(py, at, bound, key)? {
                key.rewind(before);
            }
        }
        Ok(())
    }

    /// Writes all arguments but the one that is the key by itself.
    pub(super) fn write_others(
        &self,
        py: Python<'_>,
        bound: &Bindings<'_, '_>,
        first: usize,
        key: &mut KeyText,
    ) -> PyResult<()> {
        self.write_arguments(py, bound, key, |at| at != first)?;
        match self.params.list()[first].kind {
            ParamKind::VarPositional => {
                let rest = bound.extra_positional.get(1..).unwrap_or_default();
                canon(PyTuple::new(py, rest)?.as_any(), key)
            }
            // No single argument is the key: it stands for the function alone.
            ParamKind::VarKeyword => self.write_argument(py, first, bound, key).map(drop),
            _ => Ok(()),
        }
    }

    /// Writes `name=value`; writes nothing and returns `false` for an empty `*args` or `**kwargs`.
    fn write_argument(
        &self,
        py: Python<'_>,
        at: usize,
        bound: &Bindings<'_, '_>,
        key: &mut KeyText,
    ) -> PyResult<bool> {
        let param = &self.params.list()[at];
        let taken = match param.kind {
            ParamKind::VarPositional if bound.extra_positional.is_empty() => return Ok(false),
            ParamKind::VarPositional => PyTuple::new(py, bound.extra_positional)?.into_any(),
            ParamKind::VarKeyword => {
                let names = PyDict::new(py);
                for (name, value) in &bound.extra_keywords {
                    if !self.params.is_ignored_keyword(&name.to_string_lossy()) {
                        names.set_item(name, value)?;
                    }
                }
                if names.is_empty() {
                    return Ok(false);
                }
                names.into_any()
            }
            _ => {
                let Some(value) = bound.slots[at] else { return Ok(false) };
                key.raw(&param.name);
                key.raw("=");
                return self.write_or_default(py, at, value, key).map(|()| true);
            }
        };
        key.raw(if param.kind == ParamKind::VarPositional { "*" } else { "**" });
        key.raw(&param.name);
        key.raw("=");
        self.write_or_default(py, at, &taken, key).map(|()| true)
    }

    /// Writes a value. The text of a default that cannot change is made once: it is the commonest
    /// argument.
    fn write_or_default(
        &self,
        py: Python<'_>,
        at: usize,
        value: &Bound<'_, PyAny>,
        key: &mut KeyText,
    ) -> PyResult<()> {
        let param = &self.params.list()[at];
        let is_default = param.default.as_ref().is_some_and(|default| default.bind(py).is(value));
        // The digest of a secret changes with the cache's salt.
        if !is_default || param.role.is_secret() {
            return self.write_value(value, param, key);
        }
        if let Some(text) = self.params.default_text(at).get() {
            key.piece(text);
            return Ok(());
        }
        let mut text = KeyText::for_file(self.is_flat());
        match canon(value, &mut text) {
            Ok(()) if may_change(value) => key.piece(&text.into_bytes()),
            Ok(()) => key.piece(self.params.default_text(at).get_or_init(|| text.into_bytes())),
            // A bare object that only says "not given": no other value has this text.
            Err(error) if error.is_instance_of::<PyTypeError>(py) => key.raw("default"),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    pub(super) fn write_value(
        &self,
        value: &Bound<'_, PyAny>,
        param: &Param,
        key: &mut KeyText,
    ) -> PyResult<()> {
        let py = value.py();
        let named = |error: PyErr| {
            let what = format!("the parameter {:?}", param.name);
            let advice = advice(&error, value, &param.name);
            self.unkeyable(py, error, &what, &advice)
        };
        if !param.role.is_secret() {
            return canon(value, key).map_err(named);
        }
        self.write_secret(value, &param.name, key).map_err(named)
    }

    /// Writes a digest of a value that must not be in the file.
    fn write_secret(
        &self,
        value: &Bound<'_, PyAny>,
        name: &str,
        key: &mut KeyText,
    ) -> PyResult<()> {
        let py = value.py();
        let mut clear = KeyText::for_file(self.is_flat());
        canon(value, &mut clear)?;
        let digest = self.digest.as_ref().ok_or_else(|| PyTypeError::new_err("no digest"))?;
        let text = pyo3::types::PyBytes::new(py, &clear.into_bytes());
        let digest: String = call_with(digest.bind(py), (name, text))?.extract()?;
        key.raw(&format!("secret({digest})"));
        Ok(())
    }

    /// Raises if a secret may be among the positional arguments, where a wrapper shifts them.
    pub(super) fn expect_secrets_by_name(&self, call: &Call<'_, '_>) -> PyResult<()> {
        // Not `to_string`: it may run code of a subclass of str.
        let is = |name: Bound<'_, PyString>, param: &Param| name.to_string_lossy() == param.name;
        let is_given = |param: &Param| call.keywords().any(|(name, _)| is(name, param));
        let mut secrets = self.params.list().iter().filter(|param| param.must_be_named());
        let missing = secrets.find(|param| !call.positional().is_empty() && !is_given(param));
        let Some(param) = missing else { return Ok(()) };
        Err(PyTypeError::new_err(format!(
            "{}: {name} is secret, and a decorator between memoise and the function may move \
             positional arguments: pass {name}= by name",
            self.name,
            name = param.name,
        )))
    }

    /// Writes the arguments as they were given, if the function below the wrapper does not take
    /// them.
    pub(super) fn write_raw(
        &self,
        py: Python<'_>,
        call: &Call<'_, '_>,
        key: &mut KeyText,
    ) -> PyResult<()> {
        key.raw("*");
        let positional = call.args(py)?.into_any();
        canon(&positional, key).map_err(|error| {
            let advice = "pass it by name, so that ignore= can leave it out";
            self.unkeyable(py, error, "a positional argument", advice)
        })?;
        let mut texts = Vec::new();
        for (name, value) in call.keywords() {
            let name = name.to_string_lossy();
            let param = self.params.named(&name);
            let role = param.map_or(Role::Keyed, |param| param.role);
            if !role.counts_by_name() || self.params.is_ignored_keyword(&name) {
                continue;
            }
            let mut text = KeyText::for_file(self.is_flat());
            text.raw(", ");
            text.quoted(name.as_bytes());
            text.raw("=");
            let written = if role.is_secret() {
                self.write_secret(value, &name, &mut text)
            } else {
                canon(value, &mut text)
            };
            written.map_err(|error| {
                let what = format!("the argument {name:?}");
                let advice = advice(&error, value, &name);
                self.unkeyable(py, error, &what, &advice)
            })?;
            texts.push(text.into_bytes());
        }
        texts.sort_unstable();
        for text in &texts {
            key.piece(text);
        }
        Ok(())
    }

    /// Returns a `TypeError` that names the function and the parameter, and says what to do.
    pub(super) fn unkeyable(
        &self,
        py: Python<'_>,
        error: PyErr,
        what: &str,
        advice: &str,
    ) -> PyErr {
        if !error.is_instance_of::<PyTypeError>(py) {
            return error;
        }
        let (function, found) = (&self.name, error.value(py));
        let message = format!("{function}: {what} cannot be part of a key: {found}; {advice}");
        let named = PyTypeError::new_err(message);
        named.set_cause(py, error.cause(py));
        named
    }
}

/// Returns what to do with an argument that has no key, or of which a part has none.
fn advice(error: &PyErr, value: &Bound<'_, PyAny>, name: &str) -> String {
    let part = error.value(value.py()).getattr_opt(OFFENDING).ok().flatten();
    key_advice(part.as_ref().unwrap_or(value), name).unwrap_or_default()
}

//! Arguments in a key: which count, in which order, and in what form.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use super::arguments::Call;
use super::canonical::{OFFENDING, canon, may_change};
use super::maker::KeyMaker;
use super::parameters::{Bindings, Param, ParamKind, Role};
use crate::key::KeyText;
use crate::py::value::callbacks::key_advice;

/// Writes the arguments of one call behind what a key text holds so far.
pub(super) struct ArgumentWriter<'a, 'py> {
    pub(super) maker: &'a KeyMaker,
    pub(super) py: Python<'py>,
    pub(super) key: &'a mut KeyText,
}

impl ArgumentWriter<'_, '_> {
    /// All arguments that count and are `wanted`.
    pub(super) fn arguments(
        &mut self,
        bound: &Bindings<'_, '_>,
        wanted: impl Fn(usize) -> bool,
    ) -> PyResult<()> {
        let start = self.key.len();
        for (at, param) in self.maker.params.iter().enumerate() {
            let is_positional = at < bound.positional;
            let counts =
                param.role.counts_by_name() || (is_positional && param.role == Role::IgnoredByName);
            if !counts || !wanted(at) {
                continue;
            }
            let before = self.key.len();
            self.key.raw(if before == start { "" } else { ", " });
            if !self.argument(at, bound)? {
                self.key.rewind(before);
            }
        }
        Ok(())
    }

    /// All arguments but the one that is the key by itself.
    pub(super) fn others(&mut self, bound: &Bindings<'_, '_>, first: usize) -> PyResult<()> {
        self.arguments(bound, |at| at != first)?;
        match self.maker.params[first].kind {
            ParamKind::VarPositional => {
                let rest = bound.extra_positional.get(1..).unwrap_or_default();
                canon(PyTuple::new(self.py, rest)?.as_any(), self.key)
            }
            // None of them is the key: it stands for the function alone.
            ParamKind::VarKeyword => self.argument(first, bound).map(drop),
            _ => Ok(()),
        }
    }

    /// `name=value`; nothing, and `false`, for a `*args` or `**kwargs` that took nothing.
    fn argument(&mut self, at: usize, bound: &Bindings<'_, '_>) -> PyResult<bool> {
        let param = &self.maker.params[at];
        let taken = match param.kind {
            ParamKind::VarPositional if bound.extra_positional.is_empty() => return Ok(false),
            ParamKind::VarPositional => PyTuple::new(self.py, bound.extra_positional)?.into_any(),
            ParamKind::VarKeyword => {
                let names = PyDict::new(self.py);
                for (name, value) in &bound.extra_keywords {
                    if !self.maker.is_ignored_keyword(&name.to_string_lossy()) {
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
                self.key.raw(&param.name);
                self.key.raw("=");
                return self.value_or_default(at, value).map(|()| true);
            }
        };
        self.key.raw(if param.kind == ParamKind::VarPositional { "*" } else { "**" });
        self.key.raw(&param.name);
        self.key.raw("=");
        self.value_or_default(at, &taken).map(|()| true)
    }

    /// The text of a default that cannot change is made once: it is the commonest argument.
    fn value_or_default(&mut self, at: usize, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let (maker, py) = (self.maker, self.py);
        let param = &maker.params[at];
        let is_default = param.default.as_ref().is_some_and(|default| default.bind(py).is(value));
        // The digest of a secret changes with the cache's salt.
        if !is_default || param.role.is_secret() {
            return self.value(value, param);
        }
        if let Some(text) = maker.defaults[at].get() {
            self.key.piece(text);
            return Ok(());
        }
        let mut text = KeyText::for_file(maker.is_flat());
        match canon(value, &mut text) {
            Ok(()) if may_change(value) => self.key.piece(&text.into_bytes()),
            Ok(()) => self.key.piece(maker.defaults[at].get_or_init(|| text.into_bytes())),
            // A bare object that only says "not given": no other value has this text.
            Err(error) if error.is_instance_of::<PyTypeError>(py) => self.key.raw("default"),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// The text of what `param` got.
    pub(super) fn value(&mut self, value: &Bound<'_, PyAny>, param: &Param) -> PyResult<()> {
        let written = if param.role.is_secret() {
            self.maker.write_secret(value, &param.name, self.key)
        } else {
            canon(value, self.key)
        };
        written.map_err(|error| {
            let what = format!("the parameter {:?}", param.name);
            let advice = advice(&error, value, &param.name);
            self.maker.unkeyable(self.py, error, &what, &advice)
        })
    }

    /// The arguments as they were given, where the function below the wrapper does not take them.
    pub(super) fn raw(&mut self, call: &Call<'_, '_>) -> PyResult<()> {
        let (maker, py) = (self.maker, self.py);
        self.key.raw("*");
        let positional = call.args(py)?.into_any();
        canon(&positional, self.key).map_err(|error| {
            let advice = "pass it by name, so that ignore= can leave it out";
            maker.unkeyable(py, error, "a positional argument", advice)
        })?;
        let mut texts = Vec::new();
        for (name, value) in call.keywords() {
            let name = name.to_string_lossy();
            let param = maker.params.iter().find(|param| param.name == name);
            let role = param.map_or(Role::Keyed, |param| param.role);
            if !role.counts_by_name() || maker.is_ignored_keyword(&name) {
                continue;
            }
            let mut text = KeyText::for_file(maker.is_flat());
            text.raw(", ");
            text.quoted(name.as_bytes());
            text.raw("=");
            let written = if role.is_secret() {
                maker.write_secret(value, &name, &mut text)
            } else {
                canon(value, &mut text)
            };
            written.map_err(|error| {
                let what = format!("the argument {name:?}");
                let advice = advice(&error, value, &name);
                maker.unkeyable(py, error, &what, &advice)
            })?;
            texts.push(text.into_bytes());
        }
        texts.sort_unstable();
        for text in &texts {
            self.key.piece(text);
        }
        Ok(())
    }
}

impl KeyMaker {
    /// A digest of a value that must not stand in the file.
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
        let digest: String = digest.bind(py).call1((name, text))?.extract()?;
        key.raw(&format!("secret({digest})"));
        Ok(())
    }

    /// Raises if a secret may stand among the positional arguments, where a wrapper shifts them.
    pub(super) fn expect_secrets_by_name(&self, call: &Call<'_, '_>) -> PyResult<()> {
        // Not `to_string`: it may run code of a class derived from str.
        let is = |name: Bound<'_, PyString>, param: &Param| name.to_string_lossy() == param.name;
        let is_given = |param: &Param| call.keywords().any(|(name, _)| is(name, param));
        let mut secrets = self.params.iter().filter(|param| param.role == Role::SecretByName);
        let missing = secrets.find(|param| !call.positional().is_empty() && !is_given(param));
        let Some(param) = missing else { return Ok(()) };
        Err(PyTypeError::new_err(format!(
            "{}: {name} is secret, and a decorator between memoise and the function may move \
             positional arguments: pass {name}= by name",
            self.name,
            name = param.name,
        )))
    }

    /// A `TypeError` that names the function and the parameter, and what to do.
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

/// What to do with an argument that has no key, or of which a part has none.
fn advice(error: &PyErr, value: &Bound<'_, PyAny>, name: &str) -> String {
    let part = error.value(value.py()).getattr_opt(OFFENDING).ok().flatten();
    key_advice(part.as_ref().unwrap_or(value), name).unwrap_or_default()
}

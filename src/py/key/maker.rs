//! From a call to its key: which arguments count, and under what name.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use super::arguments::Call;
use super::binding::bind;
use super::canonical::canon;
use super::identity::Identity;
use super::parameters::{Param, ParamKind, Parameters, Role};
use crate::key::{KeyText, PREFIX, fnv1a, plain};
use crate::py::value::wtf8::with_wtf8;
use crate::value::shared::shared;

/// The arguments that make the key.
#[derive(Debug)]
enum Rule {
    /// The first keyed parameter alone.
    First,
    /// All keyed parameters.
    All,
    /// What a callable makes of the arguments.
    Custom(Py<PyAny>),
}

/// Makes the keys of one function.
#[derive(Debug)]
pub struct KeyMaker {
    /// `module.qualname`, or the text of `name=`, with the version after an `@`.
    pub(super) name: String,
    /// The name for keys that are one value: empty in the drop-in's file, where functions share
    /// keys.
    value_name: String,
    /// Whether everything but a plain string gets a prefix (the drop-in's file).
    flat: bool,
    rule: Rule,
    /// What tells the function from others of its name, if its name does not.
    identity: Option<Identity>,
    /// What tells it from a later function of its name, once there is one.
    aside: OnceLock<(String, Arc<AtomicBool>)>,
    pub(super) params: Parameters,
    /// What tells the keys of further answers to a call from those of the first.
    sample: Option<String>,
    /// Digests one value: `digest(parameter's name, key text) -> str`.
    pub(super) digest: Option<Py<PyAny>>,
    /// The number of a call with nothing but the first argument, once it was asked for.
    plain_call: OnceLock<Option<u64>>,
}

/// The reason why a call has no key.
pub enum NoKey {
    /// The arguments do not fit the function: calling it raises Python's own error.
    Unbound,
    /// An argument cannot be keyed, or the user's code for keys raised.
    Error(PyErr),
}

impl From<PyErr> for NoKey {
    fn from(error: PyErr) -> Self {
        Self::Error(error)
    }
}

impl<'py> FromPyObject<'_, 'py> for KeyMaker {
    type Error = PyErr;

    /// Reads `outlive._parameters.KeyRules`.
    fn extract(rules: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let get = |name: &str| rules.getattr(name);
        Ok(Self {
            name: get("name")?.extract()?,
            value_name: get("value_name")?.extract()?,
            flat: get("flat")?.extract()?,
            rule: get("rule")?.extract()?,
            identity: get("identity")?.extract()?,
            aside: OnceLock::new(),
            plain_call: OnceLock::new(),
            params: Parameters::from_python(&rules)?,
            sample: get("sample")?.extract()?,
            digest: get("digest")?.extract()?,
        })
    }
}

impl<'py> FromPyObject<'_, 'py> for Rule {
    type Error = PyErr;

    fn extract(rule: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Ok(match rule.cast::<PyString>() {
            Ok(word) if &*word == "first" => Self::First,
            Ok(_) => Self::All,
            Err(_) => Self::Custom(rule.to_owned().unbind()),
        })
    }
}

impl KeyMaker {
    /// Returns the key text of `call`.
    pub fn key(&self, py: Python<'_>, call: &Call<'_, '_>) -> Result<Bytes, NoKey> {
        match &self.rule {
            Rule::First => self.first_key(py, call),
            Rule::All => self.full_key(py, call),
            Rule::Custom(make) => self.custom_key(py, make, call),
        }
    }

    /// Returns a number that tells apart calls which share a key but differ in the other arguments,
    /// the same in every process.
    pub fn other_arguments(&self, py: Python<'_>, call: &Call<'_, '_>) -> Option<u64> {
        let mut text = KeyText::new();
        if let Some((first, bound)) = self.params.first_keyed().zip(bind(&self.params, call, py)) {
            self.write_others(py, &bound, first, &mut text).ok()?;
        } else {
            let rest = call.positional().get(1..).unwrap_or_default();
            canon(PyTuple::new(py, rest).ok()?.as_any(), &mut text).ok()?;
            let named = call.kwargs(py).ok()?;
            named.map_or(Ok(()), |named| canon(named.as_any(), &mut text)).ok()?;
        }
        Some(fnv1a(&text.into_bytes()))
    }

    /// Returns the number of a call that gives nothing but the first argument; None if that is no
    /// valid call of this function.
    pub fn plain_call(&self, py: Python<'_>) -> Option<u64> {
        if let Some(&found) = self.plain_call.get() {
            return found;
        }
        // NOTE: the cell is not held meanwhile: this runs Python, and another thread may fork.
        let number = self.number_of_plain_call(py);
        let _ = self.plain_call.set(number);
        number
    }

    fn number_of_plain_call(&self, py: Python<'_>) -> Option<u64> {
        let first = self.params.first_keyed().unwrap_or(0);
        let name =
            self.params.list().get(first).filter(|param| param.kind == ParamKind::KeywordOnly);
        let call = Call::of_nothing(py, first, name.map(|param| param.name.as_str())).ok()?;
        if self.params.first_keyed().is_some() {
            bind(&self.params, &call, py)?;
        }
        self.other_arguments(py, &call)
    }

    /// Returns whether only the first argument makes the key.
    pub fn is_first(&self) -> bool {
        matches!(self.rule, Rule::First)
    }

    /// Returns whether this is for the drop-in's file.
    pub fn is_flat(&self) -> bool {
        self.flat
    }

    /// Visits what it holds, for the garbage collector.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Rule::Custom(make) = &self.rule {
            visit.call(make)?;
        }
        self.identity.as_ref().map_or(Ok(()), |identity| identity.traverse(visit))?;
        self.params.traverse(&visit)?;
        self.digest.as_ref().map_or(Ok(()), |digest| visit.call(digest))
    }

    /// Returns what tells the function from others of its name, if its name does not.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// Notes a later function of this name. Keys carry `mark`, if it is not empty, to keep the
    /// results apart.
    pub fn set_aside(&self, mark: String, contested: Arc<AtomicBool>) {
        let _ = self.aside.set((mark, contested));
    }

    /// Returns whether there is a later function of this name, and tells it that this one is still
    /// called.
    pub fn is_aside(&self) -> bool {
        let later = self.aside.get();
        later.inspect(|(_, contested)| contested.store(true, Ordering::Relaxed)).is_some()
    }

    /// Returns the mark that keeps the keys apart from those of a later function of this name.
    pub fn aside_mark(&self) -> Option<&str> {
        self.aside.get().map(|(mark, _)| mark.as_str()).filter(|mark| !mark.is_empty())
    }

    /// Returns what all keys of the function begin with, as of now.
    pub fn start(&self, py: Python<'_>) -> PyResult<Vec<u8>> {
        let mut key = KeyText::for_file(self.flat);
        self.begin(py, &self.name, &mut key)?;
        Ok(key.into_bytes())
    }

    /// Returns whether the given arguments decide on the key without running the user's code.
    pub fn is_pure(&self) -> bool {
        !matches!(self.rule, Rule::Custom(_)) && !self.params.has_changing_default()
    }

    /// The parameters of the function.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    fn first_key(&self, py: Python<'_>, call: &Call<'_, '_>) -> Result<Bytes, NoKey> {
        let Some(at) = self.params.first_keyed() else {
            return Ok(self.named(py, &self.name, |_| Ok(()))?.into_key());
        };
        let param = &self.params.list()[at];
        let value = match call.positional().get(at) {
            Some(value) => Some(value.clone()),
            None => first_by_name(param, call).or_else(|| self.first_default(py, param)),
        };
        let Some(value) = value else {
            let is_var = matches!(param.kind, ParamKind::VarPositional | ParamKind::VarKeyword);
            if is_var || self.params.is_wrapped() {
                return Ok(self.named(py, &self.name, |_| Ok(()))?.into_key());
            }
            return Err(NoKey::Unbound);
        };
        self.value_key(&value, param).map_err(NoKey::Error)
    }

    /// Returns what the first parameter gets if it is left out.
    fn first_default<'py>(&self, py: Python<'py>, param: &Param) -> Option<Bound<'py, PyAny>> {
        let default = param.default.as_ref().filter(|_| !self.params.is_wrapped());
        default.map(|default| default.bind(py).clone())
    }

    /// Returns the text of one value that is the whole key.
    fn value_key(&self, value: &Bound<'_, PyAny>, param: &Param) -> PyResult<Bytes> {
        if self.flat
            && self.value_name.is_empty()
            && param.role == Role::Keyed
            && let Ok(text) = value.cast_exact::<PyString>()
            && let Some(key) = with_wtf8(text, |wtf8| plain(wtf8).map(shared))?
        {
            return Ok(key);
        }
        let key =
            self.named(value.py(), &self.value_name, |key| self.write_value(value, param, key))?;
        Ok(key.into_key())
    }

    fn full_key(&self, py: Python<'_>, call: &Call<'_, '_>) -> Result<Bytes, NoKey> {
        let bound = bind(&self.params, call, py);
        if bound.is_none() && !self.params.is_wrapped() {
            return Err(NoKey::Unbound);
        }
        self.expect_secrets_by_name(call)?;
        let key = self.named(py, &self.name, |key| match &bound {
            Some(bound) => self.write_arguments(py, bound, key, |_| true),
            None => self.write_raw(py, call, key),
        })?;
        Ok(key.into_key())
    }

    fn custom_key(
        &self,
        py: Python<'_>,
        make: &Py<PyAny>,
        call: &Call<'_, '_>,
    ) -> Result<Bytes, NoKey> {
        let value = call.invoke(make.bind(py))?;
        let key = self.named(py, &self.name, |key| {
            canon(&value, key).map_err(|error| {
                self.unkeyable(
                    py,
                    error,
                    "what key= returned",
                    "return a str, a number or a tuple of them",
                )
            })
        })?;
        Ok(key.into_key())
    }

    /// `name(` … `)`, behind the prefix where plain strings stand for themselves.
    fn named(
        &self,
        py: Python<'_>,
        name: &str,
        write: impl FnOnce(&mut KeyText) -> PyResult<()>,
    ) -> PyResult<KeyText> {
        let mut key = KeyText::of_key(self.flat);
        let is_told_apart = self.begin(py, name, &mut key)?;
        let end = key.len();
        if is_told_apart {
            key.raw(", ");
        }
        let start = key.len();
        write(&mut key)?;
        if key.len() == start {
            key.rewind(end);
        }
        key.raw(")");
        Ok(key)
    }

    /// `name(`, and `~identity` behind it where the name does not say all.
    fn begin(&self, py: Python<'_>, name: &str, key: &mut KeyText) -> PyResult<bool> {
        if self.flat {
            key.raw(PREFIX);
        }
        key.raw(name);
        key.raw("(");
        if name.is_empty() {
            return Ok(false);
        }
        let text = self.identity.as_ref().map(|identity| identity.text(py)).transpose()?;
        let text = text.filter(|text| !text.is_empty());
        let marks = [text.as_deref(), self.aside_mark(), self.sample.as_deref()];
        for mark in marks.iter().flatten() {
            key.raw("~");
            key.raw(mark);
        }
        Ok(marks.iter().any(Option::is_some))
    }
}

fn first_by_name<'py>(param: &Param, call: &Call<'_, 'py>) -> Option<Bound<'py, PyAny>> {
    let named = call.keywords().find(|(name, _)| name.to_string_lossy() == param.name.as_str());
    named.map(|(_, value)| value.clone())
}

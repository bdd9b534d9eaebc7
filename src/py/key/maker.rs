//! From a call to its key: which arguments count, and under what name.

use std::hash::{BuildHasher, Hasher};
use std::sync::OnceLock;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};
use pyo3::{PyTraverseError, PyVisit};

use super::arguments::Call;
use super::canonical::canon;
use super::parameters::{Bindings, Param, ParamKind, Role, bind};
use crate::key::{KeyText, PREFIX, plain};
use crate::py::value::wtf8::with_wtf8;

/// Which arguments make the key.
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
    /// `module.qualname`, or what `name=` says, with the version behind an `@`.
    name: String,
    /// The same for a key that is one value: empty in the drop-in's file, where functions share.
    value_name: String,
    /// Whether everything but a plain string stands behind a prefix (the drop-in's file).
    flat: bool,
    rule: Rule,
    params: Vec<Param>,
    /// Digests one value: `digest(parameter's name, key text) -> str`.
    digest: Option<Py<PyAny>>,
    defaults: Vec<OnceLock<Vec<u8>>>,
}

/// Why a call has no key.
pub enum NoKey {
    /// The arguments do not fit the function: calling it raises Python's own error.
    Unbound,
    /// An argument cannot be keyed, or code that the user wrote for keys raised.
    Error(PyErr),
}

impl From<PyErr> for NoKey {
    fn from(error: PyErr) -> Self {
        Self::Error(error)
    }
}

impl KeyMaker {
    /// From the parts that `outlive._decorator` prepares.
    pub fn new(
        name: String,
        value_name: String,
        flat: bool,
        rule: &Bound<'_, PyAny>,
        params: &Bound<'_, PyList>,
        digest: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let rule = match rule.cast::<PyString>() {
            Ok(word) if word == "first" => Rule::First,
            Ok(_) => Rule::All,
            Err(_) => Rule::Custom(rule.clone().unbind()),
        };
        let params =
            params.iter().map(|param| Param::from_python(&param)).collect::<PyResult<Vec<_>>>()?;
        let defaults = params.iter().map(|_| OnceLock::new()).collect();
        Ok(Self { name, value_name, flat, rule, params, digest, defaults })
    }

    /// The key text of `call`.
    pub fn key(&self, py: Python<'_>, call: &Call<'_>) -> Result<Vec<u8>, NoKey> {
        match &self.rule {
            Rule::First => self.first_key(py, call),
            Rule::All => self.full_key(py, call),
            Rule::Custom(make) => self.custom_key(py, make, call),
        }
    }

    /// A number that tells apart calls which share a key but not the other arguments.
    pub fn other_arguments(&self, py: Python<'_>, call: &Call<'_>) -> Option<u64> {
        let bound = bind(&self.params, call, py)?;
        let mut text = KeyText::new();
        let first = self.first_keyed()?;
        self.write_arguments(py, &bound, &mut text, |at| at != first).ok()?;
        let mut hasher = foldhash::fast::FixedState::default().build_hasher();
        hasher.write(&text.into_bytes());
        Some(hasher.finish())
    }

    /// Whether arguments beside the first are ignored because only the first makes the key.
    pub fn is_first(&self) -> bool {
        matches!(self.rule, Rule::First)
    }

    /// Whether this is the drop-in's file.
    pub fn is_flat(&self) -> bool {
        self.flat
    }

    /// Visits what it holds, for the garbage collector.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Rule::Custom(make) = &self.rule {
            visit.call(make)?;
        }
        let mut defaults = self.params.iter().filter_map(|param| param.default.as_ref());
        defaults.try_for_each(|default| visit.call(default))?;
        self.digest.as_ref().map_or(Ok(()), |digest| visit.call(digest))
    }

    /// Whether the arguments themselves decide on the key, without any code of the user's.
    pub fn is_pure(&self) -> bool {
        !matches!(self.rule, Rule::Custom(_))
    }

    /// Whether the positional argument `at` takes part in the key.
    pub fn counts_position(&self, at: usize) -> bool {
        match self.params.get(at) {
            Some(param)
                if matches!(
                    param.kind,
                    ParamKind::PositionalOnly | ParamKind::PositionalOrKeyword
                ) =>
            {
                param.role != Role::Ignored
            }
            _ => self
                .params
                .iter()
                .any(|p| p.kind == ParamKind::VarPositional && p.role != Role::Ignored),
        }
    }

    /// Whether the keyword `name` takes part in the key.
    pub fn counts_keyword(&self, name: &str) -> bool {
        let named = self.params.iter().find(|param| param.name == name);
        let all = || self.params.iter().find(|param| param.kind == ParamKind::VarKeyword);
        named.or_else(all).is_none_or(|param| param.role != Role::Ignored)
    }

    fn first_keyed(&self) -> Option<usize> {
        self.params.iter().position(|param| param.role != Role::Ignored)
    }

    fn first_key(&self, py: Python<'_>, call: &Call<'_>) -> Result<Vec<u8>, NoKey> {
        let Some(at) = self.first_keyed() else {
            return Ok(self.named(&self.name, |_| Ok(()))?.into_bytes());
        };
        let param = &self.params[at];
        let value = match call.positional().get(at) {
            Some(value) => Some(value.clone()),
            None => first_by_name(param, call, py),
        };
        let Some(value) = value else {
            if matches!(param.kind, ParamKind::VarPositional | ParamKind::VarKeyword) {
                return Ok(self.named(&self.name, |_| Ok(()))?.into_bytes());
            }
            return Err(NoKey::Unbound);
        };
        self.value_key(&value, param).map_err(NoKey::Error)
    }

    /// The text of one value that is the whole key.
    fn value_key(&self, value: &Bound<'_, PyAny>, param: &Param) -> PyResult<Vec<u8>> {
        if self.flat
            && self.value_name.is_empty()
            && param.role == Role::Keyed
            && let Ok(text) = value.cast_exact::<PyString>()
            && let Some(key) = with_wtf8(text, |wtf8| plain(wtf8).map(<[u8]>::to_vec))?
        {
            return Ok(key);
        }
        let key = self.named(&self.value_name, |key| self.write_value(value, param, key))?;
        Ok(key.into_bytes())
    }

    fn full_key(&self, py: Python<'_>, call: &Call<'_>) -> Result<Vec<u8>, NoKey> {
        let bound = bind(&self.params, call, py).ok_or(NoKey::Unbound)?;
        let key = self.named(&self.name, |key| self.write_arguments(py, &bound, key, |_| true))?;
        Ok(key.into_bytes())
    }

    fn custom_key(
        &self,
        py: Python<'_>,
        make: &Py<PyAny>,
        call: &Call<'_>,
    ) -> Result<Vec<u8>, NoKey> {
        let value = call.invoke(make.bind(py))?;
        let key = self.named(&self.name, |key| {
            canon(&value, key).map_err(|error| {
                self.unkeyable(
                    py,
                    error,
                    "what key= returned",
                    "return a str, a number or a tuple of them",
                )
            })
        })?;
        Ok(key.into_bytes())
    }

    /// `name(` … `)`, behind the prefix where plain strings stand for themselves.
    fn named(
        &self,
        name: &str,
        write: impl FnOnce(&mut KeyText) -> PyResult<()>,
    ) -> PyResult<KeyText> {
        let mut key = KeyText::new();
        if self.flat {
            key.raw(PREFIX);
        }
        key.raw(name);
        key.raw("(");
        write(&mut key)?;
        key.raw(")");
        Ok(key)
    }

    fn write_arguments(
        &self,
        py: Python<'_>,
        bound: &Bindings<'_>,
        key: &mut KeyText,
        wanted: impl Fn(usize) -> bool,
    ) -> PyResult<()> {
        let start = key.len();
        for (at, param) in self.params.iter().enumerate() {
            if param.role == Role::Ignored || !wanted(at) {
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

    /// `name=value`; nothing, and `false`, for a `*args` or `**kwargs` that took nothing.
    fn write_argument(
        &self,
        py: Python<'_>,
        at: usize,
        bound: &Bindings<'_>,
        key: &mut KeyText,
    ) -> PyResult<bool> {
        let param = &self.params[at];
        let taken = match param.kind {
            ParamKind::VarPositional if bound.extra_positional.is_empty() => return Ok(false),
            ParamKind::VarPositional => {
                pyo3::types::PyTuple::new(py, &bound.extra_positional)?.into_any()
            }
            ParamKind::VarKeyword if bound.extra_keywords.is_empty() => return Ok(false),
            ParamKind::VarKeyword => {
                let names = pyo3::types::PyDict::new(py);
                for (name, value) in &bound.extra_keywords {
                    names.set_item(name, value)?;
                }
                names.into_any()
            }
            _ => match &bound.slots[at] {
                Some(value) => value.clone(),
                None => return Ok(false),
            },
        };
        key.raw(match param.kind {
            ParamKind::VarPositional => "*",
            ParamKind::VarKeyword => "**",
            _ => "",
        });
        key.raw(&param.name);
        key.raw("=");
        self.write_or_default(py, at, &taken, key).map(|()| true)
    }

    /// The text of a default is made once: it is the commonest argument, and stays what it was.
    fn write_or_default(
        &self,
        py: Python<'_>,
        at: usize,
        value: &Bound<'_, PyAny>,
        key: &mut KeyText,
    ) -> PyResult<()> {
        let param = &self.params[at];
        let is_default = param.default.as_ref().is_some_and(|default| default.bind(py).is(value));
        // The digest of a secret changes with the cache's salt.
        if !is_default || param.role == Role::Secret {
            return self.write_value(value, param, key);
        }
        if let Some(text) = self.defaults[at].get() {
            key.piece(text);
            return Ok(());
        }
        let mut text = KeyText::new();
        self.write_value(value, param, &mut text)?;
        key.piece(self.defaults[at].get_or_init(|| text.into_bytes()));
        Ok(())
    }

    fn write_value(
        &self,
        value: &Bound<'_, PyAny>,
        param: &Param,
        key: &mut KeyText,
    ) -> PyResult<()> {
        let py = value.py();
        let named = |error| {
            let what = format!("the parameter {:?}", param.name);
            self.unkeyable(py, error, &what, &advice(&param.name))
        };
        if param.role == Role::Keyed {
            return canon(value, key).map_err(named);
        }
        let mut clear = KeyText::new();
        canon(value, &mut clear).map_err(named)?;
        let digest = self.digest.as_ref().ok_or_else(|| PyTypeError::new_err("no digest"))?;
        let text = pyo3::types::PyBytes::new(py, &clear.into_bytes());
        let digest: String = digest.bind(py).call1((&param.name, text))?.extract()?;
        key.raw(&format!("secret({digest})"));
        Ok(())
    }

    /// A `TypeError` that names the function and the parameter, and what to do.
    fn unkeyable(&self, py: Python<'_>, error: PyErr, what: &str, advice: &str) -> PyErr {
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

fn advice(param: &str) -> String {
    format!(
        "leave it out with ignore=({param:?},), make the key yourself with key=..., \
         or give its class a __memo_key__() method that returns what tells its instances apart"
    )
}

fn first_by_name<'py>(
    param: &Param,
    call: &Call<'py>,
    py: Python<'py>,
) -> Option<Bound<'py, PyAny>> {
    let named = call.keywords().find(|(name, _)| name.to_string_lossy() == param.name.as_str());
    let default = || param.default.as_ref().map(|default| default.bind(py).clone());
    named.map(|(_, value)| value.clone()).or_else(default)
}

//! The parameters of a function, and which of them take part in a key.

use std::sync::OnceLock;

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::canonical::may_change;

/// How a parameter takes its argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    /// By position only.
    PositionalOnly,
    /// By position or name.
    PositionalOrKeyword,
    /// `*args`.
    VarPositional,
    /// By name only.
    KeywordOnly,
    /// `**kwargs`.
    VarKeyword,
}

/// The part that a parameter takes in the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Its value is in the key.
    Keyed,
    /// It takes no part.
    Ignored,
    /// A digest of its value is in the key.
    Secret,
    /// It takes no part if it is given by name: a wrapper may supply positional values.
    IgnoredByName,
    /// A digest is in the key; it must be given by name, as a wrapper may shift the positions.
    SecretByName,
}

impl Role {
    /// Returns whether an argument that is given by name takes part in the key.
    pub fn counts_by_name(self) -> bool {
        !matches!(self, Self::Ignored | Self::IgnoredByName)
    }

    /// Returns whether the key holds a digest of what is given by name.
    pub fn is_secret(self) -> bool {
        matches!(self, Self::Secret | Self::SecretByName)
    }
}

/// One parameter of a memoised function.
#[derive(Debug)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// How it takes its argument.
    pub kind: ParamKind,
    /// Its part in the key.
    pub role: Role,
    /// Its default, if it has one.
    pub default: Option<Py<PyAny>>,
}

impl Param {
    /// Reads a tuple `(name, kind, role, has_default, default)` of `outlive._parameters`.
    pub fn from_python(tuple: &Bound<'_, PyAny>) -> PyResult<Self> {
        let (name, kind, role, has_default, default): (String, u8, u8, bool, Py<PyAny>) =
            tuple.extract()?;
        let kind = match kind {
            0 => ParamKind::PositionalOnly,
            1 => ParamKind::PositionalOrKeyword,
            2 => ParamKind::VarPositional,
            3 => ParamKind::KeywordOnly,
            _ => ParamKind::VarKeyword,
        };
        let role = match role {
            0 => Role::Keyed,
            1 => Role::Ignored,
            2 => Role::Secret,
            3 => Role::IgnoredByName,
            _ => Role::SecretByName,
        };
        Ok(Self { name, kind, role, default: has_default.then_some(default) })
    }

    /// Returns whether it is a secret that may be among positional arguments, where a wrapper moves
    /// them.
    pub fn must_be_named(&self) -> bool {
        self.role == Role::SecretByName && self.kind != ParamKind::KeywordOnly
    }
}

/// All parameters of one function.
#[derive(Debug)]
pub struct Parameters {
    params: Vec<Param>,
    /// The texts of defaults that cannot change: the commonest arguments.
    defaults: Vec<OnceLock<Vec<u8>>>,
    /// Whether a default that takes part is looked at in each call, as it may have changed.
    has_changing_default: bool,
    /// Names in `ignore=` that `**kwargs` takes.
    ignored_keywords: Vec<String>,
    /// Whether they are those of a function below a wrapper, which may supply arguments.
    is_wrapped: bool,
}

impl Parameters {
    /// Reads `outlive._parameters.KeyRules`.
    pub fn from_python(rules: &Bound<'_, PyAny>) -> PyResult<Self> {
        let params = rules.getattr("params")?.try_iter()?;
        let params = params.map(|param| Param::from_python(&param?));
        let params = params.collect::<PyResult<Vec<_>>>()?;
        let changes = |param: &Param| {
            let default = param.default.as_ref().map(|default| default.bind(rules.py()));
            param.role.counts_by_name() && default.is_some_and(may_change)
        };
        Ok(Self {
            has_changing_default: params.iter().any(changes),
            defaults: params.iter().map(|_| OnceLock::new()).collect(),
            params,
            ignored_keywords: rules.getattr("ignored_keywords")?.extract()?,
            is_wrapped: rules.getattr("is_wrapped")?.extract()?,
        })
    }

    /// Returns the parameters in the order of the signature.
    pub fn list(&self) -> &[Param] {
        &self.params
    }

    /// Returns where the text of the parameter's default is kept.
    pub fn default_text(&self, at: usize) -> &OnceLock<Vec<u8>> {
        &self.defaults[at]
    }

    /// Returns whether a call may get a default whose text has changed.
    pub fn has_changing_default(&self) -> bool {
        self.has_changing_default
    }

    /// Returns whether a wrapper may supply arguments.
    pub fn is_wrapped(&self) -> bool {
        self.is_wrapped
    }

    /// Returns the parameter that is the key by itself, where only one is.
    pub fn first_keyed(&self) -> Option<usize> {
        self.params.iter().position(|param| param.role != Role::Ignored)
    }

    /// Returns whether the positional argument `at` takes part in the key.
    pub fn counts_position(&self, at: usize) -> bool {
        use ParamKind::{PositionalOnly, PositionalOrKeyword, VarPositional};
        match self.params.get(at) {
            Some(param) if matches!(param.kind, PositionalOnly | PositionalOrKeyword) => {
                param.role != Role::Ignored
            }
            _ if self.is_wrapped => true,
            _ => self.params.iter().any(|p| p.kind == VarPositional && p.role != Role::Ignored),
        }
    }

    /// Returns whether the keyword `name` takes part in the key.
    pub fn counts_keyword(&self, name: &str) -> bool {
        let all = || self.params.iter().find(|param| param.kind == ParamKind::VarKeyword);
        !self.is_ignored_keyword(name)
            && self.named(name).or_else(all).is_none_or(|param| param.role.counts_by_name())
    }

    /// Returns whether `ignore=` names it although it is no parameter: `**kwargs` takes it.
    pub fn is_ignored_keyword(&self, name: &str) -> bool {
        self.ignored_keywords.iter().any(|ignored| ignored == name)
    }

    /// Returns the parameter of this name.
    pub fn named(&self, name: &str) -> Option<&Param> {
        self.params.iter().find(|param| param.name == name)
    }

    /// Visits the defaults, for the garbage collector.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        let mut defaults = self.params.iter().filter_map(|param| param.default.as_ref());
        defaults.try_for_each(|default| visit.call(default))
    }
}

//! One call's arguments, and how they meet the function's parameters.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

/// The arguments of one call.
pub struct Call<'py> {
    /// Positional arguments first, then the values of the keywords.
    values: Vec<Bound<'py, PyAny>>,
    /// The keywords' names, in the order of their values; `None` if there are none.
    names: Option<Bound<'py, PyTuple>>,
}

impl<'py> Call<'py> {
    /// From a vectorcall's array and its tuple of keyword names.
    pub fn new(values: Vec<Bound<'py, PyAny>>, names: Option<Bound<'py, PyTuple>>) -> Self {
        Self { values, names }
    }

    /// From `*args, **kwargs`.
    pub fn from_python(
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Self> {
        let (mut values, mut names): (Vec<_>, Vec<_>) = (args.iter().collect(), Vec::new());
        for (name, value) in kwargs.into_iter().flatten() {
            names.push(name.cast_into::<PyString>()?);
            values.push(value);
        }
        let names = (!names.is_empty()).then(|| PyTuple::new(args.py(), names)).transpose()?;
        Ok(Self { values, names })
    }

    /// All arguments, those given by name last.
    pub fn values(&self) -> &[Bound<'py, PyAny>] {
        &self.values
    }

    /// The names of the last arguments.
    pub fn names(&self) -> Option<&Bound<'py, PyTuple>> {
        self.names.as_ref()
    }

    fn named(&self) -> usize {
        self.names.as_ref().map_or(0, PyTupleMethods::len)
    }

    /// The positional arguments.
    pub fn positional(&self) -> &[Bound<'py, PyAny>] {
        &self.values[..self.values.len() - self.named()]
    }

    /// The keywords and their values.
    pub fn keywords(&self) -> impl Iterator<Item = (Bound<'py, PyString>, &Bound<'py, PyAny>)> {
        let names = self.names.iter().flat_map(PyTupleMethods::iter);
        // CPython itself makes sure that they are str.
        let names = names.map_while(|name| name.cast_into().ok());
        names.zip(&self.values[self.values.len() - self.named()..])
    }

    /// `*args` for a call of the function itself.
    pub fn args(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.positional())
    }

    /// `**kwargs` for a call of the function itself.
    pub fn kwargs(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        if self.names.is_none() {
            return Ok(None);
        }
        let kwargs = PyDict::new(py);
        for (name, value) in self.keywords() {
            kwargs.set_item(name, value)?;
        }
        Ok(Some(kwargs))
    }
}

/// How a parameter takes its argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By position only.
    Positional,
    /// By position or name.
    Either,
    /// `*args`.
    Rest,
    /// By name only.
    Keyword,
    /// `**kwargs`.
    Names,
}

/// What part a parameter takes in the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Its value stands in the key.
    Keyed,
    /// It makes no difference.
    Ignored,
    /// A digest of its value stands in the key.
    Secret,
}

/// One parameter of a memoised function.
#[derive(Debug)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// How it takes its argument.
    pub kind: Kind,
    /// Its part in the key.
    pub role: Role,
    /// Its default, if it has one.
    pub default: Option<Py<PyAny>>,
}

impl Param {
    /// From `outlive._signature`'s tuple `(name, kind, role, has_default, default)`.
    pub fn from_python(tuple: &Bound<'_, PyAny>) -> PyResult<Self> {
        let (name, kind, role, has_default, default): (String, u8, u8, bool, Py<PyAny>) =
            tuple.extract()?;
        let kind = match kind {
            0 => Kind::Positional,
            1 => Kind::Either,
            2 => Kind::Rest,
            3 => Kind::Keyword,
            _ => Kind::Names,
        };
        let role = match role {
            0 => Role::Keyed,
            1 => Role::Ignored,
            _ => Role::Secret,
        };
        Ok(Self { name, kind, role, default: has_default.then_some(default) })
    }
}

/// What the parameters got: one slot each, and what `*args` and `**kwargs` took.
pub struct Bindings<'py> {
    /// In the order of the parameters; a default stands in for what was not given.
    pub slots: Vec<Option<Bound<'py, PyAny>>>,
    /// What `*args` took.
    pub rest: Vec<Bound<'py, PyAny>>,
    /// What `**kwargs` took.
    pub names: Vec<(Bound<'py, PyString>, Bound<'py, PyAny>)>,
}

/// Binds `call` to `params` as Python would; None if Python would raise a `TypeError`.
pub fn bind<'py>(params: &[Param], call: &Call<'py>, py: Python<'py>) -> Option<Bindings<'py>> {
    let mut bound =
        Bindings { slots: vec![None; params.len()], rest: Vec::new(), names: Vec::new() };
    bind_positional(params, call, &mut bound)?;
    for (name, value) in call.keywords() {
        bind_keyword(params, &name, value, &mut bound)?;
    }
    for (param, slot) in params.iter().zip(&mut bound.slots) {
        if slot.is_none() && !matches!(param.kind, Kind::Rest | Kind::Names) {
            *slot = Some(param.default.as_ref()?.bind(py).clone());
        }
    }
    Some(bound)
}

fn bind_positional<'py>(
    params: &[Param],
    call: &Call<'py>,
    bound: &mut Bindings<'py>,
) -> Option<()> {
    let takes = |param: &&Param| matches!(param.kind, Kind::Positional | Kind::Either);
    let room = params.iter().take_while(takes).count();
    let given = call.positional();
    for (slot, value) in bound.slots.iter_mut().zip(&given[..given.len().min(room)]) {
        *slot = Some(value.clone());
    }
    if given.len() > room {
        params.iter().find(|param| param.kind == Kind::Rest)?;
        bound.rest.extend_from_slice(&given[room..]);
    }
    Some(())
}

fn bind_keyword<'py>(
    params: &[Param],
    name: &Bound<'py, PyString>,
    value: &Bound<'py, PyAny>,
    bound: &mut Bindings<'py>,
) -> Option<()> {
    // A name that is no UTF-8 is no parameter's, but `**kwargs` takes it.
    let text = name.to_cow().ok();
    let takes = |param: &Param| matches!(param.kind, Kind::Either | Kind::Keyword);
    let is_named = |param: &Param| text.as_deref() == Some(param.name.as_str());
    match params.iter().position(|param| takes(param) && is_named(param)) {
        Some(at) if bound.slots[at].is_some() => None,
        Some(at) => {
            bound.slots[at] = Some(value.clone());
            Some(())
        }
        None => {
            params.iter().find(|param| param.kind == Kind::Names)?;
            bound.names.push((name.clone(), value.clone()));
            Some(())
        }
    }
}

/// Calls `function` with the arguments of `call`, as they came: no tuple, no dict.
pub fn invoke<'py>(function: &Bound<'py, PyAny>, call: &Call<'py>) -> PyResult<Bound<'py, PyAny>> {
    crate::py::ffi::call(function, call)
}

/// Calls code of the user's, or of ours that is Python, with positional `args`.
pub fn call<'py, A>(function: &Bound<'py, PyAny>, args: A) -> PyResult<Bound<'py, PyAny>>
where
    A: IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>, Error: Into<PyErr>>,
{
    let args = args.into_pyobject(function.py()).map_err(Into::into)?;
    crate::py::ffi::call(function, &Call::new(args.iter().collect(), None))
}

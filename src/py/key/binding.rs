//! What the parameters of a function receive in a call.

use std::ops::{Deref, DerefMut};

use pyo3::prelude::*;
use pyo3::types::PyString;

use super::arguments::Call;
use super::parameters::{Param, ParamKind, Parameters};

/// What the parameters received: one slot each, and what `*args` and `**kwargs` took.
pub struct Bindings<'a, 'py> {
    /// In the order of the parameters. A default fills the slot of an argument that was not given,
    /// unless a wrapper may supply another value.
    pub slots: Slots<'a, 'py>,
    /// How many of the first parameters were given by position.
    pub positional: usize,
    /// What `*args` took.
    pub extra_positional: &'a [Bound<'py, PyAny>],
    /// What `**kwargs` took.
    pub extra_keywords: Vec<(Bound<'py, PyString>, &'a Bound<'py, PyAny>)>,
}

/// The argument of one parameter.
type Slot<'a, 'py> = Option<&'a Bound<'py, PyAny>>;

/// One slot for each parameter; those of most functions need no allocation.
pub enum Slots<'a, 'py> {
    /// The slots, and how many of them are in use.
    Few([Slot<'a, 'py>; FEW], usize),
    /// Any number.
    Many(Vec<Slot<'a, 'py>>),
}

const FEW: usize = 6;

impl Slots<'_, '_> {
    fn new(count: usize) -> Self {
        if count <= FEW { Self::Few([None; FEW], count) } else { Self::Many(vec![None; count]) }
    }
}

impl<'a, 'py> Deref for Slots<'a, 'py> {
    type Target = [Slot<'a, 'py>];

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Few(slots, count) => &slots[..*count],
            Self::Many(slots) => slots,
        }
    }
}

impl DerefMut for Slots<'_, '_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Self::Few(slots, count) => &mut slots[..*count],
            Self::Many(slots) => slots,
        }
    }
}

/// Binds `call` to `parameters` as Python would; None if Python would raise a `TypeError`.
pub fn bind<'a, 'py>(
    parameters: &'a Parameters,
    call: &'a Call<'_, 'py>,
    py: Python<'py>,
) -> Option<Bindings<'a, 'py>> {
    let params = parameters.list();
    let mut bound = Bindings {
        slots: Slots::new(params.len()),
        positional: 0,
        extra_positional: &[],
        extra_keywords: Vec::new(),
    };
    bind_positional(params, call, &mut bound)?;
    for (name, value) in call.keywords() {
        bind_keyword(params, &name, value, &mut bound)?;
    }
    for (param, slot) in params.iter().zip(&mut *bound.slots) {
        if slot.is_none() && !matches!(param.kind, ParamKind::VarPositional | ParamKind::VarKeyword)
        {
            let default = param.default.as_ref()?.bind(py);
            *slot = (!parameters.is_wrapped()).then_some(default);
        }
    }
    Some(bound)
}

fn bind_positional<'a, 'py>(
    params: &[Param],
    call: &'a Call<'_, 'py>,
    bound: &mut Bindings<'a, 'py>,
) -> Option<()> {
    let takes = |param: &&Param| {
        matches!(param.kind, ParamKind::PositionalOnly | ParamKind::PositionalOrKeyword)
    };
    let room = params.iter().take_while(takes).count();
    let given = call.positional();
    for (slot, value) in bound.slots.iter_mut().zip(&given[..given.len().min(room)]) {
        *slot = Some(value);
    }
    bound.positional = given.len().min(room);
    if given.len() > room {
        params.iter().find(|param| param.kind == ParamKind::VarPositional)?;
        bound.extra_positional = &given[room..];
    }
    Some(())
}

fn bind_keyword<'a, 'py>(
    params: &[Param],
    name: &Bound<'py, PyString>,
    value: &'a Bound<'py, PyAny>,
    bound: &mut Bindings<'a, 'py>,
) -> Option<()> {
    // A name that is not valid UTF-8 is no parameter's; `**kwargs` takes it.
    let text = name.to_cow().ok();
    let takes = |param: &Param| {
        matches!(param.kind, ParamKind::PositionalOrKeyword | ParamKind::KeywordOnly)
    };
    let is_named = |param: &Param| text.as_deref() == Some(param.name.as_str());
    match params.iter().position(|param| takes(param) && is_named(param)) {
        Some(at) if bound.slots[at].is_some() => None,
        Some(at) => {
            bound.slots[at] = Some(value);
            Some(())
        }
        None => {
            params.iter().find(|param| param.kind == ParamKind::VarKeyword)?;
            bound.extra_keywords.push((name.clone(), value));
            Some(())
        }
    }
}

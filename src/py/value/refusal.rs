//! Why a value cannot be stored, and where in it the reason stands.

use std::borrow::Cow;

use pyo3::prelude::*;

use crate::value::MAX_DEPTH;

/// A message shows this many steps of a path, half of them from each end.
const LONGEST_PATH: usize = 20;

/// What mends most refusals.
const USE_OTHERS: &str = "use JSON types (or tuples, sets, bytes, dates, decimals, ...) instead";

/// Behind so many bytes a set of sets of sets is not described any further.
const LONGEST_WHAT: usize = 200;

/// Why a value cannot go to the file: where in it, and what stands there.
#[derive(Debug, Default)]
pub struct Refusal {
    /// The steps from the offending part up to the result, innermost first.
    steps: Vec<String>,
    /// What the offending part is.
    pub what: String,
    /// What to do about it, if that is not what mends most.
    advice: Option<Cow<'static, str>>,
    /// Whether it is nested too deep, as copies of it would be.
    pub deep: bool,
    /// It is no refusal: the writing must begin anew, with care.
    pub again: bool,
    /// It is no refusal: this was raised while the value was written, and not because of it.
    pub raised: Option<PyErr>,
}

impl Refusal {
    /// No refusal: the writing must begin anew, with care.
    pub fn begin_anew() -> Box<Self> {
        Box::new(Self { again: true, ..Self::default() })
    }

    /// No refusal: somebody's signal handler raised `error` meanwhile.
    #[cold]
    pub fn interrupted(error: PyErr) -> Box<Self> {
        Box::new(Self { raised: Some(error), ..Self::default() })
    }

    /// Nothing of this kind can be stored.
    pub fn new(what: impl Into<String>) -> Box<Self> {
        Box::new(Self { what: what.into(), ..Self::default() })
    }

    /// No value of this type can be stored.
    pub fn of_type(value: &Bound<'_, PyAny>) -> Box<Self> {
        Self::new(type_name(value))
    }

    /// `what` cannot be stored; what to do about it.
    #[cold]
    pub fn advised(what: String, advice: Option<String>) -> Box<Self> {
        Box::new(Self { what, advice: advice.map(Cow::Owned), ..Self::default() })
    }

    /// It was found one step further in.
    pub fn at(mut self: Box<Self>, step: impl FnOnce() -> String) -> Box<Self> {
        if !self.again {
            self.steps.push(step());
        }
        self
    }

    /// It is nested too deep.
    #[cold]
    #[inline(never)]
    pub fn too_deep() -> Box<Self> {
        let what = format!(
            "nested deeper than {MAX_DEPTH} levels or than the stack of this thread allows, or in a circle"
        );
        Box::new(Self {
            what,
            advice: Some("return something flatter".into()),
            deep: true,
            ..Self::default()
        })
    }

    /// There is no memory for its text.
    #[cold]
    pub fn too_large() -> Box<Self> {
        let what = "more than there is memory for its text".to_owned();
        Box::new(Self { what, advice: Some("return less at once".into()), ..Self::default() })
    }

    /// Its text is longer than one result may be.
    #[cold]
    pub fn longer_than(largest: usize) -> Box<Self> {
        let what = format!("its text has more than the {largest} bytes that one result may have");
        Box::new(Self { what, advice: Some("return less at once".into()), ..Self::default() })
    }

    /// It was found in the item `n`.
    #[cold]
    #[inline(never)]
    pub fn in_item(self: Box<Self>, n: usize) -> Box<Self> {
        self.at(|| format!("[{n}]"))
    }

    /// It was found in the value of the member `key`.
    #[cold]
    #[inline(never)]
    pub fn in_member(self: Box<Self>, key: &Bound<'_, PyAny>) -> Box<Self> {
        self.at(|| format!("[{}]", shown(key)))
    }

    /// It was found in a set's member, which has no path of its own.
    #[cold]
    #[inline(never)]
    pub fn in_set(self: Box<Self>, kind: &str) -> Box<Self> {
        if self.again || self.raised.is_some() || self.what.len() > LONGEST_WHAT {
            return self;
        }
        let what = format!("{kind} of {}", self.what);
        Box::new(Self { what, advice: self.advice, deep: self.deep, ..Self::default() })
    }

    /// The sentence for the user: `result["items"][3]: set of object`, and what to do.
    pub fn describe(&self) -> String {
        let mut steps: Vec<&str> = self.steps.iter().rev().map(String::as_str).collect();
        if steps.len() > LONGEST_PATH {
            steps.splice(LONGEST_PATH / 2..steps.len() - LONGEST_PATH / 2, ["..."]);
        }
        let advice = self.advice.as_deref().unwrap_or(USE_OTHERS);
        format!("result{}: {}; {advice}", steps.concat(), self.what)
    }
}

/// `module.Class` of a value, without the module for built-in types.
pub fn type_name(value: &Bound<'_, PyAny>) -> String {
    let class = value.get_type();
    match class.fully_qualified_name() {
        Ok(name) => name.to_string(),
        Err(_) => "an unnamed type".to_owned(),
    }
}

/// A key or index for a message: `repr`, cut to a readable length.
#[inline(never)]
pub fn shown(value: &Bound<'_, PyAny>) -> String {
    let text = value.repr().map_or_else(|_| type_name(value), |repr| repr.to_string());
    if text.chars().count() > 60 {
        text.chars().take(57).chain("...".chars()).collect()
    } else {
        text
    }
}

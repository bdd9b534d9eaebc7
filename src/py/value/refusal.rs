//! The reason why a value cannot be stored, and where in it that is.

use std::borrow::Cow;

use pyo3::prelude::*;

use crate::value::MAX_DEPTH;

/// How many steps of a path a message shows, half of them from each end.
const LONGEST_PATH: usize = 20;

/// The remedy for most refusals.
const USE_OTHERS: &str = "use JSON types (or tuples, sets, bytes, dates, decimals, ...) instead";

/// How many bytes of a set of sets of sets are described.
const LONGEST_WHAT: usize = 200;

/// The reason why a value cannot go to the file: the offending part, and its place.
#[derive(Debug, Default)]
pub struct Refusal {
    /// The steps from the offending part up to the result, innermost first.
    steps: Vec<String>,
    /// A description of the offending part.
    pub what: String,
    /// What to do about it, if that differs from the usual remedy.
    advice: Option<Cow<'static, str>>,
    /// Whether it is nested too deeply, as copies of it would be.
    pub deep: bool,
    /// Not a refusal: the writing must begin anew, with care.
    pub again: bool,
    /// Not a refusal: this was raised while the value was written, and not because of it.
    pub raised: Option<PyErr>,
}

impl Refusal {
    /// Not a refusal: makes the writing begin anew, with care.
    pub fn begin_anew() -> Box<Self> {
        Box::new(Self { again: true, ..Self::default() })
    }

    /// Not a refusal: a signal handler raised `error` meanwhile.
    #[cold]
    pub fn interrupted(error: PyErr) -> Box<Self> {
        Box::new(Self { raised: Some(error), ..Self::default() })
    }

    /// Refuses a value of this kind.
    pub fn new(what: impl Into<String>) -> Box<Self> {
        Box::new(Self { what: what.into(), ..Self::default() })
    }

    /// Refuses a value for its type.
    pub fn of_type(value: &Bound<'_, PyAny>) -> Box<Self> {
        Self::new(type_name(value))
    }

    /// Refuses `what`, with advice.
    #[cold]
    pub fn advised(what: String, advice: Option<String>) -> Box<Self> {
        Box::new(Self { what, advice: advice.map(Cow::Owned), ..Self::default() })
    }

    /// Notes that it was found one step further in.
    pub fn at(mut self: Box<Self>, step: impl FnOnce() -> String) -> Box<Self> {
        if !self.again {
            self.steps.push(step());
        }
        self
    }

    /// Refuses a value that is nested too deeply.
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

    /// Refuses a value for whose text there is no memory.
    #[cold]
    pub fn too_large() -> Box<Self> {
        let what = "more than there is memory for its text".to_owned();
        Box::new(Self { what, advice: Some("return less at once".into()), ..Self::default() })
    }

    /// Refuses a value whose text is longer than one result may be.
    #[cold]
    pub fn longer_than(largest: usize) -> Box<Self> {
        let what = format!("its text has more than the {largest} bytes that one result may have");
        Box::new(Self { what, advice: Some("return less at once".into()), ..Self::default() })
    }

    /// Notes that it was found in the item `n`.
    #[cold]
    #[inline(never)]
    pub fn in_item(self: Box<Self>, n: usize) -> Box<Self> {
        self.at(|| format!("[{n}]"))
    }

    /// Notes that it was found in the value of the member `key`.
    #[cold]
    #[inline(never)]
    pub fn in_member(self: Box<Self>, key: &Bound<'_, PyAny>) -> Box<Self> {
        self.at(|| format!("[{}]", shown(key)))
    }

    /// Notes that it was found in a set's member, which has no path of its own.
    #[cold]
    #[inline(never)]
    pub fn in_set(self: Box<Self>, kind: &str) -> Box<Self> {
        if self.again || self.raised.is_some() || self.what.len() > LONGEST_WHAT {
            return self;
        }
        let what = format!("{kind} of {}", self.what);
        Box::new(Self { what, advice: self.advice, deep: self.deep, ..Self::default() })
    }

    /// Returns the sentence for the user: `result["items"][3]: set of object`, and what to do.
    pub fn describe(&self) -> String {
        let mut steps: Vec<&str> = self.steps.iter().rev().map(String::as_str).collect();
        if steps.len() > LONGEST_PATH {
            steps.splice(LONGEST_PATH / 2..steps.len() - LONGEST_PATH / 2, ["..."]);
        }
        let advice = self.advice.as_deref().unwrap_or(USE_OTHERS);
        format!("result{}: {}; {advice}", steps.concat(), self.what)
    }
}

/// Returns `module.Class` of a value, without the module for built-in types.
pub fn type_name(value: &Bound<'_, PyAny>) -> String {
    let class = value.get_type();
    match class.fully_qualified_name() {
        Ok(name) => name.to_string(),
        Err(_) => "an unnamed type".to_owned(),
    }
}

/// Returns a key or index for a message: its `repr`, cut to a readable length.
#[inline(never)]
pub fn shown(value: &Bound<'_, PyAny>) -> String {
    let text = value.repr().map_or_else(|_| type_name(value), |repr| repr.to_string());
    if text.chars().count() > 60 {
        text.chars().take(57).chain("...".chars()).collect()
    } else {
        text
    }
}

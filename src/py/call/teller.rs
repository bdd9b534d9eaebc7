//! Warnings about the calls of one function.

use std::sync::atomic::Ordering;

use pyo3::exceptions::{PyException, PyTypeError};
use pyo3::prelude::*;

use super::memoised::Memoised;
use super::patience::WORD;
use super::request::Request;
use crate::key::shown;
use crate::py::cache::values::{Unstorable, unstorable};
use crate::py::value::once::intern;
use crate::py::value::refusal::type_name;

/// Warns the user about one call.
#[derive(Clone, Copy)]
pub struct Teller<'a> {
    /// The function.
    pub me: &'a Memoised,
    /// What the call asks for.
    pub request: &'a Request,
}

impl Teller<'_> {
    /// Warns that a hit was computed by `cause`.
    pub fn collision(&self, py: Python<'_>, cause: &str) -> PyResult<()> {
        self.me.told.collision.store(true, Ordering::Relaxed);
        let sentence = format!(
            "{} was answered with the result of {cause}: only the first argument is the key, and \
             both have {}; use @memoise(key=\"all\") to tell such calls apart",
            self.me.name,
            shown(&self.request.key),
        );
        self.warn(py, "KeyCollisionWarning", &sentence)
    }

    /// Warns, once for each function, that an option's callable raised: the result is not lost.
    pub fn raising(&self, py: Python<'_>, option: &str, error: PyErr) -> PyResult<()> {
        if !error.is_instance_of::<PyException>(py) {
            return Err(error);
        }
        if self.me.told.raising.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let sentence = format!(
            "{option}= of {} raised {}: {}; the result was returned",
            self.me.name,
            type_name(error.value(py)),
            error.value(py),
        );
        self.warn(py, "OutliveWarning", &sentence)
    }

    /// Warns that a result is not kept, because the first caller uses up `part` of it.
    pub fn used_up(&self, py: Python<'_>, value: &Bound<'_, PyAny>, part: &str) -> PyResult<()> {
        let sentence = format!(
            "the result of {} can be used only once ({part}), so it is not kept and every call \
             computes; return what it gives, such as list(...) of an iterator or the text of a \
             file, and decorate the async def function itself rather than one that calls it",
            self.me.name,
        );
        self.once(py, value, sentence)
    }

    /// Warns that a result is kept in this process only.
    pub fn unstorable(&self, py: Python<'_>, refused: &Unstorable) -> PyResult<()> {
        let sentence = self.unstorable_sentence(refused) + &refused.kept_how(py);
        self.warn_once(py, &sentence)
    }

    /// Warns, once for each function, that a result is larger than all entries may be.
    pub fn too_large(&self, py: Python<'_>, size: u64, most: u64) -> PyResult<()> {
        let is_told = self.me.told.too_large.swap(true, Ordering::Relaxed);
        if is_told || self.request.options.on_unstorable == "ignore" {
            return Ok(());
        }
        let what = self.what();
        self.me.core.get().file.get().notifier.tell_too_large(py, &what, size, most)
    }

    /// Names the result that the call asks for.
    fn what(&self) -> String {
        format!("the result of {} for key {}", self.me.name, shown(&self.request.key))
    }

    fn unstorable_sentence(&self, refused: &Unstorable) -> String {
        unstorable(&self.what(), &refused.part)
    }

    /// Returns the error of `on_unstorable="raise"`: the result, which was paid for, is its
    /// attribute `result`.
    pub fn unstorable_error(
        &self,
        py: Python<'_>,
        value: &Bound<'_, PyAny>,
        refused: &Unstorable,
    ) -> PyResult<PyErr> {
        with_result(py, self.unstorable_sentence(refused), value)
    }

    /// Warns, or raises, as `on_unstorable=` says.
    fn once(&self, py: Python<'_>, value: &Bound<'_, PyAny>, sentence: String) -> PyResult<()> {
        if self.request.options.on_unstorable == "raise" {
            return Err(with_result(py, sentence, value)?);
        }
        self.warn_once(py, &sentence)
    }

    fn warn(&self, py: Python<'_>, class: &str, sentence: &str) -> PyResult<()> {
        self.me.warn(py, class, sentence)
    }

    fn warn_once(&self, py: Python<'_>, sentence: &str) -> PyResult<()> {
        if matches!(self.request.options.on_unstorable.as_str(), "warn" | "plain")
            && !self.me.told.unstorable.swap(true, Ordering::Relaxed)
        {
            self.warn(py, "UnstorableWarning", sentence)?;
        }
        Ok(())
    }

    /// Warns that the call waits for `who`.
    pub fn wait(&self, py: Python<'_>, who: &str) -> PyResult<()> {
        let sentence = format!(
            "{} has waited {} s for its result: {who} computes it, under the key {}; it goes on \
             waiting, and wait= bounds that",
            self.me.name,
            WORD.as_secs(),
            shown(&self.request.key),
        );
        self.warn(py, "WaitingWarning", &sentence)
    }

    /// Warns once that results of another program were found.
    pub fn other_program(&self, py: Python<'_>) -> PyResult<()> {
        if self.me.told.collision.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let name = &self.me.name;
        let sentence = format!(
            "{name} finds results of another program that has a function of this name, or of this \
             one before it was edited: they are computed anew; tell the two apart with name=... or \
             give each program a file of its own"
        );
        self.warn(py, "KeyCollisionWarning", &sentence)
    }

    /// Warns once that results of an earlier state of the function are served.
    pub fn code_change(&self, py: Python<'_>) -> PyResult<()> {
        if self.me.told.code.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let name = &self.me.name;
        let sentence = format!(
            "{name}, or a constant that it reads, was edited since results of it were kept, and the \
             old results are served: compute them anew with {name}.cache_clear() or \
             on_code_change=\"recompute\", or say that they hold with on_code_change=\"ignore\""
        );
        self.warn(py, "CodeChangedWarning", &sentence)
    }
}

/// Returns a `TypeError` whose attribute `result` is what the function returned.
fn with_result(py: Python<'_>, sentence: String, value: &Bound<'_, PyAny>) -> PyResult<PyErr> {
    let error = PyTypeError::new_err(sentence);
    error.value(py).setattr(intern!(py, "result"), value)?;
    Ok(error)
}

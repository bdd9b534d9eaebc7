//! Results made by other code: an earlier state of the function, or another program's.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use pyo3::prelude::*;

use super::code_note::{CodeNote, MadeBy};
use super::memoised::Memoised;
use super::provenance::Provenance;
use crate::py::value::callbacks::prepare;
use crate::py::value::once::intern;
use crate::store::{Code, Notes};

impl Memoised {
    /// Returns what results of this function record about its code; found out once.
    pub(super) fn code_note(&self, py: Python<'_>) -> PyResult<&CodeNote> {
        if let Some(known) = self.code.get() {
            return Ok(known);
        }
        let registration = self.registration.bind(py);
        prepare(py);
        let found = registration.call_method1(intern!(py, "code_note"), (&self.function,))?;
        let (code, script): (Option<String>, Option<Vec<u8>>) = found.extract()?;
        let script = script.map(|script| Arc::new(Bytes::from(script)));
        let note = CodeNote { code: code.and_then(Code::new), script };
        Ok(self.code.get_or_init(|| note))
    }
}

impl Provenance<'_> {
    /// Records the code that made a result.
    pub(super) fn note_code(&self, py: Python<'_>, notes: &mut Notes) -> PyResult<()> {
        if self.me.keys.is_flat() {
            return Ok(());
        }
        let note = self.me.code_note(py)?;
        notes.code = note.code;
        notes.others = note.script.clone().filter(|script| !script.is_empty());
        Ok(())
    }

    /// Returns whether a result may be served, judged by the code that made it.
    pub(super) fn is_of_this_code(&self, py: Python<'_>, notes: &Notes) -> PyResult<bool> {
        if notes.code.is_none() || self.me.keys.is_flat() {
            return Ok(true);
        }
        let policy = self.request.options.on_code_change.as_str();
        match self.me.code_note(py)?.made(notes) {
            MadeBy::This => Ok(true),
            MadeBy::OtherProgram => self.teller().other_program(py).map(|()| false),
            MadeBy::OtherCode if self.me.is_contested.load(Ordering::Relaxed) => Ok(false),
            MadeBy::OtherCode if policy == "recompute" => Ok(false),
            MadeBy::OtherCode if policy == "ignore" => Ok(true),
            MadeBy::OtherCode => self.teller().code_change(py).map(|()| true),
        }
    }
}

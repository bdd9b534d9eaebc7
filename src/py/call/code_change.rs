//! Results made by other code: an earlier state of the function, or another program's.

use std::sync::atomic::Ordering;

use pyo3::prelude::*;

use super::code_note::MadeBy;
use super::provenance::Provenance;
use crate::store::Notes;

impl Provenance<'_> {
    /// Records the code that made a result.
    pub(super) fn note_code(&self, py: Python<'_>, notes: &mut Notes) -> PyResult<()> {
        if self.me.keys.is_flat() {
            return Ok(());
        }
        let note = self.me.code.of(py, &self.me.function, &self.me.registration)?;
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
        let me = self.me;
        match me.code.of(py, &me.function, &me.registration)?.made(notes) {
            MadeBy::This => Ok(true),
            MadeBy::OtherProgram => self.teller().other_program(py).map(|()| false),
            MadeBy::OtherCode if self.me.is_contested.load(Ordering::Relaxed) => Ok(false),
            MadeBy::OtherCode if policy == "recompute" => Ok(false),
            MadeBy::OtherCode if policy == "ignore" => Ok(true),
            MadeBy::OtherCode => self.teller().code_change(py).map(|()| true),
        }
    }
}

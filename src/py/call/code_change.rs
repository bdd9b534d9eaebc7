//! Results that other code made: an earlier state of the function, or another program's.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use pyo3::intern;
use pyo3::prelude::*;

use super::code_note::{CodeNote, MadeBy};
use super::invocation::Invocation;
use super::memoised::Memoised;
use crate::store::{Code, Notes};

impl Memoised {
    /// What results of this function note of its code; found out once.
    pub(super) fn code_note(&self, py: Python<'_>) -> PyResult<&CodeNote> {
        if let Some(known) = self.code.get() {
            return Ok(known);
        }
        let registration = self.registration.bind(py);
        let found = registration.call_method1(intern!(py, "code_note"), (&self.function,))?;
        let (code, script): (Option<String>, Option<Vec<u8>>) = found.extract()?;
        let note = CodeNote { code: code.and_then(Code::new), script: script.map(Bytes::from) };
        Ok(self.code.get_or_init(|| note))
    }
}

impl<'py> Invocation<'_, 'py> {
    /// Notes the code that made a result.
    pub(super) fn note_code(&self, py: Python<'py>, notes: &mut Notes) -> PyResult<()> {
        if self.me.keys.is_flat() {
            return Ok(());
        }
        let note = self.me.code_note(py)?;
        notes.code = note.code;
        notes.others = note.script.clone().filter(|script| !script.is_empty()).map(Box::new);
        Ok(())
    }

    /// Whether a result may be served, for all that is known of the code that made it.
    pub(super) fn is_of_this_code(&self, py: Python<'py>, notes: &Notes) -> PyResult<bool> {
        if notes.code.is_none() || self.me.keys.is_flat() {
            return Ok(true);
        }
        let policy = self.options.on_code_change.as_str();
        match self.me.code_note(py)?.made(notes) {
            MadeBy::This => Ok(true),
            MadeBy::OtherProgram => self.tell_other_program(py).map(|()| false),
            MadeBy::OtherCode if self.me.is_contested.load(Ordering::Relaxed) => Ok(false),
            MadeBy::OtherCode if policy == "recompute" => Ok(false),
            MadeBy::OtherCode if policy == "ignore" => Ok(true),
            MadeBy::OtherCode => self.tell_code_change(py).map(|()| true),
        }
    }

    fn tell_other_program(&self, py: Python<'py>) -> PyResult<()> {
        if self.me.collision_told.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let name = &self.me.name;
        let sentence = format!(
            "{name} finds results of another program that has a function of this name, or of this \
             one before it was edited: they are computed anew; tell the two apart with name=... or \
             give each program a file of its own"
        );
        self.core.get().warn(py, "KeyCollisionWarning", &sentence)
    }

    fn tell_code_change(&self, py: Python<'py>) -> PyResult<()> {
        if self.me.code_told.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let name = &self.me.name;
        let sentence = format!(
            "{name} was edited since results of it were kept, and the old results are served: \
             compute them anew with {name}.cache_clear() or on_code_change=\"recompute\", or say \
             that they hold with on_code_change=\"ignore\""
        );
        self.core.get().warn(py, "CodeChangedWarning", &sentence)
    }
}

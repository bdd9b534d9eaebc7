//! What a result records about the code that made it, and what that says later.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use pyo3::prelude::*;

use crate::py::value::callbacks::prepare;
use crate::py::value::once::intern;
use crate::store::{Code, Notes};

/// The code of one function, as its results record it.
#[derive(Debug)]
pub struct CodeNote {
    /// The digest of the code; None if there is nothing to compare.
    pub code: Option<Code>,
    /// `{"script": "folder/file"}` for a function of a module that is run as a program; empty if it
    /// is in no file.
    pub script: Option<Arc<Bytes>>,
}

/// What results record about the code of one function, once that was asked for.
#[derive(Debug, Default)]
pub struct CodeRecord(OnceLock<CodeNote>);

impl CodeRecord {
    /// Returns what results of `function` record about its code; found out once.
    pub fn of(
        &self,
        py: Python<'_>,
        function: &Py<PyAny>,
        registration: &Py<PyAny>,
    ) -> PyResult<&CodeNote> {
        if let Some(known) = self.0.get() {
            return Ok(known);
        }
        prepare(py);
        let found = registration.bind(py).call_method1(intern!(py, "code_note"), (function,))?;
        let (code, script): (Option<String>, Option<Vec<u8>>) = found.extract()?;
        let script = script.map(|script| Arc::new(Bytes::from(script)));
        let note = CodeNote { code: code.and_then(Code::new), script };
        Ok(self.0.get_or_init(|| note))
    }
}

/// The state of the function that made a result.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum MadeBy {
    /// The function as it is now, as far as is known.
    This,
    /// An earlier state of the function, or a later one.
    OtherCode,
    /// A function of this name in another program.
    OtherProgram,
}

impl CodeNote {
    /// Returns the state of the function that made a result with these notes.
    pub fn made(&self, notes: &Notes) -> MadeBy {
        let (Some(mine), Some(other)) = (self.code, notes.code) else { return MadeBy::This };
        // The first character stands for the minor version of Python; two versions are never
        // compared.
        if mine == other || mine.as_bytes()[0] != other.as_bytes()[0] {
            return MadeBy::This;
        }
        let Some(script) = &self.script else { return MadeBy::OtherCode };
        let further = notes.others.as_deref();
        if script.is_empty()
            || further.is_some_and(|further| names_script(further) && !names(further, script))
        {
            return MadeBy::OtherProgram;
        }
        MadeBy::OtherCode
    }
}

/// Returns whether the further members of an entry name a script, which comes first.
fn names_script(further: &[u8]) -> bool {
    further.starts_with(b"{\"script\": ")
}

/// Returns whether the further members of an entry begin with those of `script`.
fn names(further: &[u8], script: &[u8]) -> bool {
    let open = script.strip_suffix(b"}").unwrap_or(script);
    further.strip_prefix(open).is_some_and(|rest| matches!(rest.first(), Some(b'}' | b',')))
}

/// Adds the members of the JSON object `more` to the further members of an entry.
pub fn note_further(notes: &mut Notes, more: &Bytes) {
    let joined = match notes.others.as_deref().and_then(|known| known.strip_suffix(b"}")) {
        Some(known) => Bytes::from([known, b", ", &more[1..]].concat()),
        None => more.clone(),
    };
    notes.others = Some(Arc::new(joined));
}

//! What a result of the drop-in records about the call that made it, as its key is the first
//! argument alone: `{"maker": "5d2c01b9e0a3f411"}`.
//!
//! An entry without a note was made by a call that gave nothing but the first argument. So the file
//! of a program with one function of one argument holds nothing but keys and values.

use std::sync::Arc;

use bytes::Bytes;
use pyo3::prelude::*;

use super::provenance::Provenance;
use crate::cache::Origin;
use crate::key::fnv1a;
use crate::store::Notes;

const BEFORE: &[u8] = b"{\"maker\": \"";

/// Digests of a function's name and of the arguments after the first.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Maker {
    function: u32,
    others: u32,
}

/// How a call differs from the one that made its result.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    Function,
    Arguments,
}

impl Maker {
    fn to_note(self) -> Bytes {
        let Self { function, others } = self;
        [BEFORE, format!("{function:08x}{others:08x}\"}}").as_bytes()].concat().into()
    }

    fn of(notes: &Notes) -> Option<Self> {
        let digits = notes.others.as_deref()?.strip_prefix(BEFORE)?.get(..16)?;
        let digits = u64::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
        Some(Self { function: half(digits >> 32), others: half(digits) })
    }
}

/// Returns the digest by which results name a function.
pub fn function_digest(name: &str) -> u32 {
    folded(fnv1a(name.as_bytes()))
}

fn folded(digest: u64) -> u32 {
    half(digest ^ (digest >> 32))
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
fn half(digits: u64) -> u32 {
    digits as u32
}

impl Provenance<'_> {
    /// Records which call made a result, where another one could have its key.
    pub(super) fn note_maker(&self, py: Python<'_>, notes: &mut Notes) {
        let Some(others) = self.others() else { return };
        if self.me.core.get().file.get().has_several_functions()
            || self.me.keys.plain_call(py) != Some(others)
        {
            let function = function_digest(&self.me.name);
            let note = Maker { function, others: folded(others) }.to_note();
            notes.others = Some(Arc::new(note));
        }
    }

    /// Returns how the call that made a result with these notes differs from this one, if it is
    /// known to.
    pub(super) fn maker_differs(&self, py: Python<'_>, notes: &Notes) -> Option<Difference> {
        let others = self.others()?;
        let Some(maker) = Maker::of(notes) else {
            let plain = self.me.keys.plain_call(py)?;
            return (others != plain).then_some(Difference::Arguments);
        };
        if maker.function != function_digest(&self.me.name) {
            return Some(Difference::Function);
        }
        (maker.others != folded(others)).then_some(Difference::Arguments)
    }

    fn others(&self) -> Option<u64> {
        self.request.origin.and_then(|Origin { others, .. }| others)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Maker;
    use crate::store::Notes;

    /// A note is read as it was written, also if further members follow it.
    #[test]
    fn notes_come_back() {
        let maker = Maker { function: 0x5d2c_01b9, others: 7 };
        let note = maker.to_note();
        assert_eq!(note, "{\"maker\": \"5d2c01b900000007\"}");
        let more = [&note[..note.len() - 1], b", \"x\": 1}"].concat();
        for text in [note.to_vec(), more] {
            let notes = Notes { others: Some(Arc::new(text.into())), ..Notes::default() };
            assert!(Maker::of(&notes) == Some(maker));
        }
        assert!(Maker::of(&Notes::default()).is_none());
    }
}

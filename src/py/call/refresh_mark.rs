//! Results that are being refreshed in the background: the file says so, so that a later process
//! repeats a refresh that the end of this one cuts off.

use std::sync::Arc;

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::code_note::note_further;
use super::invocation::Invocation;
use crate::cache::Entry;
use crate::py::cache::away::away;
use crate::py::cache::core::CoreCache;
use crate::py::cache::{PyCache, PyLease, PyStaleResult};
use crate::py::value::once::intern;
use crate::py::value::wtf8::{from_wtf8, with_wtf8};
use crate::store::{KeyLock, Notes};

/// The mark, which comes last among the further members of an entry.
const MARK: &[u8] = b"\"refreshing\": true}";

/// Returns whether an entry's refresh was begun and its end was not noted.
pub fn is_marked(notes: &Notes) -> bool {
    notes.others.as_deref().is_some_and(|others| others.ends_with(MARK))
}

fn mark(notes: &mut Notes) {
    note_further(notes, &Bytes::from([b"{", MARK].concat()));
}

fn unmark(notes: &mut Notes) {
    let Some(rest) = notes.others.as_deref().and_then(|others| others.strip_suffix(MARK)) else {
        return;
    };
    let rest = rest.strip_suffix(b", ").map(|members| [members, b"}"].concat());
    notes.others = rest.map(|members| Arc::new(members.into()));
}

/// Notes in the file that the result under `key` is being refreshed, or no longer is.
pub fn note(core: &Bound<'_, CoreCache>, key: &Bound<'_, PyString>, begins: bool) -> PyResult<()> {
    if core.get().file.get().path.is_none() || !CoreCache::may_write(core)? {
        return Ok(());
    }
    let (core, py, key) = (core.get(), core.py(), with_wtf8(key, Bytes::copy_from_slice)?);
    away(py, core.cache(), |cache| note_refresh(cache, &key, begins));
    core.tell(py)
}

/// Adds the mark to the entry of `key`, or removes it.
fn note_refresh(cache: &PyCache, key: &Bytes, begins: bool) {
    // The holder of the key computes a result of its own, which must not be replaced.
    let KeyLock::Held(_lock) = cache.lock_key(key) else { return };
    // A purge from here on outdates the mark, which carries the result.
    let begun = Some(cache.begin(key));
    cache.take_external_changes();
    let Some(found) = cache.peek(key).filter(|it| is_marked(&it.entry.notes) != begins) else {
        return;
    };
    let mut entry = Entry { liveness: None, ..found.entry };
    if begins {
        mark(&mut entry.notes);
    } else {
        unmark(&mut entry.notes);
    }
    // A failure is in the store's notices.
    let _ = PyLease::late(PyStaleResult::default(), begun).put(cache, key, entry);
}

impl Invocation<'_, '_> {
    /// Returns whether the refresh of a result with these notes was cut off: no process is at it
    /// any more, although its end was not noted.
    pub(super) fn was_cut_off(&self, py: Python<'_>, notes: &Notes) -> PyResult<bool> {
        if !is_marked(notes) || !self.request.mode.writes() {
            return Ok(false);
        }
        let Some(refresher) = &self.request.options.refresher else { return Ok(false) };
        let key = from_wtf8(py, &self.request.key)?;
        if refresher.bind(py).call_method1(intern!(py, "is_at"), (key,))?.is_truthy()? {
            return Ok(false);
        }
        let key = &self.request.key;
        Ok(away(py, self.cache(), |cache| cache.lock_key(key).held().is_some()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{is_marked, mark, unmark};
    use crate::store::Notes;

    /// A mark follows whatever else is noted, and is removed without a trace.
    #[test]
    fn marks_come_and_go() {
        for others in [None, Some(b"{\"script\": \"a/b.py\"}".as_slice())] {
            let others = others.map(|others| Arc::new(others.into()));
            let before = Notes { others, ..Notes::default() };
            let mut notes = before.clone();
            mark(&mut notes);
            assert!(is_marked(&notes) && !is_marked(&before));
            unmark(&mut notes);
            assert_eq!(notes, before);
        }
    }
}

//! Recording a result: its text, a snapshot of what has none, and what is noted with it.

use std::sync::Arc;

use bytes::Bytes;
use pyo3::prelude::*;

use super::memoised::Memoised;
use super::provenance::Provenance;
use super::request::Request;
use super::teller::Teller;
use crate::cache::Entry;
use crate::py::cache::values::{Unstorable, Values};
use crate::py::ffi::call_with;
use crate::py::value::callbacks;
use crate::py::value::immutable::is_immutable;
use crate::py::value::once::intern;
use crate::py::value::stored_text::to_text;
use crate::py::value::template::Template;

/// The snapshot of a result, and the part of it that cannot be stored, if there is one. Boxed, as it
/// passes many hands on its way to the table.
pub type Recorded = (Box<Entry<Arc<Template>>>, Option<Unstorable>);

/// Records the results of one call.
#[derive(Clone, Copy)]
pub struct Recorder<'a> {
    /// The function.
    pub me: &'a Memoised,
    /// What the call asks for.
    pub request: &'a Request,
}

impl<'a> Recorder<'a> {
    fn teller(&self) -> Teller<'a> {
        Teller { me: self.me, request: self.request }
    }

    /// Returns the snapshot of `value`, and the part of it that cannot be stored.
    pub fn entry(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<Recorded> {
        let mut entry = Box::new(Entry::new(Some(self.request.options.now(py)?)));
        entry.liveness = self.me.core.get().cache().gate().uses.new_liveness();
        entry.timed = self.request.options.expires();
        entry.transient = self.request.is_transient();
        entry.origin = self.request.origin;
        let provenance = Provenance { me: self.me, request: self.request };
        provenance.note_code(py, &mut entry.notes)?;
        provenance.note_maker(py, &mut entry.notes);
        let classes = self.request.classes(self.me);
        match to_text(value, self.me.core.get().file.get().charset, classes) {
            Ok(text) => {
                entry.live = self.live_of(py, value, &text)?;
                entry.text = Some(text);
                Ok((entry, None))
            }
            Err(mut refusal) => {
                if let Some(error) = refusal.raised.take() {
                    return Err(error);
                }
                let (live, uncopied) =
                    Template::unstorable(value, self.request.options.copy, refusal.deep);
                entry.live = Some(Arc::new(live));
                Ok((entry, Some(Unstorable { part: refusal.describe(), uncopied })))
            }
        }
    }

    /// Returns a result and its snapshot; with `on_unstorable="plain"`, the plain form of a result
    /// that cannot be stored, which the caller then gets, too.
    pub fn storable<'py>(
        &self,
        py: Python<'py>,
        value: Bound<'py, PyAny>,
    ) -> PyResult<(Bound<'py, PyAny>, Recorded)> {
        let (entry, refused) = self.entry(py, &value)?;
        if refused.is_some()
            && self.request.options.on_unstorable == "plain"
            && let Ok(plain) = callbacks::plain(&value)
        {
            let recorded = self.entry(py, &plain)?;
            return Ok((plain, recorded));
        }
        Ok((value, (entry, refused)))
    }

    /// Returns what can be served without decoding the text: an immutable result, or the shared
    /// one.
    fn live_of(
        &self,
        py: Python<'_>,
        value: &Bound<'_, PyAny>,
        text: &Bytes,
    ) -> PyResult<Option<Arc<Template>>> {
        if is_immutable(value)? {
            return Ok(Some(Arc::new(Template::same(value.clone()))));
        }
        if self.request.options.copy {
            return Ok(None);
        }
        let classes = self.request.classes(self.me);
        let Ok(live) = (Values { core: self.me.core.get(), classes, py }).template(text) else {
            return Ok(None);
        };
        live.share(value);
        Ok(Some(Arc::new(live)))
    }

    /// Returns the part of a result that can be used only once, such as an iterator or an open
    /// file.
    pub fn used_up_part(
        &self,
        py: Python<'_>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<Option<String>> {
        let registration = self.me.registration.bind(py);
        registration.call_method1(intern!(py, "used_up"), (value,))?.extract()
    }

    /// Returns what `cache_if=` says of a result; if it raises, the result is not kept.
    pub fn is_wanted(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        let Some(wanted) = &self.request.options.cache_if else { return Ok(true) };
        let said = call_with(wanted.bind(py), (value,)).and_then(|said| said.is_truthy());
        said.or_else(|error| self.teller().raising(py, "cache_if", error).map(|()| false))
    }

    /// Returns what is noted with a result: its tags, its cost and the like.
    pub fn noted(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<Option<Bytes>> {
        let Some(noted) = &self.request.options.noted else { return Ok(None) };
        let text: Option<Vec<u8>> = call_with(noted.bind(py), (value,))?.extract()?;
        Ok(text.map(Bytes::from))
    }
}

//! The cache's values: texts decoded once, and kept beside what they were decoded from.

use std::sync::Arc;

use bytes::Bytes;
use pyo3::prelude::*;

use super::PyFound;
use super::away::away;
use super::core::CoreCache;
use crate::cache::Entry;
use crate::clock;
use crate::key::shown;
use crate::py::value::classes::Classes;
use crate::py::value::decode::{decode, template};
use crate::py::value::failure::Failure;
use crate::py::value::immutable::is_immutable;
use crate::py::value::stored_text::to_text;
use crate::py::value::template::Template;

/// The source of a hit's result.
pub enum Source<'py> {
    /// An object that was decoded for this hit alone.
    Fresh(Bound<'py, PyAny>),
    /// A copy of this.
    Template(Arc<Template>),
}

impl<'py> Source<'py> {
    /// The value: a copy, the object itself if it cannot change, or the one that was decoded.
    pub fn value(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Fresh(value) => Ok(value.clone()),
            Self::Template(live) => live.serve(py),
        }
    }
}

/// The values of a cache, for an owner that knows certain classes.
#[derive(Clone, Copy)]
pub struct Values<'a, 'py> {
    /// The cache.
    pub core: &'a CoreCache,
    /// The classes whose instances can be stored.
    pub classes: Classes<'a>,
    /// The interpreter that the values are objects of.
    pub py: Python<'py>,
}

impl<'py> Values<'_, 'py> {
    /// A copy of the value of `key`; None if there is none.
    pub fn get(&self, key: &Bytes) -> PyResult<Option<Bound<'py, PyAny>>> {
        let found = away(self.py, &self.core.cache, |cache| cache.hit(key, None));
        let Some(found) = found else { return Ok(None) };
        self.source(key, &found)?.map(|source| source.value(self.py)).transpose()
    }

    /// Returns what to serve a copy of an entry from; None if its text is bad.
    ///
    /// Most results are used once in a run, and objects take several times the memory of their
    /// text: the first hit decodes the text and keeps nothing, the second makes a template.
    pub fn source(&self, key: &Bytes, found: &PyFound) -> PyResult<Option<Source<'py>>> {
        let entry = &found.entry;
        let text = entry.text.as_ref().filter(|_| entry.live.is_none() && found.first_use);
        let Some(text) = text else {
            return Ok(self.live(key, entry)?.map(Source::Template));
        };
        let Some(value) = self.sound(key, text, self.decode(text))? else { return Ok(None) };
        if !is_immutable(&value)? {
            return Ok(Some(Source::Fresh(value)));
        }
        let live = Arc::new(Template::same(value));
        self.core.cache.keep_live(key, text, &live);
        Ok(Some(Source::Template(live)))
    }

    /// Returns the decoded form of an entry, which is kept beside it; None if its text is bad.
    pub fn live(
        &self,
        key: &Bytes,
        entry: &Entry<Arc<Template>>,
    ) -> PyResult<Option<Arc<Template>>> {
        if let Some(live) = &entry.live {
            return Ok(Some(Arc::clone(live)));
        }
        let Some(text) = &entry.text else { return Ok(None) };
        let live = self.sound(key, text, self.template(text))?;
        let Some(live) = live.map(Arc::new) else { return Ok(None) };
        self.core.cache.keep_live(key, text, &live);
        Ok(Some(live))
    }

    /// Returns what was decoded. None if the text is bad: the entry is dropped, and a copy of the
    /// file kept. Also None if its class is missing: then the entry stays, for a program that has
    /// the class.
    fn sound<T>(
        &self,
        key: &Bytes,
        text: &Bytes,
        decoded: Result<T, Failure>,
    ) -> PyResult<Option<T>> {
        let (core, classes, py) = (self.core, self.classes, self.py);
        match decoded {
            Ok(value) => Ok(Some(value)),
            Err(Failure::Python(error)) => Err(error),
            Err(Failure::Class(error)) => classes.tell(py, &shown(key), &error).map(|()| None),
            Err(Failure::Text(error)) => {
                let why = format!("the value of {}: {error}", shown(key));
                core.cache.discard(key, text, &why, core.is_writable());
                core.tell(py)?;
                Ok(None)
            }
        }
    }

    /// Returns the value of a text.
    pub fn decode(&self, text: &[u8]) -> Result<Bound<'py, PyAny>, Failure> {
        self.core.file.get().names.with(|names| decode(self.py, text, names, self.classes))
    }

    /// Returns the template that hits on a text are served from.
    pub fn template(&self, text: &Bytes) -> Result<Template, Failure> {
        let made =
            self.core.file.get().names.with(|names| template(self.py, text, names, self.classes));
        let made = made?;
        let live = Template::new(made.0);
        #[cfg(Py_GIL_DISABLED)]
        let live = if made.1 { live } else { live.of_text(text) }; // classes are known only here
        Ok(live)
    }

    /// Keeps `value` under `key` at the request of the program; in the file, too, if `durable`.
    pub fn put(&self, key: &Bytes, value: &Bound<'py, PyAny>, durable: bool) -> PyResult<()> {
        let (core, py) = (self.core, self.py);
        let mut entry = Entry::new(Some(clock::now()));
        entry.transient = !durable;
        match to_text(value, core.file.get().charset, self.classes) {
            Ok(text) => entry.text = Some(text),
            Err(mut refusal) => {
                if let Some(error) = refusal.raised.take() {
                    return Err(error);
                }
                let (live, uncopied) = Template::unstorable(value, true, refusal.deep);
                entry.live = Some(Arc::new(live));
                let refused = Unstorable { part: refusal.describe(), uncopied };
                let sentence = unstorable(&format!("the value of {}", shown(key)), &refused.part);
                core.file.get().notifier.warn(
                    py,
                    "UnstorableWarning",
                    &(sentence + &refused.kept_how(py)),
                )?;
            }
        }
        // What only this process can hold takes an older result out of a mapping.
        let _brought =
            if entry.text.is_none() { core.file.get().bring().entry(py, key)? } else { None };
        let size = entry.stored_size();
        let _ = away(py, &core.cache, |cache| cache.put(key, entry));
        core.limits.get().keep(Some(key), durable);
        if let Some((size, most)) = core.limits.get().outgrown(size) {
            let what = format!("the value of {}", shown(key));
            core.file.get().notifier.tell_too_large(py, &what, size, most)?;
        }
        core.tell(py)
    }
}

/// The reason why a value cannot be stored, and whether it can be copied.
pub struct Unstorable {
    /// The offending part, and its type.
    pub part: String,
    /// The reason why every hit is the same object, if copies were wanted.
    pub uncopied: Option<PyErr>,
}

impl Unstorable {
    /// Returns what a warning adds to [`unstorable`]: the value is not lost.
    pub fn kept_how(&self, py: Python<'_>) -> String {
        let Some(error) = &self.uncopied else {
            return "; it is kept in this process only, and every hit is a copy of it unless \
                    copy=False shares it"
                .to_owned();
        };
        format!(
            "; it is kept in this process only, as one object for all, because it cannot be copied \
             ({}); copy=False says that this is meant",
            error.value(py)
        )
    }
}

/// Returns the sentence for a value that cannot be stored. Not every cache has a file.
pub fn unstorable(of: &str, where_: &str) -> String {
    format!("{of} cannot be stored: {where_}")
}

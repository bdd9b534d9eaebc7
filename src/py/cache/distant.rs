//! A mapping of the user's as the place of a cache: what is asked for is brought before a step of
//! the cache, and what a step has changed is carried away after it, while no lock is held.

use std::sync::Arc;

use bytes::Bytes;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use pyo3::{PyTraverseError, PyVisit};

use super::PyCache;
use crate::key::{name_of, shown};
use crate::py::value::once::intern;
use crate::store::{
    Asking, Change, Distant, DistantStore, Listed, RESERVED_KEY, Read, bytes_of, read,
};

/// How many changes that calls of the mapping itself make are carried away with those before them.
const MORE: u64 = 1000;

/// The way to a mapping.
pub struct DistantPlace {
    place: Arc<Distant>,
    /// `outlive._carrier.Carrier`.
    carrier: Py<PyAny>,
}

impl DistantPlace {
    /// Makes the way to the mapping of `carrier`, and the store in front of it.
    pub fn new(carrier: Py<PyAny>) -> (Self, DistantStore) {
        let store = DistantStore::default();
        (Self { place: Arc::clone(&store.0), carrier }, store)
    }

    /// Returns the mapping's carrier.
    pub fn carrier(&self) -> &Py<PyAny> {
        &self.carrier
    }

    /// Brings the entry of `key`, unless `cache` knows it; it is there as long as the returned value
    /// lives.
    pub fn bring(&self, py: Python<'_>, cache: &PyCache, key: &Bytes) -> PyResult<Option<Asking>> {
        if cache.holds(key) {
            return Ok(None);
        }
        let asking = self.place.ask(key);
        if !asking.is_known {
            asking.bring(self.entry(py, key)?);
        }
        Ok(Some(asking))
    }

    /// Brings the salt.
    pub fn bring_salt(&self, py: Python<'_>, cache: &PyCache) -> PyResult<Option<Asking>> {
        self.bring(py, cache, &Bytes::from_static(RESERVED_KEY.as_bytes()))
    }

    /// Brings all entries; they are there as long as the returned value lives.
    pub fn bring_all(&self, py: Python<'_>) -> PyResult<Listed> {
        self.carry_away(py, false)?;
        let names = self.ask(py, intern!(py, "names"), (None::<Name<'_>>,))?;
        let mut items = Vec::new();
        for name in names.iter().flat_map(PyAnyMethods::try_iter).flatten() {
            let found = self.ask(py, intern!(py, "get"), (name?,))?;
            items.extend(found.and_then(|found| match self.understood(&found, None) {
                Read::Item(item) => Some(item),
                Read::Nothing | Read::Later | Read::Damaged => None,
            }));
        }
        Ok(self.place.list(items))
    }

    /// Brings the number of entries, of the function with this name if one is given; it is there as
    /// long as the returned value lives.
    pub fn bring_count(
        &self,
        py: Python<'_>,
        cache: &PyCache,
        name: Option<&[u8]>,
    ) -> PyResult<Listed> {
        self.carry_away(py, false)?;
        if self.place.next(0, true).is_some() || !cache.listing().is_counted_by_store() {
            return self.bring_all(py);
        }
        let of = name.map(|name| PyBytes::new(py, name));
        let names = self.ask(py, intern!(py, "names"), (of,))?;
        let count = names.map_or(Ok(0), |names| names.len())?;
        Ok(self.place.count(name, count))
    }

    /// Carries away what waits; what was refused before is tried `again`.
    pub fn carry_away(&self, py: Python<'_>, again: bool) -> PyResult<()> {
        if self.place.next(0, again).is_none() {
            return Ok(());
        }
        let carrier = self.carrier.bind(py);
        let Some(token) = self.ask(py, intern!(py, "begin"), ())? else { return Ok(()) };
        let done = self.carry_all(py, again);
        // What cut it off, such as a signal's exception, may have come before the mapping was free.
        let end = || carrier.call_method1(intern!(py, "end"), (&token,)).map(drop);
        end().or_else(|cut_off| end().and(Err(cut_off)))?;
        done
    }

    fn carry_all(&self, py: Python<'_>, again: bool) -> PyResult<()> {
        let (mut at, end) = (0, self.place.last() + MORE);
        while let Some((number, change)) = self.place.next(at, again).filter(|next| next.0 <= end) {
            match self.carry(py, &change) {
                Ok(()) => self.place.done(number),
                Err(error) if error.is_instance_of::<PyException>(py) => {
                    self.place.refused(number);
                    self.tell_refused(py, &change, &error);
                }
                Err(error) => return Err(error),
            }
            at = number;
        }
        Ok(())
    }

    fn carry(&self, py: Python<'_>, change: &Change) -> PyResult<()> {
        let carrier = self.carrier.bind(py);
        let done = match change {
            Change::Put(item) => {
                let bytes = bytes_of(item).map_err(|error| {
                    pyo3::exceptions::PyOverflowError::new_err(error.to_string())
                })?;
                let name = self.name(py, &item.key)?;
                carrier.call_method1(intern!(py, "put"), (name, PyBytes::new(py, &bytes)))
            }
            Change::Remove(key) => {
                carrier.call_method1(intern!(py, "remove"), (self.name(py, key)?,))
            }
            Change::Clear => carrier.call_method0(intern!(py, "clear")),
        };
        done.map(drop)
    }

    fn entry(&self, py: Python<'_>, key: &Bytes) -> PyResult<Read> {
        let name = self.name(py, key)?;
        let found = self.ask(py, intern!(py, "get"), (name,))?;
        Ok(found.map_or(Read::Nothing, |found| self.understood(&found, Some(key))))
    }

    /// Returns what the mapping's value says; of `key` if one is given.
    fn understood(&self, found: &Bound<'_, PyAny>, key: Option<&[u8]>) -> Read {
        let bytes = found.cast::<PyBytes>().map(|bytes| Bytes::copy_from_slice(bytes.as_bytes()));
        let said = bytes.map_or(Read::Damaged, |bytes| read(&bytes, key));
        let which = key.map_or_else(String::new, |key| format!(", that of {},", shown(key)));
        match said {
            Read::Damaged => self.place.tell("row", format!(
                "{}: an entry{which} is damaged: it is not used and will be made anew",
                self.label(found.py()),
            )),
            Read::Later => self.place.tell("later", format!(
                "{}: an entry{which} was written by a later version of outlive: it is left alone, \
                 and calls that it would answer keep their results in this process",
                self.label(found.py()),
            )),
            Read::Item(_) | Read::Nothing => {}
        }
        said
    }

    /// Returns the name of an entry in the mapping.
    fn name<'py>(&self, py: Python<'py>, key: &[u8]) -> PyResult<Name<'py>> {
        let function = name_of(key).unwrap_or_default();
        let parts = (PyBytes::new(py, key), PyBytes::new(py, function));
        self.carrier.bind(py).call_method1(intern!(py, "name_of"), parts)
    }

    /// Returns what a method of the carrier returns; `None`, with a notice, if the mapping raises.
    fn ask<'py>(
        &self,
        py: Python<'py>,
        method: &Bound<'py, PyString>,
        parts: impl pyo3::call::PyCallArgs<'py>,
    ) -> PyResult<Option<Name<'py>>> {
        match self.carrier.bind(py).call_method1(method, parts) {
            Ok(found) => Ok(Some(found).filter(|found| !found.is_none())),
            Err(error) if error.is_instance_of::<PyException>(py) => {
                let text = format!(
                    "could not use {} ({}): calls are computed, and this is told once",
                    self.label(py),
                    described(py, &error),
                );
                self.place.tell("use", text);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn tell_refused(&self, py: Python<'_>, change: &Change, error: &PyErr) {
        let (doing, kept) = match change {
            Change::Put(_) => ("write to", "the result is kept in this process"),
            Change::Remove(_) | Change::Clear => ("remove from", "in this process it is gone"),
        };
        let text = format!(
            "could not {doing} {} ({}): {kept}, a save and a close try again, and this is told once",
            self.label(py),
            described(py, error),
        );
        self.place.tell(doing, text);
    }

    fn label(&self, py: Python<'_>) -> String {
        let label = self.carrier.bind(py).getattr(intern!(py, "label"));
        label.map_or_else(|_| "a mapping".to_owned(), |label| label.to_string())
    }

    /// Visits what it holds, for the garbage collector.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.carrier)
    }
}

type Name<'py> = Bound<'py, PyAny>;

/// Returns an exception as a sentence.
fn described(py: Python<'_>, error: &PyErr) -> String {
    let name = error.get_type(py).name().map_or_else(|_| String::new(), |name| name.to_string());
    let text = error.value(py).str().map_or_else(|_| String::new(), |text| text.to_string());
    if text.is_empty() { name } else { format!("{name}: {text}") }
}

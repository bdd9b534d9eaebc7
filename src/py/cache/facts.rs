//! What Python asks about the entries of a cache without decoding their values.

use std::collections::HashMap;

use bytes::Bytes;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use super::away::away;
use super::core::CoreCache;
use crate::cache::{Extremes, Fact, Histogram, Histograms, Order, Selection, Share, SortKey, Sum};
use crate::py::value::stored_text::is_error;
use crate::py::value::wtf8::{from_wtf8, with_wtf8};
use crate::store::Notes;

/// Key, size, when it was made, how long the call took, the code's digest, further notes (JSON),
/// whether it is an exception, and whether the file can hold it.
type Row<'py> = (
    Bound<'py, PyString>,
    u64,
    Option<f64>,
    Option<f64>,
    Option<String>,
    Option<Vec<u8>>,
    bool,
    bool,
);

/// Entries, bytes, seconds that calls took and how many of those are known, the times of the oldest
/// and the newest.
type Total = (u64, u64, f64, u64, Option<f64>, Option<f64>);

/// A function's name and the sum of its entries.
type Named<'py> = (Bound<'py, PyString>, Total);

/// What is known of the entries of a cache, beside their values.
#[pyclass(frozen, name = "Facts", module = "outlive._core")]
pub struct CoreFacts {
    core: Py<CoreCache>,
}

#[pymethods]
impl CoreFacts {
    /// The first `limit` entries of a selection in an order, without their values, and the sum of
    /// all of it.
    #[pyo3(signature = (*, pattern=None, function=None, before=None, order=None, descending=false, limit=None))]
    fn rows<'py>(
        slf: &Bound<'py, Self>,
        pattern: Option<&Bound<'py, PyString>>,
        function: Option<&Bound<'py, PyString>>,
        before: Option<f64>,
        order: Option<&str>,
        descending: bool,
        limit: Option<usize>,
    ) -> PyResult<(Vec<Row<'py>>, Total)> {
        let (py, core) = (slf.py(), slf.get().look(slf.py())?);
        let cache = core.cache();
        let _brought = core.file.get().bring().all(py)?;
        let selection = selection(pattern, function, before)?;
        let order = order_of(order, descending)?;
        let limit = limit.unwrap_or(usize::MAX);
        let (facts, sum) = py.detach(|| cache.listing().facts(&selection, order, limit));
        core.tell(py)?;
        let rows: PyResult<Vec<_>> = facts.into_iter().map(|fact| row(py, fact)).collect();
        Ok((rows?, total(&sum)))
    }

    /// The keys of all values that are not JSON, and what is wrong with each.
    fn bad<'py>(&self, py: Python<'py>) -> PyResult<Vec<(Bound<'py, PyString>, String)>> {
        let core = self.look(py)?;
        let cache = core.cache();
        let _brought = core.file.get().bring().all(py)?;
        let bad = py.detach(|| cache.listing().bad());
        core.tell(py)?;
        bad.into_iter().map(|(key, why)| Ok((from_wtf8(py, &key)?, why))).collect()
    }

    /// What is known of the entry of `key` beside its value; None if there is none.
    fn row<'py>(&self, py: Python<'py>, key: &Bound<'py, PyString>) -> PyResult<Option<Row<'py>>> {
        let core = self.look(py)?;
        let key = with_wtf8(key, Bytes::copy_from_slice)?;
        let _brought = core.file.get().bring().entry(py, &key)?;
        let fact = away(py, core.cache(), |cache| cache.listing().fact(&key));
        fact.map(|fact| row(py, fact)).transpose()
    }

    /// The JSON text of the value of `key`; None if the file can hold none.
    fn text<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'py, PyString>,
    ) -> PyResult<Option<Bound<'py, PyString>>> {
        let core = self.look(py)?;
        let key = with_wtf8(key, Bytes::copy_from_slice)?;
        let _brought = core.file.get().bring().entry(py, &key)?;
        let fact = away(py, core.cache(), |cache| cache.listing().fact(&key));
        let text = fact.and_then(|fact| fact.text);
        text.map(|text| from_wtf8(py, &text)).transpose()
    }

    /// How many entries the last list or sum has looked at so far, and how many it looks at, if the
    /// store is not loaded whole.
    fn walked(&self) -> (usize, usize) {
        self.core.get().cache().listing().walked()
    }

    /// The sum of each function in a selection, and its name; the one without a name is of entries
    /// whose keys name no function.
    #[pyo3(signature = (*, pattern=None, function=None, before=None))]
    fn sums<'py>(
        &self,
        py: Python<'py>,
        pattern: Option<&Bound<'py, PyString>>,
        function: Option<&Bound<'py, PyString>>,
        before: Option<f64>,
    ) -> PyResult<Vec<Named<'py>>> {
        let core = self.look(py)?;
        let cache = core.cache();
        let _brought = core.file.get().bring().all(py)?;
        let selection = selection(pattern, function, before)?;
        let sums = py.detach(|| cache.listing().sums(&selection));
        named(py, &sums)
    }

    /// The sum of each function, as in `sums`, and the oldest, the newest, the largest and the
    /// slowest entry, where known.
    fn overview<'py>(&self, py: Python<'py>) -> PyResult<(Vec<Named<'py>>, [Option<Row<'py>>; 4])> {
        let core = self.look(py)?;
        let cache = core.cache();
        let _brought = core.file.get().bring().all(py)?;
        let (sums, extremes) = py.detach(|| cache.listing().overview());
        core.tell(py)?;
        let Extremes { oldest, newest, largest, slowest } = extremes;
        let row = |fact: Option<Fact>| fact.map(|fact| row(py, fact)).transpose();
        let rows = [row(oldest)?, row(newest)?, row(largest)?, row(slowest)?];
        Ok((named(py, &sums)?, rows))
    }

    /// The sum of all entries whose key begins with `start`, the name of a function and a
    /// parenthesis.
    fn sum_of(&self, py: Python<'_>, start: &Bound<'_, PyString>) -> PyResult<Total> {
        let core = self.look(py)?;
        let _brought = core.file.get().bring().all(py)?;
        let sum =
            |start: &[u8]| away(py, core.cache(), |cache| total(&cache.listing().sum_of(start)));
        with_wtf8(start, sum)
    }

    /// The keys of all entries with further members, with those as JSON.
    fn notes<'py>(&self, py: Python<'py>) -> PyResult<Vec<(Bound<'py, PyString>, Vec<u8>)>> {
        let core = self.look(py)?;
        let _brought = core.file.get().bring().all(py)?;
        let all = away(py, &core.cache, |cache| cache.listing().notes());
        all.into_iter().map(|(key, notes)| Ok((from_wtf8(py, &key)?, notes.to_vec()))).collect()
    }

    /// The keys of all entries made before `time`, in seconds since the epoch; by functions with
    /// this name if there is one.
    fn made_before<'py>(
        &self,
        py: Python<'py>,
        time: f64,
        name: Option<&str>,
    ) -> PyResult<Vec<Bound<'py, PyString>>> {
        let core = self.look(py)?;
        let _brought = core.file.get().bring().all(py)?;
        let share = name.map_or(Share::All, |name| Share::Name(name.as_bytes().to_vec()));
        let cache = core.cache();
        let keys = away(py, cache, |cache| cache.policies().made_before(time, &share));
        keys.iter().map(|key| from_wtf8(py, key)).collect()
    }

    /// How many entries lie between limits of size, time and duration.
    #[pyo3(signature = (*, sizes, times, durations))]
    fn histograms<'py>(
        &self,
        py: Python<'py>,
        sizes: Vec<f64>,
        times: Vec<f64>,
        durations: Vec<f64>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let core = self.look(py)?;
        let cache = core.cache();
        let _brought = core.file.get().bring().all(py)?;
        let [sizes, times, durations] = [sizes, times, durations].map(Histogram::new);
        let empty = Histograms { sizes, times, durations };
        let counted = py.detach(|| cache.listing().count_between(&Selection::default(), &empty));
        let counts = [counted.sizes, counted.times, counted.durations].map(|all| all.counts);
        PyTuple::new(py, counts)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.core)
    }
}

impl CoreFacts {
    /// Returns the facts of `core`.
    pub fn of(core: Py<CoreCache>) -> Self {
        Self { core }
    }

    /// Reads the file, and what other processes have done since; returns the cache.
    fn look(&self, py: Python<'_>) -> PyResult<&CoreCache> {
        CoreCache::look(self.core.bind(py))?;
        Ok(self.core.get())
    }
}

fn selection(
    pattern: Option<&Bound<'_, PyString>>,
    function: Option<&Bound<'_, PyString>>,
    before: Option<f64>,
) -> PyResult<Selection> {
    Ok(Selection {
        pattern: pattern.map(|text| with_wtf8(text, Bytes::copy_from_slice)).transpose()?,
        function: function.map(|text| with_wtf8(text, <[u8]>::to_vec)).transpose()?,
        before,
    })
}

fn order_of(word: Option<&str>, descending: bool) -> PyResult<Order> {
    let by = match word {
        None => return Ok(None),
        Some("key") => SortKey::Key,
        Some("size") => SortKey::Size,
        Some("created") => SortKey::Created,
        Some("took") => SortKey::Took,
        Some(other) => return Err(PyValueError::new_err(format!("no such order: {other:?}"))),
    };
    Ok(Some((by, descending)))
}

fn named<'py>(py: Python<'py>, sums: &HashMap<Vec<u8>, Sum>) -> PyResult<Vec<Named<'py>>> {
    sums.iter().map(|(name, sum)| Ok((from_wtf8(py, name)?, total(sum)))).collect()
}

fn row(py: Python<'_>, fact: Fact) -> PyResult<Row<'_>> {
    let size = fact.size();
    let is_error = is_error(fact.text.as_ref());
    let Notes { took, code, others } = fact.notes;
    let code = code.map(|code| code.as_str().to_owned());
    let others = others.map(|others| others.to_vec());
    let key = from_wtf8(py, &fact.key)?;
    Ok((key, size, fact.created, took, code, others, is_error, fact.text.is_some()))
}

fn total(sum: &Sum) -> Total {
    (sum.count, sum.bytes, sum.took(), sum.timed, sum.oldest, sum.newest)
}

//! What `outlive._decorator` says of one memoised function, parsed and checked there.

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use crate::cache::Lifetime;
use crate::clock;
use crate::policy::Expiry;
use crate::py::ffi::call_with;

/// How results are kept and served.
#[derive(Debug)]
pub struct Options {
    /// Whether hits are copies.
    pub copy: bool,
    /// How long a result is good.
    pub ttl: Option<Ttl>,
    /// Seconds.
    pub refresh_after: Option<f64>,
    /// Seconds.
    pub stale_if_error: Option<f64>,
    /// Entries of this function at most.
    pub maxsize: Option<usize>,
    /// A callable of the result that says whether it is kept.
    pub cache_if: Option<Py<PyAny>>,
    /// `outlive._errors.Keeper`: which exceptions are kept, and for how long.
    pub errors: Option<Py<PyAny>>,
    /// A callable of the result that returns what is noted with it, as a JSON object, or None.
    pub noted: Option<Py<PyAny>>,
    /// A callable that gives the time in seconds since the epoch.
    pub clock: Option<Py<PyAny>>,
    /// Called with `(function, args, kwargs)` to have a result made anew in the background.
    pub refresher: Option<Py<PyAny>>,
    /// How long to wait for another computation, in seconds.
    pub wait: Option<f64>,
    /// Whether the function's own `dump=` and `load=` convert its results.
    pub takes_all: bool,
    /// What happens to an unstorable result: `warn`, `ignore`, `raise` or `plain`.
    pub on_unstorable: String,
    /// What happens to results of other code: `warn`, `recompute` or `ignore`.
    pub on_code_change: String,
}

/// How long results are good.
#[derive(Debug)]
pub enum Ttl {
    /// All results, this long.
    Seconds(f64),
    /// As long as this callable of the result says, in seconds; None means for ever.
    Of(Py<PyAny>),
}

impl<'py> FromPyObject<'_, 'py> for Ttl {
    type Error = PyErr;

    fn extract(ttl: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Ok(ttl.extract().map_or_else(|_| Self::Of(ttl.to_owned().unbind()), Self::Seconds))
    }
}

impl Options {
    /// Returns whether results expire.
    pub fn expires(&self) -> bool {
        self.ttl.is_some() || self.refresh_after.is_some()
    }

    /// Returns the time in seconds since the epoch.
    pub fn now(&self, py: Python<'_>) -> PyResult<f64> {
        match &self.clock {
            Some(clock) => call_with(clock.bind(py), ())?.extract(),
            None => Ok(clock::now()),
        }
    }

    /// Returns how long the file keeps results; None if they do not expire, or each has its own
    /// ttl.
    pub fn lifetime(&self) -> Option<Lifetime> {
        let Some(Ttl::Seconds(ttl)) = self.ttl else { return None };
        let expiry =
            Expiry { ttl: Some(ttl), refresh_after: None, stale_if_error: self.stale_if_error };
        Some(Lifetime { seconds: expiry.lifetime()?, own_clock: self.clock.is_some() })
    }

    /// Visits what it holds, for the garbage collector.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Some(Ttl::Of(function)) = &self.ttl {
            visit.call(function)?;
        }
        let all = [&self.cache_if, &self.errors, &self.noted, &self.clock, &self.refresher];
        all.into_iter().flatten().try_for_each(|object| visit.call(object))
    }
}

impl<'py> FromPyObject<'_, 'py> for Options {
    type Error = PyErr;

    fn extract(options: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let get = |name: &str| options.getattr(name);
        Ok(Self {
            copy: get("copy")?.extract()?,
            ttl: get("ttl")?.extract()?,
            refresh_after: get("refresh_after")?.extract()?,
            stale_if_error: get("stale_if_error")?.extract()?,
            maxsize: get("maxsize")?.extract()?,
            cache_if: get("cache_if")?.extract()?,
            errors: get("errors")?.extract()?,
            noted: get("noted")?.extract()?,
            clock: get("clock")?.extract()?,
            refresher: get("refresher")?.extract()?,
            wait: get("wait")?.extract()?,
            takes_all: !get("dump")?.is_none(),
            on_unstorable: get("on_unstorable")?.extract()?,
            on_code_change: get("on_code_change")?.extract()?,
        })
    }
}

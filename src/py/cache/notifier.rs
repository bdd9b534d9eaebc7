//! Warnings about one file: trouble in its store, a process that is in the way, and a size that its
//! user should know of.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::PyCache;
use crate::py::ffi::call_with;

/// Warns the user about one file, or one cache in memory.
pub struct Notifier {
    /// A callable for each sentence that the user should read.
    warn: Py<PyAny>,
    path: Option<PathBuf>,
    is_database: bool,
    is_size_told: AtomicBool,
}

impl Notifier {
    /// Makes a notifier that calls `warn` with the class and the text of each warning.
    pub fn new(path: Option<PathBuf>, is_database: bool, warn: Py<PyAny>) -> Self {
        Self { warn, path, is_database, is_size_told: AtomicBool::new(false) }
    }

    /// Issues a warning of the class with this name.
    pub fn warn(&self, py: Python<'_>, class: &str, sentence: &str) -> PyResult<()> {
        call_with(self.warn.bind(py), (class, sentence)).map(drop)
    }

    /// Issues a warning about calls of `function`: where no line of the user's called it, as in an
    /// event loop, it points at the function.
    pub fn warn_of(
        &self,
        py: Python<'_>,
        class: &str,
        sentence: &str,
        function: &Py<PyAny>,
    ) -> PyResult<()> {
        call_with(self.warn.bind(py), (class, sentence, function)).map(drop)
    }

    /// Issues the warnings of the store.
    pub fn tell_notices(&self, py: Python<'_>, cache: &PyCache) -> PyResult<()> {
        cache.notices().iter().try_for_each(|notice| self.warn(py, "CacheFileWarning", notice))
    }

    /// Warns that another process has been in the way of a save for the time `waited`.
    pub fn tell_stuck(&self, py: Python<'_>, waited: Duration) -> PyResult<()> {
        let where_it_is = if self.is_database {
            "all results are in it"
        } else {
            "the journal beside it holds everything, and goes into the file at the next save"
        };
        let sentence = format!(
            "{}: another process has been saving or closing it for {} s, and may be stopped; \
             {where_it_is}",
            self.path.as_deref().unwrap_or(Path::new("")).display(),
            waited.as_secs(),
        );
        self.warn(py, "CacheFileWarning", &sentence)
    }

    /// Warns that `what`, a value of `size` bytes, is larger than all entries may be.
    pub fn tell_too_large(&self, py: Python<'_>, what: &str, size: u64, most: u64) -> PyResult<()> {
        let sentence = format!(
            "{what} has {size} bytes, and all entries together may have {most} (max_bytes=), so it \
             is not kept"
        );
        self.warn(py, "UnstorableWarning", &sentence)
    }

    /// Warns, once, about the size of the file on the disk.
    pub fn tell_size(&self, py: Python<'_>) -> PyResult<()> {
        let Some(sentence) = self.size_notice() else { return Ok(()) };
        self.warn(py, "CacheFileWarning", &sentence)
    }

    fn size_notice(&self) -> Option<String> {
        let path = self.path.as_deref().filter(|_| !self.is_database)?;
        if self.is_size_told.load(Ordering::Relaxed) {
            return None;
        }
        let sentence = size_notice(path, path.metadata().ok()?.len())?;
        (!self.is_size_told.swap(true, Ordering::Relaxed)).then_some(sentence)
    }

    /// Visits what it holds, for the garbage collector.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.warn)
    }
}

/// The size from which a warning is due, in bytes.
const LARGE: u64 = 500_000_000;

/// Returns the warning about a file of this many bytes; nothing if that is no burden yet.
fn size_notice(path: &Path, bytes: u64) -> Option<String> {
    (bytes >= LARGE).then(|| {
        format!(
            "{} has {} MB, and every program that uses it reads them all: let old results go with \
             ttl=, maxsize= or max_bytes=, or keep them in an SQLite database, which is not read whole: Cache(\"x.db\")",
            path.display(),
            bytes / 1_000_000,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::size_notice;
    use std::path::Path;

    /// The notice names the file, its size and what can be done.
    #[test]
    fn large_files_are_told() {
        let path = Path::new("c.json");
        assert_eq!(size_notice(path, 499_999_999), None);
        let told = size_notice(path, 512_345_678).unwrap();
        assert!(
            told.starts_with("c.json has 512 MB") && told.contains("Cache(\"x.db\")"),
            "{told}"
        );
    }
}

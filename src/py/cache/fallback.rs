//! A second cache, which is only read, for what the first one lacks.

use pyo3::prelude::*;

use super::core::CoreCache;

#[pymethods]
impl CoreCache {
    /// Looks up in `fallback` what this cache lacks; to be called before the first use.
    fn set_fallback(&self, fallback: Py<Self>) {
        let _ = self.fallback.set(fallback);
    }
}

impl CoreCache {
    /// Borrows from the fallback what this cache lacks.
    pub(super) fn borrow(&self, py: Python<'_>) -> PyResult<()> {
        let Some(fallback) = self.fallback.get() else { return Ok(()) };
        let behind = fallback.get().file.get();
        if !self.file.get().is_first_to_borrow(behind.path.as_ref()) {
            return Ok(());
        }
        Self::load(fallback.bind(py))?;
        if let Some(path) = behind.path.as_ref().filter(|it| !behind.is_server && !it.exists()) {
            let path = path.display();
            let sentence = format!("the fallback {path} is not there: nothing is looked up in it");
            self.file.get().notifier.warn(py, "CacheFileWarning", &sentence)?;
        }
        let (cache, other) = (self.cache(), fallback.get().cache());
        py.detach(|| cache.borrow(other));
        Ok(())
    }
}

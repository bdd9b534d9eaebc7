//! What a row of hits is made of where no GIL makes threads take turns: what the entry has, or
//! something of its own if threads would meet at that.

use std::sync::Arc;

use pyo3::prelude::*;

use super::serving::Serving;
use crate::cache::Entry;
use crate::py::value::failure::Failure;
use crate::py::value::immutable::is_leaf;
use crate::py::value::template::Template;

/// Results with longer texts are one object for all threads: it would take more memory than a row.
const LONGEST_OF_ROW: usize = 256;

impl Serving<'_> {
    /// Returns the decoded form of an entry that one row hands out or copies.
    ///
    /// Two cores that count references to one object, or mark one template as taken, are slower
    /// than one core alone. So a small object is each thread's own, and a template is once threads
    /// have met at it.
    pub(super) fn live_of_row(
        &self,
        py: Python<'_>,
        live: &Arc<Template>,
        entry: &Entry<Arc<Template>>,
    ) -> PyResult<Arc<Template>> {
        let Some(text) = &entry.text else { return Ok(Arc::clone(live)) };
        let own = if !live.is_shared() {
            live.is_met().then(|| self.values(py).template(text))
        } else if text.len() <= LONGEST_OF_ROW && is_leaf(live.object().bind(py)) {
            let apart = !live.is_at_home();
            apart.then(|| self.values(py).decode(text).map(Template::same))
        } else {
            None
        };
        match own {
            Some(Ok(own)) => Ok(Arc::new(own.of_row())),
            Some(Err(Failure::Python(error))) => Err(error),
            Some(Err(_)) | None => Ok(Arc::clone(live)),
        }
    }
}

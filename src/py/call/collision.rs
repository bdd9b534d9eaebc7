//! Warnings about two different calls under one key of the drop-in.

use std::sync::atomic::Ordering;

use pyo3::prelude::*;

use super::maker::Difference;
use super::provenance::Provenance;
use crate::cache::Origin;
use crate::py::cache::PyFound;

impl Provenance<'_> {
    /// Warns once if this hit was computed by another function, or from other arguments, in this
    /// run or in an earlier one.
    pub(super) fn check_collision(&self, py: Python<'_>, found: &PyFound) -> PyResult<()> {
        if self.request.origin.is_none() || self.me.told.collision.load(Ordering::Relaxed) {
            return Ok(());
        }
        let noted = || self.maker_differs(py, &found.entry.notes);
        let Some(difference) = self.differs_from(found.claimed).or_else(noted) else {
            return Ok(());
        };
        self.teller().collision(
            py,
            match difference {
                Difference::Arguments => "a call with other arguments behind the first",
                Difference::Function => "another function",
            },
        )
    }

    /// Returns how this call differs from the first one of this run that claimed the entry.
    fn differs_from(&self, claimed: Option<Origin>) -> Option<Difference> {
        let (first, mine) = claimed.zip(self.request.origin)?;
        if first.function != mine.function || first.closed_over != mine.closed_over {
            return Some(Difference::Function);
        }
        let differ = matches!((first.others, mine.others), (Some(a), Some(b)) if a != b);
        differ.then_some(Difference::Arguments)
    }
}

//! Warnings about two different calls under one key of the drop-in.

use std::sync::atomic::Ordering;

use pyo3::prelude::*;

use super::maker::Difference;
use super::memoised::Memoised;
use super::provenance::Provenance;
use crate::cache::Origin;
use crate::py::cache::PyFound;
use crate::py::key::arguments::Call;

impl Memoised {
    /// Returns the call that asks, where keys do not identify it.
    pub(super) fn origin(&self, py: Python<'_>, call: &Call<'_, '_>) -> Option<Origin> {
        let keys = &self.keys;
        (keys.is_flat() && keys.is_first()).then(|| Origin {
            function: self.id,
            closed_over: keys.identity().and_then(|own| own.number(py).ok()).unwrap_or(0),
            others: keys.other_arguments(py, call),
        })
    }

    /// Warns once if a later function has taken the name of this one, which is still called.
    pub(super) fn check_namesake(&self, py: Python<'_>) -> PyResult<()> {
        if !self.keys.is_aside() || self.told.collision.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        // The later function's table may hold results of this one.
        self.gate.epoch.advance();
        let what = if self.keys.aside_mark().is_some() {
            "their results are kept apart, and will not be in a run in which only one of them is \
             there; tell them apart with name=..., or import it again if its module was reloaded"
        } else {
            "they share their results; give each a name=... of its own unless that is meant"
        };
        let sentence = format!(
            "{} is called, but another function of this name was memoised after it: {what}",
            self.name
        );
        self.warn(py, "KeyCollisionWarning", &sentence)
    }
}

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

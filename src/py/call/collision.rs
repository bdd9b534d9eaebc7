//! Two different calls under one key of the drop-in: the second is told.

use std::sync::atomic::Ordering;

use pyo3::prelude::*;

use super::invocation::Invocation;
use super::memoised::Memoised;
use crate::cache::Origin;
use crate::py::key::arguments::Call;

impl Memoised {
    /// Who asks, where keys do not tell.
    pub(super) fn origin(&self, py: Python<'_>, call: &Call<'_, '_>) -> Option<Origin> {
        let keys = &self.keys;
        let others = || keys.other_arguments(py, call);
        (keys.is_flat() && keys.is_first()).then(|| Origin { function: self.id, others: others() })
    }

    /// Warns once if a later function has taken the name of this one, which is still in use.
    pub(super) fn check_namesake(&self, py: Python<'_>) -> PyResult<()> {
        if !self.keys.is_aside() || self.collision_told.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let what = if self.keys.aside_mark().is_some() {
            "their results are kept apart, and will not be in a run in which only one of them is \
             there; tell them apart with name=..."
        } else {
            "they share their results; give each a name=... of its own unless that is meant"
        };
        let sentence = format!(
            "{} is called, but another function of this name was memoised after it: {what}",
            self.name
        );
        self.core.get().warn(py, "KeyCollisionWarning", &sentence)
    }
}

impl<'py> Invocation<'_, 'py> {
    /// Warns once if this hit was computed by another function, or from other arguments.
    pub(super) fn check_collision(&self, py: Python<'py>, claimed: Option<Origin>) -> PyResult<()> {
        let Some((first, mine)) = claimed.zip(self.origin) else { return Ok(()) };
        if self.me.collision_told.load(Ordering::Relaxed) {
            return Ok(());
        }
        let differ = matches!((first.others, mine.others), (Some(a), Some(b)) if a != b);
        if first.function == mine.function && !differ {
            return Ok(());
        }
        self.me.collision_told.store(true, Ordering::Relaxed);
        let cause = if first.function == mine.function {
            "a call with other arguments behind the first"
        } else {
            "another function"
        };
        let key = String::from_utf8_lossy(&self.key);
        let sentence = format!(
            "{} was answered with the result of {cause}: only the first argument is the key, and \
             both have {key:?}; use @memoise(key=\"all\") to tell such calls apart",
            self.me.name
        );
        self.core.get().warn(py, "KeyCollisionWarning", &sentence)
    }
}

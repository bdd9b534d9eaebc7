//! Functions that share their keys or their name: what tells one from another.

use std::sync::atomic::Ordering;

use pyo3::prelude::*;

use super::memoised::Memoised;
use crate::cache::Origin;
use crate::py::key::arguments::Call;

/// Returns the call that asks, where keys do not identify it.
pub(super) fn origin(py: Python<'_>, me: &Memoised, call: &Call<'_, '_>) -> Option<Origin> {
    let keys = &me.keys;
    (keys.is_flat() && keys.is_first()).then(|| Origin {
        function: me.id,
        closed_over: keys.identity().and_then(|own| own.number(py).ok()).unwrap_or(0),
        others: keys.other_arguments(py, call),
    })
}

/// Warns once if a later function has taken the name of this one, which is still called.
pub(super) fn check_namesake(py: Python<'_>, me: &Memoised) -> PyResult<()> {
    if !me.keys.is_aside() || me.told.collision.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    // The later function's table may hold results of this one.
    me.gate.epoch.advance();
    let what = if me.keys.aside_mark().is_some() {
        "their results are kept apart, and will not be in a run in which only one of them is \
         there; tell them apart with name=..., or import it again if its module was reloaded"
    } else {
        "they share their results; give each a name=... of its own unless that is meant"
    };
    let sentence = format!(
        "{} is called, but another function of this name was memoised after it: {what}",
        me.name
    );
    me.warn(py, "KeyCollisionWarning", &sentence)
}

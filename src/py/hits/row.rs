//! The row of a table of hits for one call.

use std::sync::{Arc, Weak};

use pyo3::prelude::*;

use crate::cache::Gate;
use crate::clock;
use crate::policy::Liveness;
use crate::py::value::template::{Template, TemplateObject};

/// What a hit returns.
#[derive(Debug)]
pub enum Hit {
    /// This very object.
    Same(Py<PyAny>),
    /// A fresh copy.
    Copy(Py<TemplateObject>),
    /// The result of a cache that evicts some; whether all callers share one object.
    Template(Arc<Template>, bool),
}

/// The result that a table holds.
#[derive(Debug)]
pub enum CachedValue {
    /// Every call gets this.
    Same(Py<PyAny>),
    /// Every call gets a copy of this.
    Copy(Py<TemplateObject>),
    /// A result that is freed when the cache evicts it, whatever a table remembers; whether all
    /// callers share one object.
    Weak(Weak<Template>, bool),
}

/// When a hit may be served, in nanoseconds since the epoch.
#[derive(Clone, Copy, Debug)]
pub struct FreshWindow {
    /// Before this time the clock was set back: the slow path decides.
    pub from: i64,
    /// From this time on the result is no longer fresh.
    pub until: i64,
}

impl FreshWindow {
    /// For results that do not expire.
    pub const ALWAYS: Self = Self { from: i64::MIN, until: i64::MAX };

    /// From now to `until`, or a little less, as the coarse clock is late.
    pub fn up_to(until: i64) -> Self {
        // NOTE: this is the same clock as in `holds`: by an exact one the window would not have
        // begun for some milliseconds, and a busy loop would take the slow path, and begin anew,
        // for ever.
        Self { from: clock::coarse(), until: until.saturating_sub(clock::LATEST) }
    }

    /// Returns whether now is within it. Out of line, so that functions without a ttl need no
    /// stack.
    #[inline(never)]
    fn holds(self) -> bool {
        let now = clock::coarse();
        self.from <= now && now < self.until
    }
}

/// The conditions under which a row may be served: none by default.
#[derive(Debug)]
pub struct Validity {
    /// When it may be served; always if the function has no expiry.
    pub window: FreshWindow,
    /// Whether the entry is still there; None if entries are never evicted.
    pub liveness: Option<Arc<Liveness>>,
}

impl Default for Validity {
    fn default() -> Self {
        Self { window: FreshWindow::ALWAYS, liveness: None }
    }
}

impl Validity {
    /// Returns whether the row may be served now; notes the use.
    #[inline]
    pub(super) fn holds(&self, timed: bool, gate: &Gate) -> bool {
        if let Some(liveness) = &self.liveness {
            if liveness.is_gone() {
                return false;
            }
            gate.uses.note_hit(liveness);
        }
        !timed || self.window.holds()
    }

    /// Returns whether the row will never be served again.
    pub fn is_over(&self) -> bool {
        self.liveness.as_ref().is_some_and(|liveness| liveness.is_gone())
    }
}

/// What the slow path found out about a call, for the tables to remember.
pub struct HitRecord {
    /// The epoch in which it was found.
    pub epoch: u64,
    /// The result to return.
    pub value: CachedValue,
    /// When it may be served, if the function has an expiry.
    pub window: Option<FreshWindow>,
    /// The mark of its entry, which records its use, if entries may be evicted.
    pub liveness: Option<Arc<Liveness>>,
}

/// One call: its result, and the conditions for serving it.
pub struct Row {
    /// The result.
    pub value: CachedValue,
    /// The conditions.
    pub validity: Validity,
}

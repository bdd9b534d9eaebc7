//! What a table of hits knows of one call.

use std::sync::{Arc, Weak};

use pyo3::prelude::*;

use crate::cache::Gate;
use crate::clock;
use crate::policy::Liveness;
use crate::py::value::template::{Template, TemplateObject};

/// What a hit hands out.
#[derive(Debug)]
pub enum Hit {
    /// This very object.
    Same(Py<PyAny>),
    /// A fresh copy.
    Copy(Py<TemplateObject>),
    /// The result of a cache that lets go of some; whether all callers share one object.
    Template(Arc<Template>, bool),
}

/// What a table holds of a result.
#[derive(Debug)]
pub enum CachedValue {
    /// What every call gets.
    Same(Py<PyAny>),
    /// What every call gets a copy of.
    Copy(Py<TemplateObject>),
    /// A result that is freed when the cache lets it go, whatever a table remembers; whether all
    /// callers share one object.
    Weak(Weak<Template>, bool),
}

/// When a hit may be served, in nanoseconds since the epoch.
#[derive(Clone, Copy, Debug)]
pub struct FreshWindow {
    /// Before this the clock was set back: the slow path decides.
    pub from: i64,
    /// From here on the result is no longer fresh.
    pub until: i64,
}

impl FreshWindow {
    /// For results that do not grow old.
    pub const ALWAYS: Self = Self { from: i64::MIN, until: i64::MAX };

    /// From now to `until`, or a little less, as the coarse clock is late.
    pub fn up_to(until: i64) -> Self {
        // NOTE: the same clock as in `holds`: by an exact one it would not have begun for some
        // milliseconds, and a busy loop would take the slow path, and begin anew, for ever.
        Self { from: clock::coarse(), until: until.saturating_sub(clock::LATEST) }
    }

    /// Whether now is within it. Out of line, so that functions without a ttl need no stack.
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
    /// Whether the row may be served now; notes the use.
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

    /// Whether the row will never be served again.
    pub fn is_over(&self) -> bool {
        self.liveness.as_ref().is_some_and(|liveness| liveness.is_gone())
    }
}

/// What the slow path found out about a call, for the tables to remember.
pub struct HitRecord {
    /// The state of the cache that it was found in.
    pub epoch: u64,
    /// What to hand out.
    pub value: CachedValue,
    /// When it may be served, if the function has an expiry.
    pub window: Option<FreshWindow>,
    /// Whether the entry is still there, and where its use is noted, if entries come and go.
    pub liveness: Option<Arc<Liveness>>,
}

/// One call: what to hand out, and under which conditions.
pub struct Row {
    /// What to hand out.
    pub value: CachedValue,
    /// The conditions.
    pub validity: Validity,
}

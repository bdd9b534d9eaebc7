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

/// From when to when a hit may be served, in nanoseconds since the epoch.
#[derive(Clone, Copy, Debug)]
pub struct FreshWindow {
    /// An earlier clock was set back: the slow path decides.
    pub from: i64,
    /// From then on the result is no longer fresh.
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

    /// Whether it is time. Kept out of the way of functions that know no time.
    #[inline(never)]
    fn holds(self) -> bool {
        let now = clock::coarse();
        self.from <= now && now < self.until
    }
}

/// While what a row may be served: always, by default.
#[derive(Debug)]
pub struct Validity {
    /// When, if the function has an expiry.
    pub span: FreshWindow,
    /// Whether the entry is still there, if entries come and go.
    pub mark: Option<Arc<Liveness>>,
}

impl Default for Validity {
    fn default() -> Self {
        Self { span: FreshWindow::ALWAYS, mark: None }
    }
}

impl Validity {
    /// Whether the row may be served; notes the use.
    #[inline]
    pub(super) fn hold(&self, timed: bool, gate: &Gate) -> bool {
        if let Some(mark) = &self.mark {
            if mark.is_gone() {
                return false;
            }
            gate.uses.note_hit(mark);
        }
        !timed || self.span.holds()
    }

    /// Whether the row will never be served again.
    pub fn are_over(&self) -> bool {
        self.mark.as_ref().is_some_and(|mark| mark.is_gone())
    }
}

/// What the slow path found out about a call, to be remembered.
pub struct HitRecord {
    /// The state of the cache that it was found in.
    pub epoch: u64,
    /// What to hand out.
    pub held: CachedValue,
    /// When, if the function has an expiry.
    pub span: Option<FreshWindow>,
    /// Whether the entry is still there, and where its use is noted, if entries come and go.
    pub mark: Option<Arc<Liveness>>,
}

/// What is known of one call.
pub struct Row {
    /// What to hand out.
    pub held: CachedValue,
    /// While what.
    pub terms: Validity,
}

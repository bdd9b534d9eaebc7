//! Hits by the arguments themselves: one table for each shape of call.
//!
//! A key text is only made when this table does not know the call.

use std::sync::{Arc, Weak};

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::shape::{Row, Shape};
use crate::cache::Gate;
use crate::clock;
use crate::policy::Liveness;
use crate::py::ffi::RawCall;
use crate::py::value::template::{Live, Template};

const MAX_SHAPES: usize = 32;
/// One bit for each argument.
const MAX_WIDTH: usize = 64;

/// What a hit hands out.
#[derive(Debug)]
pub enum Served {
    /// This very object.
    Same(Py<PyAny>),
    /// A fresh copy.
    Copy(Py<Template>),
    /// The result of a cache that lets go of some; whether all callers share one object.
    Live(Arc<Live>, bool),
}

/// What a table holds of a result.
#[derive(Debug)]
pub enum Held {
    /// What every call gets.
    Same(Py<PyAny>),
    /// What every call gets a copy of.
    Copy(Py<Template>),
    /// A result that is freed when the cache lets it go, whatever a table remembers; whether all
    /// callers share one object.
    Weak(Weak<Live>, bool),
}

/// From when to when a hit may be served, in nanoseconds since the epoch.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// An earlier clock was set back: the slow path decides.
    pub from: i64,
    /// From then on the result is no longer fresh.
    pub until: i64,
}

impl Span {
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
pub struct Terms {
    /// When, if the function has an expiry.
    pub span: Span,
    /// Whether the entry is still there, if entries come and go.
    pub mark: Option<Arc<Liveness>>,
}

impl Default for Terms {
    fn default() -> Self {
        Self { span: Span::ALWAYS, mark: None }
    }
}

impl Terms {
    /// Whether the row may be served; notes the use.
    #[inline]
    fn hold(&self, timed: bool, gate: &Gate) -> bool {
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
pub struct Fill {
    /// The state of the cache that it was found in.
    pub epoch: u64,
    /// What to hand out.
    pub held: Held,
    /// When, if the function has an expiry.
    pub span: Option<Span>,
    /// Whether the entry is still there, and where its use is noted, if entries come and go.
    pub mark: Option<Arc<Liveness>>,
}

/// Which hits a function has: the commonest sort, and those that need more to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// One str, which every call gets the same object for.
    Quick,
    /// The same, as long as it is fresh and its entry is there.
    QuickOnTerms,
    /// Any others.
    Any,
}

/// All hits of one function that need no key text.
#[derive(Debug, Default)]
pub struct Hits {
    epoch: u64,
    /// How often a table answered.
    pub count: u64,
    /// Whether rows carry spans, so that a clock must be read.
    timed: bool,
    /// Whether rows carry marks.
    marked: bool,
    /// Whether there are results that `quick` cannot hand out.
    copied: bool,
    shapes: Vec<Shape>,
}

/// Rows that were thrown out, to be dropped where no lock is held: that may run any code.
pub type Dropped = (Vec<Shape>, Vec<Row>);

impl Hits {
    /// The answer to a call with one str, if nothing needs to be called or copied for it.
    #[inline]
    pub fn quick(&mut self, call: &RawCall<'_, '_>, epoch: u64) -> Option<Py<PyAny>> {
        if self.epoch != epoch || self.timed || self.marked {
            return None;
        }
        let (_, result) = self.shapes.first()?.quick(call)?;
        self.count += 1;
        Some(result.clone_ref(call.py()))
    }

    /// The same where it matters when the result was made, or whether its entry is still there.
    #[inline]
    pub fn quick_on_terms(&mut self, call: &RawCall<'_, '_>, gate: &Gate) -> Option<Py<PyAny>> {
        if self.epoch != gate.epoch.current() {
            return None;
        }
        let shape = self.shapes.first()?;
        let (row, result) = shape.quick(call)?;
        if !shape.terms(row).hold(self.timed, gate) {
            return None;
        }
        self.count += 1;
        Some(result.clone_ref(call.py()))
    }

    /// Looks the call up.
    #[inline]
    pub fn find(&mut self, call: &RawCall<'_, '_>, gate: &Gate) -> Option<Served> {
        if self.epoch != gate.epoch.current() {
            return None;
        }
        let shape = self.shapes.iter().find(|shape| shape.fits(call))?;
        let (row, result) = shape.find(call)?;
        if (self.timed || self.marked) && !shape.terms(row).hold(self.timed, gate) {
            return None;
        }
        let served = shape.serve(row, result, call.py())?;
        self.count += 1;
        Some(served)
    }

    /// Remembers a call; `counts` says of each argument whether it takes part in the key.
    pub fn fill(
        &mut self,
        call: &RawCall<'_, '_>,
        fill: Fill,
        counts: impl Fn(usize) -> bool,
    ) -> Dropped {
        let old = if self.epoch == fill.epoch { Vec::new() } else { self.clear().0 };
        self.epoch = fill.epoch;
        self.timed |= fill.span.is_some();
        self.marked |= fill.mark.is_some();
        self.copied |= !matches!(fill.held, Held::Same(_));
        let terms = Terms { span: fill.span.unwrap_or(Span::ALWAYS), mark: fill.mark };
        let row = Row { held: fill.held, terms };
        match self.shape(call, counts) {
            Some(shape) => (old, shape.insert(call, row)),
            None => (old, vec![row]),
        }
    }

    /// What may answer all calls that are known here.
    pub fn sort(&self) -> Sort {
        match self.timed || self.marked {
            _ if self.copied || !self.shapes.iter().all(Shape::is_quick) => Sort::Any,
            true => Sort::QuickOnTerms,
            false => Sort::Quick,
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) -> Dropped {
        (self.timed, self.marked) = (false, false);
        (std::mem::take(&mut self.shapes), Vec::new())
    }

    /// Visits what it holds, for the garbage collector.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.shapes.iter().try_for_each(|shape| shape.traverse(visit))
    }

    fn shape(
        &mut self,
        call: &RawCall<'_, '_>,
        counts: impl Fn(usize) -> bool,
    ) -> Option<&mut Shape> {
        if let Some(at) = self.shapes.iter().position(|shape| shape.fits(call)) {
            return Some(&mut self.shapes[at]);
        }
        if self.shapes.len() == MAX_SHAPES || call.width() > MAX_WIDTH {
            return None;
        }
        self.shapes.push(Shape::new(call, counts));
        self.shapes.last_mut()
    }
}

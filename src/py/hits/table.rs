//! Hits by the arguments themselves: one table for each shape of call.
//!
//! A key text is made only when this table does not know the call.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::row::{CachedValue, FreshWindow, Hit, HitRecord, Row, Validity};
use super::shape::Shape;
use crate::cache::Gate;
use crate::py::ffi::{HitTier, RawCall, Stamp};
use crate::store::Page;

const MAX_SHAPES: usize = 32;
/// One bit for each argument.
const MAX_WIDTH: usize = 64;

/// All hits of one function that need no key text.
#[derive(Debug, Default)]
pub struct Hits {
    epoch: u64,
    /// The announcements of other processes.
    stamp: Stamp,
    /// How often a table answered.
    pub count: u64,
    /// Whether rows have a window, so that a clock must be read.
    timed: bool,
    /// Whether rows have a liveness.
    marked: bool,
    /// Whether there are results that `quick` cannot hand out.
    copied: bool,
    shapes: Vec<Shape>,
}

/// Rows that were removed. Drop them where no lock is held: that may run any code.
pub type Dropped = (Vec<Shape>, Vec<Row>);

impl Hits {
    /// Answers a call with one str, if nothing needs to be called or copied for it.
    #[inline]
    pub fn quick<const SHARED: bool>(
        &mut self,
        call: &RawCall<'_, '_>,
        gate: &Gate,
    ) -> Option<Py<PyAny>> {
        if !self.is_current::<SHARED>(gate) || self.timed || self.marked {
            return None;
        }
        let (_, result) = self.shapes.first()?.quick(call)?;
        self.count += 1;
        Some(result.clone_ref(call.py()))
    }

    /// Like `quick`, for results that expire or are evicted.
    #[inline]
    pub fn quick_checked<const SHARED: bool>(
        &mut self,
        call: &RawCall<'_, '_>,
        gate: &Gate,
    ) -> Option<Py<PyAny>> {
        if !self.is_current::<SHARED>(gate) {
            return None;
        }
        let shape = self.shapes.first()?;
        let (row, result) = shape.quick(call)?;
        if !shape.validity(row).holds(self.timed, gate) {
            return None;
        }
        self.count += 1;
        Some(result.clone_ref(call.py()))
    }

    /// Looks the call up.
    #[expect(
        clippy::inline_always,
        reason = "it stands in two functions, and a call costs hits 13"
    )]
    #[inline(always)]
    pub fn find<const SHARED: bool>(&mut self, call: &RawCall<'_, '_>, gate: &Gate) -> Option<Hit> {
        if !self.is_current::<SHARED>(gate) {
            return None;
        }
        let shape = self.shapes.iter().find(|shape| shape.fits(call))?;
        let (row, result) = shape.find(call)?;
        if (self.timed || self.marked) && !shape.validity(row).holds(self.timed, gate) {
            return None;
        }
        let served = shape.serve(row, result, call.py())?;
        self.count += 1;
        Some(served)
    }

    /// Returns whether nothing that it holds has changed, here or in other processes that share the
    /// cache.
    #[inline]
    fn is_current<const SHARED: bool>(&self, gate: &Gate) -> bool {
        self.epoch == gate.epoch.current() && (!SHARED || self.stamp.current() == gate.watch.seen())
    }

    /// Looks at `page` from now on, and drops what it holds if that is of another epoch.
    fn renew(&mut self, epoch: u64, page: impl FnOnce() -> Option<Arc<Page>>) -> Vec<Shape> {
        if self.epoch == epoch {
            return Vec::new();
        }
        self.epoch = epoch;
        self.stamp = Stamp::of(page());
        self.clear().0
    }

    /// Remembers a call, of a cache that shares `page`; `counts` says for each argument whether it
    /// takes part in the key.
    pub fn fill(
        &mut self,
        call: &RawCall<'_, '_>,
        fill: HitRecord,
        page: impl FnOnce() -> Option<Arc<Page>>,
        counts: impl Fn(usize) -> bool,
    ) -> Dropped {
        let old = self.renew(fill.epoch, page);
        self.timed |= fill.window.is_some();
        self.marked |= fill.liveness.is_some();
        self.copied |= !matches!(fill.value, CachedValue::Same(_));
        let validity = Validity {
            window: fill.window.unwrap_or(FreshWindow::ALWAYS),
            liveness: fill.liveness,
        };
        let row = Row { value: fill.value, validity };
        match self.shape(call, counts) {
            Some(shape) => (old, shape.insert(call, row)),
            None => (old, vec![row]),
        }
    }

    /// Returns the tier of hits that answers all calls known here.
    pub fn fast_path(&self) -> HitTier {
        match self.timed || self.marked {
            _ if self.copied || !self.shapes.iter().all(Shape::is_quick) => HitTier::Any,
            true => HitTier::Checked,
            false => HitTier::Plain,
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

//! Hits by the arguments themselves: one table for each shape of call.
//!
//! A key text is only made when this table does not know the call. The layout is CPython's own
//! dict: a small index of `u32` slots, linearly probed, over dense arrays in insertion order.
//!
//! ```text
//! slot  = tag (8 bits of the hash) << 24 | number of the row + 1        0 = free
//! row n = arguments[n * width ..][..width], served[n]
//! ```
//!
//! Nothing here runs Python code: only exact str, int, float, bool, bytes and None are compared.
//! What a table drops may run any code, so it is handed back and dropped after unlocking.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use pyo3::{PyTraverseError, PyVisit};

use super::hot::{RawCall, same_value, simple_hash};
use super::live::Live;

const MAX_ROWS: usize = (1 << 24) - 2;
const MAX_SHAPES: usize = 32;
/// One bit for each argument.
const MAX_WIDTH: usize = 64;

/// What a hit hands out.
#[derive(Debug)]
pub enum Served {
    /// This very object.
    Same(Py<PyAny>),
    /// A fresh copy.
    Copy(Arc<Live>),
}

impl Served {
    /// Another reference to the same.
    pub fn again(&self, py: Python<'_>) -> Self {
        match self {
            Self::Same(object) => Self::Same(object.clone_ref(py)),
            Self::Copy(live) => Self::Copy(Arc::clone(live)),
        }
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self {
            Self::Same(object) => visit.call(object),
            // The cache's own reference is visited by the cache.
            Self::Copy(_) => Ok(()),
        }
    }
}

/// From when to when a hit may be served, in seconds since the epoch.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// An earlier clock was set back: the slow path decides.
    pub from: f64,
    /// From then on the result is no longer fresh.
    pub until: f64,
}

/// What the slow path found out about a call, to be remembered.
pub struct Fill {
    /// The state of the cache that it was found in.
    pub epoch: u64,
    /// What to hand out.
    pub served: Served,
    /// When, if the function has an expiry.
    pub span: Option<Span>,
}

/// All hits of one function that need no key text.
#[derive(Debug, Default)]
pub struct Hits {
    epoch: u64,
    /// How often a table answered.
    pub count: u64,
    /// Whether rows carry spans, so that a clock must be read.
    timed: bool,
    shapes: Vec<Shape>,
}

/// Rows that were thrown out, to be dropped where no lock is held.
#[must_use]
#[derive(Debug, Default)]
pub struct Dropped {
    #[expect(dead_code, reason = "held until it is dropped")]
    shapes: Vec<Shape>,
    served: Option<Served>,
}

impl Hits {
    /// Looks the call up; `epoch` is the cache's state now.
    #[inline]
    pub fn find(&mut self, call: &RawCall<'_, '_>, epoch: u64) -> Option<&Served> {
        if self.epoch != epoch {
            return None;
        }
        let shape = self.shapes.iter().find(|shape| shape.fits(call))?;
        let row = shape.row(call)?;
        if self.timed && !shape.is_fresh(row) {
            return None;
        }
        self.count += 1;
        Some(&shape.served[row])
    }

    /// Remembers a call; `counts` says of each argument whether it takes part in the key.
    pub fn fill(
        &mut self,
        call: &RawCall<'_, '_>,
        fill: Fill,
        counts: impl Fn(usize) -> bool,
    ) -> Dropped {
        let mut dropped = self.renew(fill.epoch);
        self.epoch = fill.epoch;
        self.timed |= fill.span.is_some();
        if let Some(shape) = self.shape(call, counts) {
            dropped.served = shape.insert(call, fill);
        }
        dropped
    }

    /// Lets go of what is good for nothing any more, if `epoch` is the cache's state now.
    pub fn renew(&mut self, epoch: u64) -> Dropped {
        if self.epoch == epoch { Dropped::default() } else { self.clear() }
    }

    /// Forgets everything.
    pub fn clear(&mut self) -> Dropped {
        self.timed = false;
        Dropped { shapes: std::mem::take(&mut self.shapes), served: None }
    }

    /// Visits what it holds, for the garbage collector.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        for shape in &self.shapes {
            shape.arguments.iter().flatten().try_for_each(|argument| visit.call(argument))?;
            shape.served.iter().try_for_each(|served| served.traverse(visit))?;
        }
        Ok(())
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

/// The calls with one number of positional arguments and the same keywords.
#[derive(Debug)]
struct Shape {
    positional: usize,
    names: Option<Py<PyTuple>>,
    width: usize,
    /// Bit n: argument n takes part in the key.
    counted: u64,
    slots: Box<[u32]>,
    arguments: Vec<Option<Py<PyAny>>>,
    served: Vec<Served>,
    spans: Vec<Span>,
}

impl Shape {
    fn new(call: &RawCall<'_, '_>, counts: impl Fn(usize) -> bool) -> Self {
        let width = call.width();
        let counted = (0..width).filter(|&at| counts(at)).fold(0, |bits, at| bits | 1 << at);
        Self {
            positional: call.positional(),
            names: call.names().map(|names| names.to_owned().unbind()),
            width,
            counted,
            slots: vec![0; 8].into(),
            arguments: Vec::new(),
            served: Vec::new(),
            spans: Vec::new(),
        }
    }

    /// Whether the call has this shape; keyword names are interned, so identity tells them.
    #[inline]
    fn fits(&self, call: &RawCall<'_, '_>) -> bool {
        self.positional == call.positional()
            && match (&self.names, call.names()) {
                (None, None) => true,
                (Some(own), Some(names)) => own.as_ptr() == names.as_ptr() || alike(own, names),
                _ => false,
            }
    }

    #[inline]
    fn hash(&self, call: &RawCall<'_, '_>) -> Option<u64> {
        let mut hash = 0u64;
        for at in 0..self.width {
            if self.counted >> at & 1 == 1 {
                hash = combine(hash, simple_hash(call.argument(at))?);
            }
        }
        Some(hash)
    }

    #[inline]
    fn row(&self, call: &RawCall<'_, '_>) -> Option<usize> {
        let hash = self.hash(call)?;
        let (mask, tag) = (self.slots.len() - 1, tag(hash));
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                return None;
            }
            let row = (slot & 0x00ff_ffff) as usize - 1;
            if slot & 0xff00_0000 == tag && self.matches(row, call) {
                return Some(row);
            }
            at = (at + 1) & mask;
        }
    }

    #[inline]
    fn matches(&self, row: usize, call: &RawCall<'_, '_>) -> bool {
        let own = &self.arguments[row * self.width..][..self.width];
        own.iter().enumerate().all(|(at, own)| match own {
            Some(own) => same_value(own, call.argument(at)),
            None => true,
        })
    }

    fn is_fresh(&self, row: usize) -> bool {
        let now = super::clock::coarse();
        self.spans.get(row).is_none_or(|span| span.from <= now && now < span.until)
    }

    /// Adds a row, or gives back what stood in its place.
    fn insert(&mut self, call: &RawCall<'_, '_>, fill: Fill) -> Option<Served> {
        let hash = self.hash(call)?;
        let span = fill.span.unwrap_or(Span { from: f64::NEG_INFINITY, until: f64::INFINITY });
        if let Some(row) = self.row(call) {
            self.spans[row] = span;
            return Some(std::mem::replace(&mut self.served[row], fill.served));
        }
        if self.served.len() == MAX_ROWS {
            return Some(fill.served);
        }
        if (self.served.len() + 1) * 3 > self.slots.len() * 2 {
            self.grow(call.py());
        }
        for at in 0..self.width {
            let counted = self.counted >> at & 1 == 1;
            self.arguments.push(counted.then(|| call.argument(at).to_owned().unbind()));
        }
        self.served.push(fill.served);
        self.spans.push(span);
        place(&mut self.slots, hash, self.served.len());
        None
    }

    fn grow(&mut self, py: Python<'_>) {
        let mut slots = vec![0; self.slots.len() * 2];
        for row in 0..self.served.len() {
            let own = &self.arguments[row * self.width..][..self.width];
            let hashes = own.iter().flatten().filter_map(|own| simple_hash(own.bind_borrowed(py)));
            place(&mut slots, hashes.fold(0, combine), row + 1);
        }
        self.slots = slots.into();
    }
}

fn alike(own: &Py<PyTuple>, names: Borrowed<'_, '_, PyTuple>) -> bool {
    let own = own.bind(names.py());
    own.len() == names.len()
        && own.iter_borrowed().zip(names.iter_borrowed()).all(|(a, b)| a.is(&*b))
}

#[inline]
fn combine(hash: u64, next: u64) -> u64 {
    fold(hash.rotate_left(5) ^ next)
}

#[inline]
fn fold(hash: u64) -> u64 {
    let wide = u128::from(hash ^ 0x9e37_79b9_7f4a_7c15) * 0xd1b5_4a32_d192_ed03;
    (wide as u64) ^ (wide >> 64) as u64
}

#[inline]
fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32 & 0xff00_0000
}

fn place(slots: &mut [u32], hash: u64, number: usize) {
    let mask = slots.len() - 1;
    let mut at = hash as usize & mask;
    while slots[at] != 0 {
        at = (at + 1) & mask;
    }
    slots[at] = tag(hash) | u32::try_from(number).expect("rows are limited to 24 bits");
}

//! The table of all calls with one number of positional arguments and the same keywords.
//!
//! The layout is CPython's own dict: a small index of `u32` slots, linearly probed, over a dense
//! array in insertion order, so that a call touches as few cache lines as can be.
//!
//! ```text
//! slot  = tag (8 bits of the hash) << 24 | number of the row + 1        0 = free
//! row n = cells[n * (width + 1) ..][..width + 1] = the arguments, then the result
//! ```
//!
//! Nothing here runs Python code: only exact str, int, float, bool, bytes and None are compared.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use pyo3::{PyTraverseError, PyVisit};

use super::hits::{Served, Span};
use super::hot::{RawCall, same_value, simple_hash};
use super::live::Live;

const MAX_ROWS: usize = (1 << 24) - 2;
const NUMBER: u32 = 0x00ff_ffff;

/// What is known of one call.
pub struct Row {
    /// What to hand out.
    pub served: Served,
    /// When.
    pub span: Span,
}

/// The calls with one number of positional arguments and the same keywords.
#[derive(Debug)]
pub struct Shape {
    positional: usize,
    names: Option<Py<PyTuple>>,
    width: usize,
    /// Bit n: argument n takes part in the key.
    counted: u64,
    slots: Box<[u32]>,
    /// Arguments that do not count have an empty cell, results that must be copied, too.
    cells: Vec<Option<Py<PyAny>>>,
    /// By row: what to copy.
    copied: Vec<Option<Arc<Live>>>,
    /// By row: when it may be served.
    spans: Vec<Span>,
}

impl Shape {
    /// An empty table for calls like `call`; `counts` says which arguments make the key.
    pub fn new(call: &RawCall<'_, '_>, counts: impl Fn(usize) -> bool) -> Self {
        let width = call.width();
        let counted = (0..width).filter(|&at| counts(at)).fold(0, |bits, at| bits | 1 << at);
        Self {
            positional: call.positional(),
            names: call.names().map(|names| names.to_owned().unbind()),
            width,
            counted,
            slots: vec![0; 8].into(),
            cells: Vec::new(),
            copied: Vec::new(),
            spans: Vec::new(),
        }
    }

    /// Whether the call has this shape; keyword names are interned, so identity tells them.
    #[inline]
    pub fn fits(&self, call: &RawCall<'_, '_>) -> bool {
        self.positional == call.positional()
            && match (&self.names, call.names()) {
                (None, None) => true,
                (Some(own), Some(names)) => own.as_ptr() == names.as_ptr() || alike(own, names),
                _ => false,
            }
    }

    /// The row of the call.
    #[inline]
    pub fn row(&self, call: &RawCall<'_, '_>) -> Option<usize> {
        // The commonest shapes by far, without the loops over arguments.
        match (self.width, self.counted) {
            (1, 0b1) => {
                let argument = call.argument(0);
                let hash = combine(0, simple_hash(argument)?);
                self.probe(hash, |row| self.holds(row * 2, argument))
            }
            // A method whose instance does not count.
            (2, 0b10) => {
                let argument = call.argument(1);
                let hash = combine(0, simple_hash(argument)?);
                self.probe(hash, |row| self.holds(row * 3 + 1, argument))
            }
            (2, 0b11) => {
                let (first, last) = (call.argument(0), call.argument(1));
                let hash = combine(combine(0, simple_hash(first)?), simple_hash(last)?);
                let same = |at| self.holds(at, first) && self.holds(at + 1, last);
                self.probe(hash, |row| same(row * 3))
            }
            _ => self.probe(self.hash(call)?, |row| self.matches(row, call)),
        }
    }

    /// Whether a cell holds this very argument.
    #[inline]
    fn holds(&self, cell: usize, argument: Borrowed<'_, '_, PyAny>) -> bool {
        self.cells[cell].as_ref().is_some_and(|own| same_value(own, argument))
    }

    #[inline]
    fn probe(&self, hash: u64, matches: impl Fn(usize) -> bool) -> Option<usize> {
        let (mask, tag) = (self.slots.len() - 1, tag(hash));
        let mut at = low_bits(hash) & mask;
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                return None;
            }
            let row = (slot & NUMBER) as usize - 1;
            if slot & !NUMBER == tag && matches(row) {
                return Some(row);
            }
            at = (at + 1) & mask;
        }
    }

    /// What to hand out for a row.
    #[inline]
    pub fn serve(&self, row: usize, py: Python<'_>) -> Option<Served> {
        match &self.cells[row * (self.width + 1) + self.width] {
            Some(object) => Some(Served::Same(object.clone_ref(py))),
            None => self.copied[row].clone().map(Served::Copy),
        }
    }

    /// When a row may be served.
    pub fn span(&self, row: usize) -> Span {
        self.spans[row]
    }

    /// Adds a row, or gives back what stood in its place.
    pub fn insert(&mut self, call: &RawCall<'_, '_>, row: Row) -> Option<Row> {
        let Some(hash) = self.hash(call) else { return Some(row) };
        if let Some(number) = self.row(call) {
            return self.replace(number, row);
        }
        if self.spans.len() == MAX_ROWS {
            return Some(row);
        }
        if (self.spans.len() + 1) * 3 > self.slots.len() * 2 {
            self.grow(call.py());
        }
        for at in 0..self.width {
            self.cells.push(self.counts(at).then(|| call.argument(at).to_owned().unbind()));
        }
        let (object, live) = parts(row.served);
        self.cells.push(object);
        self.copied.push(live);
        self.spans.push(row.span);
        place(&mut self.slots, hash, self.spans.len());
        None
    }

    /// Visits what it holds, for the garbage collector.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // What is to be copied is visited by the cache.
        self.cells.iter().flatten().try_for_each(|object| visit.call(object))
    }

    #[inline]
    fn counts(&self, at: usize) -> bool {
        self.counted >> at & 1 == 1
    }

    #[inline]
    fn hash(&self, call: &RawCall<'_, '_>) -> Option<u64> {
        let mut hash = 0u64;
        for at in 0..self.width {
            if self.counts(at) {
                hash = combine(hash, simple_hash(call.argument(at))?);
            }
        }
        Some(hash)
    }

    #[inline]
    fn matches(&self, row: usize, call: &RawCall<'_, '_>) -> bool {
        let own = &self.cells[row * (self.width + 1)..][..self.width];
        own.iter().enumerate().all(|(at, own)| match own {
            Some(own) => same_value(own, call.argument(at)),
            None => true,
        })
    }

    fn replace(&mut self, number: usize, row: Row) -> Option<Row> {
        let (object, live) = parts(row.served);
        let cell = &mut self.cells[number * (self.width + 1) + self.width];
        let old =
            (std::mem::replace(cell, object), std::mem::replace(&mut self.copied[number], live));
        let span = std::mem::replace(&mut self.spans[number], row.span);
        let served = match old {
            (Some(object), _) => Served::Same(object),
            (None, live) => Served::Copy(live?),
        };
        Some(Row { served, span })
    }

    fn grow(&mut self, py: Python<'_>) {
        let mut slots = vec![0; self.slots.len() * 2];
        for (row, cells) in self.cells.chunks_exact(self.width + 1).enumerate() {
            let own = cells[..self.width].iter().flatten();
            let hashes = own.filter_map(|own| simple_hash(own.bind_borrowed(py)));
            place(&mut slots, hashes.fold(0, combine), row + 1);
        }
        self.slots = slots.into();
    }
}

fn parts(served: Served) -> (Option<Py<PyAny>>, Option<Arc<Live>>) {
    match served {
        Served::Same(object) => (Some(object), None),
        Served::Copy(live) => (None, Some(live)),
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
#[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
fn fold(hash: u64) -> u64 {
    let wide = u128::from(hash ^ 0x9e37_79b9_7f4a_7c15) * 0xd1b5_4a32_d192_ed03;
    (wide as u64) ^ (wide >> 64) as u64
}

#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "a table has no more slots than a usize counts"
)]
fn low_bits(hash: u64) -> usize {
    hash as usize
}

#[inline]
fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32 & !NUMBER
}

fn place(slots: &mut [u32], hash: u64, number: usize) {
    let mask = slots.len() - 1;
    let mut at = low_bits(hash) & mask;
    while slots[at] != 0 {
        at = (at + 1) & mask;
    }
    slots[at] = tag(hash) | u32::try_from(number).expect("rows are limited to 24 bits");
}

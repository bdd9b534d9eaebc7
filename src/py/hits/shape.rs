//! The table of all calls with one number of positional arguments and the same keywords.
//!
//! The layout is that of CPython's own dict: a small index of `u32` slots, linearly probed, over a
//! dense array in insertion order, so that a call touches as few cache lines as possible
//! ([`super::slots`]).
//!
//! ```text
//! row n = cells[n * (width + 1) ..][..width + 1] = the arguments, then the result
//! ```
//!
//! Nothing here runs Python code: see [`super::argument_hash`] for what is compared.

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use pyo3::{PyTraverseError, PyVisit};

use super::argument_hash::{combine, combined, same_value, simple_hash};
use super::row::{CachedValue, Hit, Row, Validity};
use super::slots::{MAX_ROWS, Slots};
use crate::py::ffi::{RawCall, near_hash, noted_hash};

/// Tables smaller than this are never swept for dead rows.
const FEW: usize = 64;

/// An argument or a result.
pub type Cell = Option<Py<PyAny>>;

/// How the row of a call is found.
#[derive(Clone, Copy, Debug)]
enum LookupStrategy {
    /// By the one argument, which has no name.
    One,
    /// By the one argument, which is given by name.
    Named,
    /// By the second of two: for a method whose instance does not count.
    Second,
    /// By the two arguments.
    Both,
    /// By all arguments that count.
    Any,
}

/// The calls with one number of positional arguments and the same keywords.
#[derive(Debug)]
pub struct Shape {
    positional: usize,
    names: Option<Py<PyTuple>>,
    lane: LookupStrategy,
    width: usize,
    /// Bit n: argument n takes part in the key.
    counted: u64,
    slots: Slots,
    /// Arguments that do not count have an empty cell, and so have results that must be copied.
    cells: Vec<Cell>,
    /// By row: a value that is not in the last cell.
    others: Vec<Option<CachedValue>>,
    /// By row: the conditions for serving it.
    validity: Vec<Validity>,
    /// How many rows the table may have before it is swept for dead ones.
    full: usize,
}

impl Shape {
    /// An empty table for calls like `call`; `counts` says which arguments make the key.
    pub fn new(call: &RawCall<'_, '_>, counts: impl Fn(usize) -> bool) -> Self {
        let width = call.width();
        let counted = (0..width).filter(|&at| counts(at)).fold(0, |bits, at| bits | 1 << at);
        Self {
            positional: call.positional(),
            names: call.names().map(|names| names.to_owned().unbind()),
            lane: match (width, counted) {
                (1, 0b1) if call.names().is_none() => LookupStrategy::One,
                (1, 0b1) => LookupStrategy::Named,
                (2, 0b10) => LookupStrategy::Second,
                (2, 0b11) => LookupStrategy::Both,
                _ => LookupStrategy::Any,
            },
            width,
            counted,
            slots: Slots::new(),
            cells: Vec::new(),
            others: Vec::new(),
            validity: Vec::new(),
            full: FEW,
        }
    }

    /// Returns whether the call has this shape; keyword names are interned, so identity is enough.
    #[inline]
    pub fn fits(&self, call: &RawCall<'_, '_>) -> bool {
        self.positional == call.positional()
            && match (&self.names, call.names()) {
                (None, None) => true,
                (Some(own), Some(names)) => own.as_ptr() == names.as_ptr() || alike(own, names),
                _ => false,
            }
    }

    /// Returns the row and the result of a call with one argument, if nothing needs to be called to
    /// find it: the argument is the very same str as before. None also if the result must be
    /// copied.
    #[inline]
    pub fn quick(&self, call: &RawCall<'_, '_>) -> Option<(usize, &Py<PyAny>)> {
        if !self.is_quick() || call.positional() != 1 || call.names().is_some() {
            return None;
        }
        let argument = call.argument(0);
        let (row, result) = self.first(noted_hash(argument)?, |[own, _]| is(own, argument))?;
        Some((row, result.as_ref()?))
    }

    /// Returns whether `quick` may find its calls.
    #[inline]
    pub fn is_quick(&self) -> bool {
        matches!(self.lane, LookupStrategy::One)
    }

    /// Returns the row of the call and the cell of its result.
    #[inline]
    pub fn find(&self, call: &RawCall<'_, '_>) -> Option<(usize, &Cell)> {
        self.near(call).or_else(|| self.far(call))
    }

    /// Finds a call of one of the commonest shapes, without loops over arguments, if the arguments
    /// are the very same objects as before: then nothing needs to be called.
    #[expect(
        clippy::inline_always,
        reason = "it stands in two functions, and a call costs hits 13"
    )]
    #[inline(always)]
    fn near(&self, call: &RawCall<'_, '_>) -> Option<(usize, &Cell)> {
        match self.lane {
            LookupStrategy::One | LookupStrategy::Named => {
                let argument = call.argument(0);
                self.first(near_hash(argument)?, |[own, _]| is(own, argument))
            }
            LookupStrategy::Second => {
                let argument = call.argument(1);
                self.first(near_hash(argument)?, |[_, own, _]| is(own, argument))
            }
            LookupStrategy::Both => {
                let (one, two) = (call.argument(0), call.argument(1));
                let hash = combine(near_hash(one)?, near_hash(two)?);
                self.first(hash, |[own, other, _]| is(own, one) && is(other, two))
            }
            LookupStrategy::Any => None,
        }
    }

    /// Finds a call of any number of arguments that are equal to earlier ones.
    #[inline(never)]
    fn far(&self, call: &RawCall<'_, '_>) -> Option<(usize, &Cell)> {
        if matches!(self.lane, LookupStrategy::One | LookupStrategy::Named) {
            let argument = call.argument(0);
            let same = |own: &Py<PyAny>| same_value(own.bind_borrowed(call.py()), argument);
            let own = |row| self.cells_of::<2>(row).and_then(|[own, _]| own.as_ref());
            let row = self.slots.find(simple_hash(argument)?, |row| own(row).is_some_and(same))?;
            return Some((row, self.cells_of::<2>(row)?.last()?));
        }
        let row = self.row(call, self.hash(call)?)?;
        Some((row, &self.cells[row * (self.width + 1) + self.width]))
    }

    /// Returns the first row with this tag and its result, if it `matches`.
    #[expect(clippy::inline_always, reason = "a call costs hits 11")]
    #[inline(always)]
    fn first<const CELLS: usize>(
        &self,
        hash: u64,
        matches: impl Fn(&[Cell; CELLS]) -> bool,
    ) -> Option<(usize, &Cell)> {
        let row = self.slots.find(hash, |_| true)?;
        let cells = self.cells_of(row)?;
        Some((row, cells.last()?)).filter(|_| matches(cells))
    }

    /// Returns the cells of a row, of which the shape has this many.
    #[inline]
    fn cells_of<const CELLS: usize>(&self, row: usize) -> Option<&[Cell; CELLS]> {
        self.cells.get(row.wrapping_mul(CELLS)..)?.first_chunk()
    }

    /// Returns the row of the call, whose hash is `hash`.
    fn row(&self, call: &RawCall<'_, '_>, hash: u64) -> Option<usize> {
        self.slots.find(hash, |row| self.matches(row, call))
    }

    /// Returns the hit for a row with this result. None if the row should get another one: another
    /// thread copies the same template at this moment.
    #[inline]
    pub fn serve(&self, row: usize, result: &Cell, py: Python<'_>) -> Option<Hit> {
        if let Some(object) = result {
            return Some(Hit::Same(object.clone_ref(py)));
        }
        match self.others[row].as_ref()? {
            CachedValue::Same(object) => Some(Hit::Same(object.clone_ref(py))),
            #[cfg(Py_GIL_DISABLED)]
            CachedValue::Copy(template) if template.get().0.is_taken() => None,
            CachedValue::Copy(template) => Some(Hit::Copy(template.clone_ref(py))),
            CachedValue::Weak(live, shared) => Some(Hit::Template(live.upgrade()?, *shared)),
        }
    }

    /// Returns the conditions for serving a row.
    #[inline]
    pub fn validity(&self, row: usize) -> &Validity {
        &self.validity[row]
    }

    /// Adds a row; returns what was removed for it, or the row itself if there is no room.
    pub fn insert(&mut self, call: &RawCall<'_, '_>, row: Row) -> Vec<Row> {
        let Some(hash) = self.hash(call) else { return vec![row] };
        if let Some(number) = self.row(call, hash) {
            return self.replace(number, row);
        }
        if self.validity.len() == MAX_ROWS {
            return vec![row];
        }
        let gone =
            if self.validity.len() >= self.full { self.sweep(call.py()) } else { Vec::new() };
        if !self.slots.have_room(self.validity.len() + 1) {
            self.index_all(call.py());
        }
        for at in 0..self.width {
            self.cells.push(self.counts(at).then(|| call.argument(at).to_owned().unbind()));
        }
        let (result, other) = parts(row.value);
        self.cells.push(result);
        self.others.push(other);
        self.slots.insert(hash, self.validity.len());
        self.validity.push(row.validity);
        gone
    }

    /// Visits what it holds, for the garbage collector.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // The cache visits objects that are copied.
        self.cells.iter().flatten().try_for_each(|object| visit.call(object))
    }

    #[inline]
    fn counts(&self, at: usize) -> bool {
        self.counted >> at & 1 == 1
    }

    #[inline]
    fn hash(&self, call: &RawCall<'_, '_>) -> Option<u64> {
        let counted = (0..self.width).filter(|&at| self.counts(at));
        combined(counted.map(|at| simple_hash(call.argument(at))))
    }

    #[inline]
    fn matches(&self, row: usize, call: &RawCall<'_, '_>) -> bool {
        let own = &self.cells[row * (self.width + 1)..][..self.width];
        own.iter().enumerate().all(|(at, own)| match own {
            Some(own) => same_value(own.bind_borrowed(call.py()), call.argument(at)),
            None => true,
        })
    }

    fn replace(&mut self, number: usize, row: Row) -> Vec<Row> {
        let (cell, other) = parts(row.value);
        let result = number * (self.width + 1) + self.width;
        let old = std::mem::replace(&mut self.cells[result], cell);
        let value =
            std::mem::replace(&mut self.others[number], other).or(old.map(CachedValue::Same));
        let validity = std::mem::replace(&mut self.validity[number], row.validity);
        value.map(|value| Row { value, validity }).into_iter().collect()
    }

    /// Removes the dead rows; their arguments are returned as rows, too.
    fn sweep(&mut self, py: Python<'_>) -> Vec<Row> {
        let (mut gone, stride) = (Vec::new(), self.width + 1);
        let (mut cells, mut others) = (Vec::new(), Vec::new());
        let mut rows = std::mem::take(&mut self.cells).into_iter();
        let mut value = std::mem::take(&mut self.others).into_iter();
        self.validity.retain(|validity| {
            let (own, other) = (rows.by_ref().take(stride), value.next().flatten());
            if validity.is_over() {
                let objects = own.flatten().map(CachedValue::Same).chain(other);
                gone.extend(objects.map(|value| Row { value, validity: Validity::default() }));
                return false;
            }
            cells.extend(own);
            others.push(other);
            true
        });
        (self.cells, self.others) = (cells, others);
        self.full = FEW.max(self.validity.len() * 2);
        if !gone.is_empty() {
            self.index_all(py);
        }
        gone
    }

    /// Makes an index of all rows, with room for more.
    fn index_all(&mut self, py: Python<'_>) {
        self.slots = Slots::for_rows(self.validity.len());
        for (row, cells) in self.cells.chunks_exact(self.width + 1).enumerate() {
            let own = cells[..self.width].iter().flatten();
            let hash = combined(own.map(|own| simple_hash(own.bind_borrowed(py))));
            self.slots.insert(hash.unwrap_or_default(), row);
        }
    }
}

/// Returns whether a cell holds this very object.
#[inline]
fn is(cell: &Cell, argument: Borrowed<'_, '_, PyAny>) -> bool {
    cell.as_ref().is_some_and(|own| own.as_ptr() == argument.as_ptr())
}

/// Splits a result into its last cell and what is kept beside it.
fn parts(value: CachedValue) -> (Cell, Option<CachedValue>) {
    match value {
        CachedValue::Same(object) => (Some(object), None),
        other => (None, Some(other)),
    }
}

fn alike(own: &Py<PyTuple>, names: Borrowed<'_, '_, PyTuple>) -> bool {
    let own = own.bind(names.py());
    own.len() == names.len()
        && own.iter_borrowed().zip(names.iter_borrowed()).all(|(a, b)| a.is(&*b))
}

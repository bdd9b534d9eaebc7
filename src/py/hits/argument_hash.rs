//! Arguments that a table of hits can look up by itself: hashing and comparing them runs no Python
//! code.
//!
//! These are exact str, int, float, bool, bytes and None, and exact tuples of such.

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::py::ffi::{leaf_hash, leaves_equal, spread_hash};

/// How deep tuples within tuples are looked into.
const DEEPEST: usize = 4;
/// How many items of a tuple are looked at: larger ones are rare, and cost more than their key's
/// text.
const WIDEST: usize = 32;

/// Returns the hash of a simple argument, well spread; None for any other.
#[inline]
pub fn simple_hash(argument: Borrowed<'_, '_, PyAny>) -> Option<u64> {
    leaf_hash(argument).or_else(|| tuple_hash(argument, DEEPEST))
}

/// Returns the hash of several arguments; None if one of them is not simple.
#[inline]
pub fn combined(mut hashes: impl Iterator<Item = Option<u64>>) -> Option<u64> {
    let first = hashes.next().unwrap_or(Some(0))?;
    hashes.try_fold(first, |hash, next| Some(combine(hash, next?)))
}

/// Returns the hash of two arguments.
#[inline]
pub fn combine(hash: u64, next: u64) -> u64 {
    spread_hash(hash.rotate_left(5) ^ next)
}

#[inline(never)]
fn tuple_hash(argument: Borrowed<'_, '_, PyAny>, deepest: usize) -> Option<u64> {
    let tuple = argument.cast_exact::<PyTuple>().ok()?;
    if tuple.len() > WIDEST || deepest == 0 {
        return None;
    }
    let items = tuple.iter_borrowed();
    let hash =
        combined(items.map(|item| leaf_hash(item).or_else(|| tuple_hash(item, deepest - 1))));
    // It differs from that of its only item, and from that of as many arguments.
    Some(combine(hash?, !(tuple.len() as u64)))
}

/// Returns whether two arguments make the same key: identical, or of one simple type and equal. The
/// first was simple when it was stored.
#[inline]
pub fn same_value(own: Borrowed<'_, '_, PyAny>, argument: Borrowed<'_, '_, PyAny>) -> bool {
    own.as_ptr() == argument.as_ptr() || equal_value(own, argument)
}

#[inline(never)]
fn equal_value(own: Borrowed<'_, '_, PyAny>, argument: Borrowed<'_, '_, PyAny>) -> bool {
    let Ok(own) = own.cast_exact::<PyTuple>() else { return leaves_equal(own, argument) };
    let Ok(other) = argument.cast_exact::<PyTuple>() else { return false };
    own.len() == other.len()
        && own.iter_borrowed().zip(other.iter_borrowed()).all(|(own, other)| same_value(own, other))
}

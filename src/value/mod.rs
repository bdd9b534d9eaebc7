//! Values as JSON text: read, written, checked and normalised without ever building a tree.
//!
//! One grammar (`walk`) drives all readers, so that they cannot disagree about what JSON is:
//! [`parse`](parse::parse) builds the caller's nodes, [`check`](check::check) builds nothing,
//! [`normalise`](normalise::normalise) writes the same value as one strict line.
//!
//! Strings are WTF-8: UTF-8 in which a lone surrogate may take three bytes, because Python's
//! strings may hold such and JSON can express them (`"\ud83d"`).

pub mod check;
pub mod escape;
pub(crate) mod find;
pub(crate) mod masks;
mod nesting;
pub mod normalise;
pub mod parse;
mod scalar;
pub mod scratch_buffer;
pub(crate) mod shared;
pub(crate) mod strings;
pub mod tag;
pub mod text;
mod token;
mod validate_fast;
mod walk;
pub mod write;

/// How deep lists and dicts may be nested in one value.
pub const MAX_DEPTH: usize = 500;

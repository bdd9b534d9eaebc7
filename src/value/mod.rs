//! Values as JSON text: read, written, checked and tidied without ever passing through a tree.
//!
//! One grammar (`walk`) drives all readers, so that they cannot disagree about what is JSON:
//! [`parse`](parse::parse) builds somebody's nodes, [`check`](check::check) builds nothing,
//! [`normalise`](normalise::normalise) writes the same value as one strict line.
//!
//! Strings are WTF-8: UTF-8 in which a lone surrogate may stand as three bytes, because Python's
//! strings hold such things and JSON can say them (`"\ud83d"`).

pub mod check;
pub mod escape;
pub(crate) mod find;
pub(crate) mod masks;
mod nesting;
pub mod normalise;
pub mod parse;
mod scalar;
pub mod scratch_buffer;
pub(crate) mod strings;
pub mod tag;
pub mod text;
mod token;
mod validate_fast;
mod walk;
pub mod write;

/// How many lists and dicts may stand inside each other in one value.
pub const MAX_DEPTH: usize = 500;

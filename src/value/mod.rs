//! Values as JSON text: read, written, checked and tidied without ever passing through a tree.
//!
//! One grammar (`walk`) drives all readers, so that they cannot disagree about what is JSON:
//! [`parse`](parse::parse) builds somebody's nodes, [`check`](check::check) builds nothing,
//! [`tidy`](tidy::tidy) writes the same value as one strict line.
//!
//! Strings are WTF-8: UTF-8 in which a lone surrogate may stand as three bytes, because Python's
//! strings hold such things and JSON can say them (`"\ud83d"`).

pub mod check;
pub(crate) mod find;
mod levels;
pub mod paper;
pub mod parse;
mod plain;
mod scalar;
pub(crate) mod strings;
pub mod tag;
pub mod text;
pub mod tidy;
mod token;
mod walk;
pub mod write;

/// How many lists and dicts may stand inside each other in one value.
pub const MAX_DEPTH: usize = 500;

//! From a call's arguments to its key text.

pub mod arguments;
pub mod binding;
pub mod canonical;
pub mod classes;
pub mod identity;
pub mod maker;
pub mod parameters;
pub mod shown;
mod written;

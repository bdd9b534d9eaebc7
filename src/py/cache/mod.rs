//! The cache as Python sees it.

pub mod core;
pub mod entries;
pub mod fork;
mod mapping;
pub mod mode;
mod salt;

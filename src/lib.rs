//! outlive: a persistent, thread-safe memoiser. See `README.md` for the user's view.
#![warn(missing_docs)]

pub mod error;
pub mod flight;
pub mod policy;
pub mod store;
pub mod sync;
pub mod value;

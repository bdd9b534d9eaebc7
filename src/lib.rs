//! outlive: a persistent, thread-safe memoiser. See `README.md` for the user's view.
#![warn(missing_docs)]

pub mod cache;
pub mod error;
pub mod flight;
pub mod key;
pub mod policy;
#[cfg(feature = "python")]
mod py;
pub mod store;
pub mod stripes;
pub mod sync;
pub mod value;

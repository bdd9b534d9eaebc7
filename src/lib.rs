//! outlive: a persistent, thread-safe memoiser. See `README.md` for the user's view.
//!
//! A call goes through three places, each slower than the one before:
//!
//! 1. a **table of hits** of the function itself, by the arguments as they are (`py::hits`);
//! 2. the **cache**: entries by key text, each with its JSON text and, once used, its decoded form
//!    ([`cache`]);
//! 3. the **flight**: one thread, task or process computes, the others wait ([`flight`]); the result
//!    is in the journal before anybody gets it ([`store`]).
//!
//! ```text
//! Python face -> py -> cache -> { policy   how long a result is good, what goes when room is short
//!                                 flight   who computes, who waits, no circles
//!                                 store    the file, the journal, locks, recovery } -> { value  JSON texts
//!                                                                                        key    key texts } -> error
//! ```
//!
//! Nothing points to the left. Only `py` knows Python, behind the feature `python`; without it all
//! else is built and tested. `unsafe` stands in `py::ffi` alone.
#![warn(missing_docs)]

pub mod cache;
pub mod clock;
pub mod collections;
pub mod error;
pub mod flight;
pub mod key;
pub mod memory;
pub mod policy;
#[cfg(feature = "python")]
mod py;
pub mod stepping;
pub mod store;
pub mod sync;
pub mod value;

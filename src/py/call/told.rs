//! The warnings that were given about one function.

use std::sync::atomic::AtomicBool;

/// The warnings that were given about a function: each comes once.
#[derive(Debug, Default)]
pub struct Told {
    /// A result of another call or function was served, or may be.
    pub collision: AtomicBool,
    /// A result or an argument cannot be stored.
    pub unstorable: AtomicBool,
    /// The function was edited since its results were kept.
    pub code: AtomicBool,
    /// A result is larger than `max_bytes=` allows.
    pub too_large: AtomicBool,
    /// An option's callable raised.
    pub raising: AtomicBool,
}

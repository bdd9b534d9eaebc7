//! What the user was told of one function.

use std::sync::atomic::AtomicBool;

/// What was told of a function: each comes once.
#[derive(Debug, Default)]
pub struct Told {
    /// A result of another call or function was served, or may be.
    pub collision: AtomicBool,
    /// A result or an argument is none that the file can hold.
    pub unstorable: AtomicBool,
    /// The function was edited since its results were kept.
    pub code: AtomicBool,
    /// An option's callable raises.
    pub raising: AtomicBool,
}

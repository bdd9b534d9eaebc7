//! What is known of a cache on a server, and what waits to be written there.

use std::collections::HashMap;

use super::backlog::Backlog;

/// How long the results of one function are of use.
#[derive(Clone, Copy, Debug)]
pub struct Lifetime {
    pub seconds: f64,
    /// Whether the function has a clock of its own, of which the server knows nothing.
    pub own_clock: bool,
}

/// What is known of the cache.
#[derive(Debug, Default)]
pub struct State {
    pub only_reads: bool,
    /// Whether the server was asked at all since it was left.
    pub is_open: bool,
    /// What the server has not taken yet.
    pub backlog: Backlog,
    pub lifetimes: HashMap<Vec<u8>, Lifetime>,
    /// The salt in force.
    pub salt: Option<String>,
}

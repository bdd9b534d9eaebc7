//! Memory behind a file: what processes that map it share.

use std::fmt::Debug;
use std::fs::File;
use std::io;
use std::sync::atomic::AtomicU64;

/// A piece of memory behind a file, for as long as this lives. It takes `unsafe` to get, so whoever
/// makes a store hands it in.
pub trait Memory: Send + Sync + Debug {
    /// All of it.
    fn words(&self) -> &[AtomicU64];
    /// Shows zeros from now on: whoever still looks at it finds that something has changed.
    fn let_go(&self) {}
}

/// Shows the first bytes of a file, as many as a page has, for reading.
pub type Map = fn(&File, usize) -> io::Result<Box<dyn Memory>>;

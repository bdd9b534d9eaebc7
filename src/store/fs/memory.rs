//! Memory behind a file, which processes share by mapping it.

use std::fmt::Debug;
use std::fs::File;
use std::io;
use std::sync::atomic::AtomicU64;

/// A piece of memory behind a file, as long as this lives. Mapping it takes `unsafe`, so the code
/// that makes a store passes it in.
pub trait Memory: Send + Sync + Debug {
    /// All of it.
    fn words(&self) -> &[AtomicU64];
    /// Shows zeros from now on: code that still looks at it finds a change.
    fn let_go(&self) {}
}

/// Maps the first bytes of a file, as many as a page has, for reading.
pub type Map = fn(&File, usize) -> io::Result<Box<dyn Memory>>;

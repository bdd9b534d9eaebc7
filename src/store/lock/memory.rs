//! Memory that several processes see. It takes `unsafe` to get, so whoever makes a store hands it in.

use std::fmt::Debug;
use std::fs::File;
use std::io;
use std::sync::atomic::AtomicU32;

/// A piece of memory behind a file, for as long as this lives.
pub trait Memory: Send + Sync + Debug {
    /// All of it.
    fn words(&self) -> &[AtomicU32];
}

/// Shows the memory behind a file.
pub type Map = fn(&File) -> io::Result<Box<dyn Memory>>;

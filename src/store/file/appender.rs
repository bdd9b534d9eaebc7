//! A file as something to write to.

use std::io::{self, Write};

use crate::store::fs::Handle;

/// Appends what is written.
pub struct Appender<'a>(pub &'a dyn Handle);

impl Write for Appender<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.append(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

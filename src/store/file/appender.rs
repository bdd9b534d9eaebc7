//! A file as a `Write`.

use std::io::{self, Write};

use crate::store::fs::Handle;

/// Appends each write to the file.
pub struct Appender<'a>(pub &'a dyn Handle);

impl Write for Appender<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.append(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

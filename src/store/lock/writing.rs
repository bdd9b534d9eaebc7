//! The right of a process to write to a database.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::LockFile;
use crate::store::fs::{LockMode, LockPart, Taken};

/// The right of this process to write; dropping it gives the right back.
#[derive(Debug)]
pub struct WriteGuard(Arc<LockFile>);

impl Drop for WriteGuard {
    fn drop(&mut self) {
        if self.0.writing.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.handle.unlock(LockPart::Writing);
        }
    }
}

impl LockFile {
    /// Tries to take the right to write for this process; `Unsupported` where there are no such
    /// locks. The caller makes sure that no other thread has it; the thread that has it may take it
    /// again.
    pub fn take_writing(self: &Arc<Self>) -> io::Result<(Taken, Option<WriteGuard>)> {
        let taken = self.handle.try_lock(LockPart::Writing, LockMode::Exclusive)?;
        let guard = (taken == Taken::Yes).then(|| {
            self.writing.fetch_add(1, Ordering::AcqRel);
            WriteGuard(Arc::clone(self))
        });
        Ok((taken, guard))
    }
}

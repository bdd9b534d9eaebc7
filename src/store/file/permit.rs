//! The right of one process to write a snapshot.

use super::folder::Folder;
use super::locks::Locks;
use crate::error::{Error, Result};
use crate::store::lock::CheckpointGuard;
use crate::sync::Arc;

/// The right to write a snapshot, until it is dropped.
#[derive(Debug)]
pub struct Permit(Arc<Locks>);

impl Drop for Permit {
    fn drop(&mut self) {
        // Taken out before it is dropped: another thread stores its own as soon as the lock is
        // free.
        let guard = self.0.checkpoint.lock().take();
        drop(guard);
    }
}

impl Locks {
    /// Returns the right to write a snapshot, for a process that writes; fails with an error that
    /// is busy (see [`Error::is_busy`]) while another process has it.
    pub fn permit(self: &Arc<Self>, folder: &Folder) -> Result<Permit> {
        if self.try_join(folder)?.is_none() {
            return Err(folder.busy());
        }
        let path = &folder.paths().checkpoint;
        let wrong = |source| Error::Io { doing: "lock", path: path.clone(), source };
        let guard = CheckpointGuard::take(&*folder.fs, path, folder.journal_like().as_ref());
        guard.map_err(wrong)?.map(|guard| self.keep(guard)).ok_or_else(|| folder.busy())
    }

    /// Returns the right to clear up after a killed process, if nobody else has it.
    pub fn try_permit(self: &Arc<Self>, folder: &Folder) -> Option<Permit> {
        let like = folder.journal_like();
        let guard = CheckpointGuard::take(&*folder.fs, &folder.paths().checkpoint, like.as_ref());
        let permit = self.keep(guard.ok()??);
        // NOTE: presence comes after the lock, so that a process that closes does not take us for a
        // writer.
        matches!(self.try_join(folder), Ok(Some(_))).then_some(permit)
    }

    /// Keeps `guard` where the child of a fork finds it.
    fn keep(self: &Arc<Self>, guard: CheckpointGuard) -> Permit {
        *self.checkpoint.lock() = Some(guard);
        Permit(Arc::clone(self))
    }
}

//! Closing: the last process to leave clears up.

use std::io::ErrorKind;
use std::sync::atomic::Ordering;

use super::checkpoint::{Checkpoint, Goal};
use super::process_store::ProcessStore;
use super::replace;
use super::state::FileState;
use super::view::FileView;
use crate::error::Result;
use crate::store::Saving;
use crate::sync::Arc;

impl ProcessStore {
    /// Begins the last checkpoint of this process. `None` means that there was nothing to do and it
    /// has left. While another process is at a checkpoint, it stays; and while it computes: who
    /// leaves frees its keys and misses what others purge, so that the result could not be kept.
    pub fn begin_close(self: &Arc<Self>) -> Result<Option<Box<dyn Saving>>> {
        if self.must_stay() {
            return self.begin_save();
        }
        let checkpoint = self.last_checkpoint();
        let stays = match &checkpoint {
            Ok(checkpoint) => checkpoint.is_some(),
            Err(error) => error.is_busy(),
        };
        if !stays {
            self.leave(false);
        }
        Ok(checkpoint?.map(|checkpoint| Box::new(checkpoint) as Box<dyn Saving>))
    }

    /// Leaves without a snapshot; the last process still removes what is folded already.
    pub fn close(self: &Arc<Self>) {
        if self.must_stay() {
            return;
        }
        let last = if self.locks.is_present() { self.begin_close() } else { Ok(None) };
        // A checkpoint that is dropped leaves by itself.
        if !matches!(last, Ok(Some(_))) {
            self.leave(false);
        }
    }

    /// Returns the right to a last checkpoint if this process has a reason to take it: it wrote, it
    /// holds something that nobody else does, or it has seen journals that a dead process may have
    /// left.
    fn last_checkpoint(self: &Arc<Self>) -> Result<Option<Checkpoint>> {
        let (owes, seen) = {
            let mut state = self.state.lock();
            state.view.catch_up_or_tell();
            if !state.may_save() {
                return Ok(None);
            }
            (state.view.contents.owe(), state.view.head.expected().is_some())
        };
        let permit = if self.locks.is_present() || owes {
            Some(self.permit()?)
        } else if !seen || self.generations.list().is_ok_and(|found| found.is_empty()) {
            None
        } else {
            // If somebody saves, or nothing may be written here, the journals are not ours to fold.
            self.locks.try_permit(&self.folder)
        };
        Ok(permit.map(|permit| Checkpoint::new(Arc::clone(self), Goal::Close, permit)))
    }

    /// Gives up all handles and locks; clears up first if no other process is there.
    pub fn leave(&self, alone: bool) {
        let mut state = self.state.lock();
        if self.must_stay() && self.locks.stay() {
            // Another thread began to compute meanwhile.
            return;
        }
        if alone && state.may_save() {
            self.clear_up(&mut state);
        }
        state.view.detach();
        self.locks.leave();
    }

    /// Returns whether this process computes, and does not end.
    fn must_stay(&self) -> bool {
        !self.ends.load(Ordering::Acquire) && self.locks.compute()
    }

    /// Removes everything but the snapshot, unless something still has to be folded.
    fn clear_up(&self, state: &mut FileState) {
        let folder = &*self.folder;
        if !state.view.is_all_folded() {
            // A process that follows without a journal learns from the lock file that there is one.
            return;
        }
        self.remove_leftovers();
        drop(self.generations.remove_to(state.view.head.finished().unwrap_or_default()));
        self.locks.remove(folder);
    }

    /// Removes what saves of dead processes left. IMPORTANT: under the checkpoint lock.
    pub fn remove_leftovers(&self) {
        replace::remove_leftover(&self.folder);
        if self.locks.are_supported() {
            self.folder.remove_temporary();
        }
    }
}

impl FileView {
    /// Returns whether the snapshot holds everything in the journals. It seals them to find out, so
    /// that a process that has one open without a lock looks for another.
    fn is_all_folded(&mut self) -> bool {
        loop {
            if self.catch_up().is_err() || self.contents.progress.needs_save() {
                return false;
            }
            let Some(sealed) = self.head.seal() else { return true };
            let Ok(tail) = sealed else { return false };
            self.take_in_one(tail);
            self.finish_generation();
            // A process that found no room for a seal may have begun the next generation all the
            // same.
            if let Err(error) = self.head.open_next() {
                return error.kind() == ErrorKind::NotFound && !self.contents.progress.needs_save();
            }
        }
    }
}

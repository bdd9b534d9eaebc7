//! Closing: the last process to leave clears up.

use std::io::ErrorKind;

use super::Inner;
use super::fold::FoldPass;
use super::state::State;
use crate::error::Result;
use crate::store::Saving;
use crate::store::lock::CheckpointGuard;
use crate::sync::Arc;

/// Leaves the files to the others when it is dropped.
#[derive(Debug)]
pub struct Leaving(Arc<Inner>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.detach(&mut self.0.state.lock());
    }
}

impl Inner {
    /// Begins the last save, if this process has to do it.
    pub fn begin_close(self: &Arc<Self>) -> Result<Option<Box<dyn Saving>>> {
        let Some(guard) = self.close_lock()? else { return Ok(None) };
        let alone = self.is_alone();
        let mut state = self.state.lock();
        state.alone = alone;
        // A process that came without having read the end of the journal reads it now.
        self.catch_up_or_tell(&mut state);
        // What only this process holds must be saved even if others stay.
        if !alone && state.unsaved == 0 && !state.rewrite && !self.is_rewritten(&state) {
            self.detach(&mut state);
            return Ok(None);
        }
        if !self.needs_save(&state) {
            return Ok(None);
        }
        drop(state);
        self.fold(guard, (!alone).then(|| Leaving(Arc::clone(self)))).map(Some)
    }

    /// The fold lock, if this process has a reason to take it when it leaves: it wrote, or holds
    /// what nobody else does, or has seen journals that a dead process may have left behind.
    fn close_lock(self: &Arc<Self>) -> Result<Option<FoldPass>> {
        let present = self.lock.lock().is_some();
        let (owes, seen) = {
            let mut state = self.state.lock();
            self.catch_up_or_tell(&mut state);
            if self.options.read_only || state.broken.is_some() {
                return Ok(None);
            }
            (
                state.unsaved > 0 || state.rewrite,
                state.journal.is_some() || state.finished.is_some(),
            )
        };
        if present || owes {
            return self.fold_lock().map(Some);
        }
        if !seen || self.generations().is_ok_and(|found| found.is_empty()) {
            return Ok(None);
        }
        // If somebody folds, or nothing may be written here, the journals are not ours to fold.
        // NOTE: presence comes after the lock, so that nobody who closes takes us for a writer.
        let guard = CheckpointGuard::take(&*self.fs, &self.names().fold).ok().flatten();
        Ok(guard.filter(|_| self.presence().is_ok()).map(|guard| self.fold_pass(guard)))
    }

    /// Ends the use: clears up if nobody else is there.
    pub fn close(self: &Arc<Self>) {
        let present = self.lock.lock().is_some();
        let mut guard = None;
        if present && !self.state.lock().alone {
            guard = self.fold_lock().ok();
            let alone = guard.is_some() && self.is_alone();
            self.state.lock().alone = alone;
        }
        let mut state = self.state.lock();
        if state.alone {
            self.clear_up(&mut state);
        }
        self.detach(&mut state);
        drop(guard);
    }

    /// Whether no other process is there; if so, none comes in until we leave.
    fn is_alone(&self) -> bool {
        let lock = self.lock.lock();
        lock.as_ref().is_some_and(|lock| lock.keep_others_out().unwrap_or(false))
    }

    /// Removes everything but the snapshot, unless something is still to be folded.
    fn clear_up(&self, state: &mut State) {
        if self.is_all_folded(state) {
            self.clear_away(state.finished.unwrap_or_default());
        }
        // The fold lock first: nobody asks for it without the other.
        if self.names().fold != self.names().lock {
            drop(self.fs.remove(&self.names().fold));
        }
        drop(self.fs.remove(&self.names().lock));
    }

    /// Whether the snapshot holds all that the journals say. They are sealed to find out, so that
    /// a process that has one open without a lock goes and looks for another.
    fn is_all_folded(&self, state: &mut State) -> bool {
        loop {
            if self.catch_up(state).is_err() || state.changes + state.older_changes > 0 {
                return false;
            }
            let Some(mut journal) = state.journal.take() else { return true };
            let next = journal.generation + 1;
            let tail = self.append_seal(&mut journal);
            state.journal = Some(journal);
            let Ok(tail) = tail else { return false };
            self.take_in_one(state, tail);
            state.finish_generation();
            // Who found no room for a seal had begun the next generation all the same.
            match self.open_generation(next, false) {
                Ok(journal) => state.journal = Some(journal),
                Err(error) => {
                    return error.kind() == ErrorKind::NotFound && state.older_changes == 0;
                }
            }
        }
    }

    /// Gives up all handles and, with them, all locks. What was taken in stays known.
    fn detach(&self, state: &mut State) {
        state.journal = None;
        state.alone = false;
        state.lost = true;
        *self.lock.lock() = None;
    }
}

//! Snapshots: when they are written, and how they take in what others did.

use std::sync::atomic::Ordering;

use super::Cache;
use super::state::Displaced;
use crate::error::Result;
use crate::store::{Saving, Store};
use crate::sync;

/// How a store answers to a save.
type Begun = Result<Option<Box<dyn Saving>>>;

impl<L, E> Cache<L, E>
where
    L: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// Writes a snapshot, if anything changed since the last one.
    pub fn save(&self) -> Result<()> {
        let mut displaced = Displaced::new();
        let _active = sync::active();
        let _saving = self.saving.lock();
        self.checkpoint(&mut displaced, |store| store.begin_save())
    }

    /// Folds the store's history into a snapshot, if `begin` says that there is one to fold.
    fn checkpoint(
        &self,
        displaced: &mut Displaced<L>,
        begin: impl Fn(&dyn Store) -> Begun,
    ) -> Result<()> {
        if !self.state.lock().is_loaded() || self.store.is_closed() {
            return Ok(());
        }
        if self.state.lock().is_reordered() {
            self.store.reorder();
        }
        // Somebody foreign may rewrite the file at this very moment; the second try has read it.
        self.try_checkpoint(displaced, &begin).or_else(|_| self.try_checkpoint(displaced, &begin))
    }

    /// IMPORTANT: the history is locked from the seal until all entries are put together, and not
    /// before the store has its checkpoint lock. What is put before the seal is among the entries,
    /// what is put after it stands in a journal that stays.
    fn try_checkpoint(
        &self,
        displaced: &mut Displaced<L>,
        begin: impl Fn(&dyn Store) -> Begun,
    ) -> Result<()> {
        let Some(mut saving) = begin(self.store.as_ref())? else { return Ok(()) };
        let history = self.history.lock();
        let Some(changes) = saving.seal()? else { return Ok(()) };
        displaced.extend(self.take_in(changes));
        let mut state = self.state.lock();
        let entries = state.entries();
        state.note_order();
        drop(state);
        drop(history);
        saving.write(&entries)
    }

    /// Writes a snapshot and removes whatever else still holds what was forgotten: journals, and
    /// copies of damaged files.
    pub fn erase(&self) -> Result<()> {
        self.save()?;
        let _active = sync::active();
        self.store.erase_copies();
        Ok(())
    }

    /// Whether a snapshot should be written soon, and nobody is at it; the caller must then call
    /// [`save_in_background`](Self::save_in_background).
    pub fn should_save(&self) -> bool {
        self.store.wants_save() && !self.background.swap(true, Ordering::AcqRel)
    }

    /// Writes a snapshot after [`should_save`](Self::should_save) said so. Trouble is in the notices.
    pub fn save_in_background(&self) {
        let _ = self.save();
        self.no_background();
    }

    /// Takes a promise of [`should_save`](Self::should_save) back: it is kept, or cannot be.
    pub fn no_background(&self) {
        self.background.store(false, Ordering::Release);
    }

    /// Saves and leaves the store; the last process to leave leaves only the snapshot behind.
    pub fn close(&self) -> Result<()> {
        let mut displaced = Displaced::new();
        let _active = sync::active();
        let _saving = self.saving.lock();
        let saved = self.checkpoint(&mut displaced, |store| store.begin_close());
        self.store.close();
        self.state.lock().disown();
        saved
    }

    /// What became of a change that was handed to the store as `written`; the history is not locked
    /// any more, so that another process can be waited for.
    pub(super) fn settled(&self, written: Result<()>) -> Result<()> {
        match written {
            Err(error) if error.is_busy() => self.store.settle(),
            written => written,
        }
    }
}

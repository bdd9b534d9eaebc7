//! Snapshots: when they are written, and how they take in what others did.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;

use super::Cache;
use super::bounded_table::Displaced;
use super::entry::Entry;

use crate::error::Result;
use crate::stepping;
use crate::store::{Saving, Store};
use crate::sync::{self, rank};

/// How a store answers to a save.
type Begun = Result<Option<Box<dyn Saving>>>;

impl<L, E> Cache<L, E>
where
    L: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// Writes a snapshot, if anything changed since the last one. Waits while somebody else does.
    pub fn save(&self) -> Result<()> {
        until_free(|| self.try_save())
    }

    /// The same; an error that [`Error::is_busy`] knows while somebody else writes one.
    pub fn try_save(&self) -> Result<()> {
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
        if self.state.lock().rows.is_reordered() {
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
        state.rows.note_order();
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
        let begun = stepping::instant();
        // Whoever is at a snapshot for longer may be stopped; a later put asks again.
        while self.try_save().is_err_and(|error| error.is_busy())
            && stepping::instant().duration_since(begun) < PATIENCE
        {
            stepping::sleep(A_MOMENT);
        }
        self.no_background();
    }

    /// Takes a promise of [`should_save`](Self::should_save) back: it is kept, or cannot be.
    pub fn no_background(&self) {
        self.background.store(false, Ordering::Release);
    }

    /// Saves and leaves the store; the last process to leave leaves only the snapshot behind. Waits
    /// while somebody else saves.
    pub fn close(&self) -> Result<()> {
        until_free(|| self.try_close())
    }

    /// The same; while somebody else saves it stays, with an error that [`Error::is_busy`] knows.
    pub fn try_close(&self) -> Result<()> {
        let mut displaced = Displaced::new();
        let _active = sync::active();
        let _saving = self.saving.lock();
        let saved = self.checkpoint(&mut displaced, |store| store.begin_close());
        if !matches!(&saved, Err(error) if error.is_busy()) {
            self.store.close();
            self.state.lock().disown();
        }
        saved
    }

    /// Leaves the store without a snapshot: the journal holds everything.
    pub fn leave(&self) {
        let _active = sync::active();
        self.store.close();
        self.state.lock().disown();
    }

    /// Keeps a result, as [`put_now`](Self::put_now) does. Waits for another process that is in the
    /// way.
    pub fn put(&self, key: &Bytes, entry: Entry<L>) -> Result<()> {
        match self.put_now(key, entry) {
            Err(error) if error.is_busy() => until_free(|| self.settle()),
            written => written,
        }
    }

    /// Whether something could not be written because another process was in the way.
    pub fn is_unsettled(&self) -> bool {
        self.unsettled.load(Ordering::Acquire)
    }

    /// Waits until what another process was in the way of is written.
    pub fn wait_until_settled(&self) {
        if self.is_unsettled() {
            // A failure is in the store's notices.
            let _ = until_free(|| self.settle());
        }
    }

    /// Writes what another process was in the way of, if it is not any more.
    pub fn settle(&self) -> Result<()> {
        let _active = sync::active();
        self.settle_active()
    }

    fn settle_active(&self) -> Result<()> {
        let result = self.store.settle();
        let busy = matches!(&result, Err(error) if error.is_busy());
        self.unsettled.store(busy, Ordering::Release);
        result
    }

    /// What became of a change that was handed to the store as `written`; the history is not locked
    /// any more. If another process is in the way, the caller must [`settle`](Self::settle).
    pub(super) fn settled(&self, written: Result<()>) -> Result<()> {
        match written {
            Err(error) if error.is_busy() => self.settle_active(),
            written => written,
        }
    }
}

/// How long a save in the background waits for another one.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait before something is tried again.
const A_MOMENT: Duration = Duration::from_millis(1);

/// What `attempt` gives once nobody is in its way. Nothing is held between two attempts, so that
/// other threads may go on, and fork.
fn until_free(attempt: impl Fn() -> Result<()>) -> Result<()> {
    loop {
        match attempt() {
            Err(error) if error.is_busy() => {
                rank::may_wait_for_processes();
                stepping::sleep(A_MOMENT);
            }
            done => return done,
        }
    }
}

//! Snapshots: when they are written, and how they include what others did.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::bounded_table::Displaced;
use super::ledger::Ledger;
use crate::error::Result;
use crate::memory::OutOfMemory;
use crate::stepping;
use crate::store::{Saving, Store};
use crate::sync::{self, Arc, Mutex, rank};

/// The answer of a store to a save.
type MaybeSaving = Result<Option<Box<dyn Saving>>>;

/// Writes the snapshots of a cache, and what other processes kept from being written.
pub struct Saver<L> {
    ledger: Arc<Ledger<L>>,
    /// Held by the thread that writes a snapshot.
    saving: Mutex<(), { rank::SAVING }>,
    /// Whether a thread is writing one in the background.
    background: AtomicBool,
}

impl<L: Clone> Saver<L> {
    /// The saver of a cache with this ledger.
    pub(super) fn new(ledger: Arc<Ledger<L>>) -> Self {
        Self { ledger, saving: Mutex::new(()), background: AtomicBool::new(false) }
    }

    /// Writes a snapshot if anything changed since the last one. Waits while another thread or
    /// process saves.
    pub fn save(&self) -> Result<()> {
        until_free(|| self.try_save())
    }

    /// Saves, or returns an error that [`Error::is_busy`] recognises while another process saves.
    ///
    /// [`Error::is_busy`]: crate::error::Error::is_busy
    pub fn try_save(&self) -> Result<()> {
        let mut displaced = Displaced::new();
        let _active = sync::active();
        let _saving = self.saving.lock();
        self.checkpoint(&mut displaced, |store| store.begin_save())
    }

    /// Folds the store's history into a snapshot, if `begin` finds that there is something to fold.
    fn checkpoint(
        &self,
        displaced: &mut Displaced<L>,
        begin: impl Fn(&dyn Store) -> MaybeSaving,
    ) -> Result<()> {
        let Ledger { state, store, .. } = &*self.ledger;
        if !state.lock().is_loaded() || store.is_closed() {
            return Ok(());
        }
        if store.paged().is_some() {
            let _history = self.ledger.history.lock();
            displaced.extend(self.ledger.drop_expired());
        } else if state.lock().rows.is_reordered() {
            store.reorder();
        }
        let whole = match self.try_checkpoint(displaced, &begin) {
            // A foreign program rewrote the file at this very moment; the second try has read it.
            Err(error) if error.is_disturbed() => self.try_checkpoint(displaced, &begin)?,
            saved => saved?,
        };
        if whole { Ok(()) } else { self.try_checkpoint(displaced, &begin).map(drop) }
    }

    /// Writes one snapshot if one is due; returns `false` if another one has to follow.
    ///
    /// IMPORTANT: the history is locked from the seal until all entries are collected, and only
    /// after the store has its checkpoint lock. An entry put before the seal is in the snapshot,
    /// one put after it in a journal that stays.
    fn try_checkpoint(
        &self,
        displaced: &mut Displaced<L>,
        begin: impl Fn(&dyn Store) -> MaybeSaving,
    ) -> Result<bool> {
        let ledger = &*self.ledger;
        let Some(mut saving) = begin(ledger.store.as_ref())? else { return Ok(true) };
        let history = ledger.history.lock();
        displaced.extend(ledger.drop_expired());
        let Some(changes) = saving.seal()? else { return Ok(true) };
        displaced.extend(ledger.take_in(changes));
        let mut state = ledger.state.lock();
        let entries = OutOfMemory::catch(|| state.entries());
        if entries.is_ok() {
            state.rows.note_order();
        }
        drop(state);
        drop(history);
        match entries {
            Ok(entries) => saving.write(&entries),
            Err(OutOfMemory) => Err(saving.give_up()),
        }
    }

    /// Writes a snapshot and removes everything else that may hold forgotten results: journals, and
    /// copies of damaged files.
    pub fn erase(&self) -> Result<()> {
        self.save()?;
        let _active = sync::active();
        self.ledger.store.erase_copies();
        Ok(())
    }

    /// Returns whether a snapshot is due and nobody is writing it; the caller must then call
    /// [`save_in_background`](Self::save_in_background).
    pub fn should_save(&self) -> bool {
        self.ledger.store.wants_save() && !self.background.swap(true, Ordering::AcqRel)
    }

    /// Writes a snapshot after [`should_save`](Self::should_save) returned true. Trouble is in the
    /// notices.
    pub fn save_in_background(&self) {
        let begun = stepping::instant();
        // A process that takes longer may be stopped; a later put asks again.
        while self.try_save().is_err_and(|error| error.is_busy())
            && stepping::instant().duration_since(begun) < PATIENCE
        {
            stepping::sleep(A_MOMENT);
        }
        self.no_background();
    }

    /// Withdraws the promise of [`should_save`](Self::should_save): it is kept, or cannot be.
    pub fn no_background(&self) {
        self.background.store(false, Ordering::Release);
    }

    /// Saves and leaves the store; the last process to leave leaves only the snapshot behind. Waits
    /// while another thread or process saves. While something is computed, it only saves.
    pub fn close(&self) -> Result<()> {
        until_free(|| self.try_close())
    }

    /// Closes, or stays open and returns an error that [`Error::is_busy`] recognises while another
    /// process saves.
    ///
    /// [`Error::is_busy`]: crate::error::Error::is_busy
    pub fn try_close(&self) -> Result<()> {
        let mut displaced = Displaced::new();
        let _active = sync::active();
        let _saving = self.saving.lock();
        self.ledger.note_uses();
        let saved = self.checkpoint(&mut displaced, |store| store.begin_close());
        if !matches!(&saved, Err(error) if error.is_busy()) {
            self.leave_store();
        }
        saved
    }

    /// Notes that the process ends: the next close leaves although something is computed.
    pub fn end(&self) {
        let _active = sync::active();
        self.ledger.store.end();
    }

    /// Leaves the store without a snapshot: the journal holds everything.
    pub fn leave(&self) {
        let _active = sync::active();
        self.leave_store();
    }

    fn leave_store(&self) {
        self.ledger.store.close();
        self.ledger.leave_page();
    }

    /// Returns whether another process kept something from being written.
    pub fn is_unsettled(&self) -> bool {
        self.ledger.is_unsettled()
    }

    /// Waits until what another process was in the way of is written.
    pub fn wait_until_settled(&self) -> Result<()> {
        if self.is_unsettled() { until_free(|| self.settle()) } else { Ok(()) }
    }

    /// Notes that nobody waits any more for what another process is in the way of: whoever did was
    /// interrupted.
    pub fn stop_waiting(&self) {
        let _active = sync::active();
        self.ledger.store.stop_waiting();
    }

    /// Writes what another process was in the way of, if it no longer is.
    pub fn settle(&self) -> Result<()> {
        let _active = sync::active();
        self.ledger.settle()
    }
}

/// How long a background save waits for another one.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait before another try.
const A_MOMENT: Duration = Duration::from_millis(1);

/// Returns the outcome of `attempt` once nobody is in its way. Nothing is held between two
/// attempts, so that other threads may go on, and fork.
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

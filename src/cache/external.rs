//! What other processes did: read, taken in, and the page by which they announce it.

use std::sync::atomic::Ordering;

use super::bounded_table::Displaced;
use super::intake::Intake;
use super::ledger::Ledger;
use crate::store::{Affected, Cause, Change, ExternalChange, Page};
use crate::sync::Arc;

impl<L: Clone> Ledger<L> {
    /// Reads what other processes did; cheap if they did nothing.
    pub fn take_external_changes(&self) -> Displaced<L> {
        let _history = self.history.lock();
        if !self.is_shared {
            // Nobody announces anything, and there is no page to watch.
            return self.take_in_any(self.store.external_changes());
        }
        let mut displaced = Displaced::new();
        loop {
            // NOTE: the stamp is read before the look for what it announces.
            let stamp = self.gate.watch.stamp();
            let changes = self.store.external_changes();
            let is_replaced =
                changes.iter().any(|change| matches!(change, ExternalChange::Replaced(_)));
            if !changes.is_empty() {
                displaced.extend(self.take_in(changes));
            }
            if is_replaced {
                // Who deletes or edits the file announces nothing: whoever finds it does.
                self.store.announce(Affected::All);
            }
            // The look may have found that the file of the page is lost, or another page.
            if !self.watch(self.store.mapped_page()) {
                self.gate.watch.note(stamp);
                return displaced;
            }
        }
    }

    fn take_in_any(&self, changes: Vec<ExternalChange>) -> Displaced<L> {
        if changes.is_empty() { Displaced::new() } else { self.take_in(changes) }
    }

    /// Joins the processes that announce, unless this one has joined already, or has found before
    /// that it sees no page.
    pub fn join(&self) {
        // The page may be gone since: the files of an idle cache are closed.
        self.watch(self.store.mapped_page());
        if self.gate.watch.page().is_none() && !self.joined.swap(true, Ordering::AcqRel) {
            self.store.join();
        }
    }

    /// Lets go of the page: this process has left the others.
    pub fn leave_page(&self) {
        self.joined.store(false, Ordering::Release);
        self.watch(None);
        self.gate.watch.note(0);
    }

    /// Makes `page` the one that hits look at, and outdates all tables that look at another one.
    /// Returns whether it is another one than before.
    fn watch(&self, page: Option<Arc<Page>>) -> bool {
        let is_lost = page.is_none();
        let is_new = self.gate.watch.replace(page);
        if is_new {
            self.gate.epoch.advance();
            if is_lost {
                self.joined.store(false, Ordering::Release);
            }
        }
        is_new
    }

    /// Takes in `changes`; the history has been locked since they were read.
    pub fn take_in(&self, changes: Vec<ExternalChange>) -> Displaced<L> {
        for change in &changes {
            match change {
                ExternalChange::Purge(purge) => self.purges.purge(purge),
                ExternalChange::Missed(missed) => self.purges.miss(missed),
                _ => {}
            }
        }
        let mut state = self.state.lock();
        self.versions.note(&changes);
        let salt = state.salt.as_ref().map(|salt| salt.text.clone());
        let (displaced, kept) = Intake::run(&mut state, changes);
        let resalted = state.salt.as_ref().map(|salt| &salt.text) != salt.as_ref();
        drop(state);
        for (_, entry) in &displaced {
            entry.retire();
        }
        if !displaced.is_empty() {
            // The first time, all tables are outdated; from then on only the rows concerned.
            self.gate.track_liveness();
        }
        for item in kept {
            // Written as a computed result: a purge that is not read yet outdates it. A failure is
            // in the store's notices, and the next snapshot makes up for it.
            let _ = self.store.append_as(Change::Put(item), Cause::Computed);
        }
        if resalted {
            self.gate.epoch.advance();
        }
        displaced
    }
}

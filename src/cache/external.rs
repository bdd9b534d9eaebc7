//! What other processes did, taken in.

use super::Cache;
use super::bounded_table::Displaced;
use super::intake::Intake;
use crate::store::{Change, ExternalChange};
use crate::sync;

impl<L, E> Cache<L, E>
where
    L: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// Takes in what other processes did. Cheap when they did nothing.
    pub fn take_external_changes(&self) {
        let _displaced;
        let _active = sync::active();
        drop(self.loaded());
        _displaced = self.take_external_active();
    }

    /// The same for whoever is inside already; what it replaces is to be dropped outside.
    pub(super) fn take_external_active(&self) -> Displaced<L> {
        let _history = self.history.lock();
        let news = self.store.external_changes();
        if news.is_empty() { Displaced::new() } else { self.take_in(news) }
    }

    /// Takes in `news`; the history must be locked from the moment when they were read.
    pub(super) fn take_in(&self, news: Vec<ExternalChange>) -> Displaced<L> {
        let mut state = self.state.lock();
        let salt = state.salt.as_ref().map(|salt| salt.text.clone());
        let (displaced, kept) = Intake::run(&mut state, news);
        let resalted = state.salt.as_ref().map(|salt| &salt.text) != salt.as_ref();
        let outdated = resalted || !displaced.is_empty() && !self.gate.uses.are_tracked();
        drop(state);
        for (_, entry) in &displaced {
            entry.retire();
        }
        for item in kept {
            // A failure is in the store's notices, and the next snapshot makes up for it.
            let _ = self.store.append(&Change::Put(item));
        }
        if outdated {
            self.gate.epoch.advance();
        }
        displaced
    }
}

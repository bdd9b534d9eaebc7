//! The changes of others that the cache has not taken yet.

use super::backlog::{puts_over, undoes};
use super::own::Own;
use crate::store::{Change, ExternalChange, Loaded, Purge};

/// The changes of others that the cache has not taken yet, in the order in which they were made.
#[derive(Debug, Default)]
pub struct News {
    changes: Vec<ExternalChange>,
    /// Whether an own change undid something that others had written and the cache has not seen:
    /// hits may still serve it.
    is_overtaken: bool,
}

impl News {
    /// Adds news of any kind.
    pub fn add(&mut self, news: impl IntoIterator<Item = ExternalChange>) {
        self.changes.extend(news);
    }

    /// Adds changes of entries.
    pub fn add_changes(&mut self, changes: impl IntoIterator<Item = Change>) {
        self.add(changes.into_iter().map(ExternalChange::Change));
    }

    /// Adds purges of computations.
    pub fn add_purges(&mut self, purges: impl IntoIterator<Item = Purge>) {
        self.add(purges.into_iter().map(ExternalChange::Purge));
    }

    /// Adds everything that was read anew, with the `deletions` that were read before it.
    ///
    /// Changes read from the journals before stay in front, and so do deletions that are read only
    /// now: what others removed must not look like something that a foreign writer of the file did
    /// not know. The same holds for what was read before that writer came.
    pub fn add_all(&mut self, loaded: Loaded, deletions: Vec<Change>) {
        self.changes.retain(|change| match change {
            ExternalChange::Change(_)
            | ExternalChange::Purge(_)
            | ExternalChange::Missed(_)
            | ExternalChange::Outdated(_) => true,
            ExternalChange::Replaced(old) => loaded.foreign && (old.missed || !old.foreign),
        });
        self.add_changes(deletions);
        self.changes.push(ExternalChange::Replaced(loaded));
    }

    /// Forgets all news.
    pub fn clear(&mut self) {
        self.changes.clear();
    }

    /// Takes all news, for the cache.
    pub fn take(&mut self) -> Vec<ExternalChange> {
        std::mem::take(&mut self.changes)
    }

    /// Returns whether an own change has undone news since the last call.
    pub fn take_overtaken(&mut self) -> bool {
        std::mem::take(&mut self.is_overtaken)
    }

    /// Returns the news for the child of a fork; its hits are its own.
    pub fn child(&mut self) -> Self {
        Self { changes: self.take(), is_overtaken: false }
    }

    /// Returns whether others have outdated the result that `change` puts.
    pub fn outdate(&self, change: &Change) -> bool {
        self.changes.iter().any(|news| news.outdates(change))
    }

    /// Returns whether they hold a snapshot that a foreign program wrote.
    pub fn hold_foreign_snapshot(&self) -> bool {
        let is_foreign =
            |it: &ExternalChange| matches!(it, ExternalChange::Replaced(it) if it.foreign);
        self.changes.iter().any(is_foreign)
    }

    /// Notes that an own change comes after all changes of others: those that it undoes are no news
    /// any more. If everything is to be read as news, the change becomes part of it, in the place
    /// of the entry that it replaces, as in a dict.
    pub fn supersede(&mut self, own: Own) {
        let change = own.change;
        let is_undone = |old: &ExternalChange| matches!(old, ExternalChange::Change(old) if undoes(change, old));
        let is_put_over = |old: &ExternalChange| matches!(old, ExternalChange::Change(old) if puts_over(change, old));
        let whole = self.changes.iter().rposition(|old| old.is_whole() && !is_undone(old));
        let last = self.changes.iter().rposition(is_undone);
        let place = whole.map(|whole| {
            let over = last.filter(|&at| whole < at && is_put_over(&self.changes[at]));
            let before = &self.changes[..over.unwrap_or(self.changes.len())];
            before.iter().filter(|old| !is_undone(old)).count()
        });
        self.changes.retain(|old| !is_undone(old));
        if let Some(place) = place.or_else(|| own.is_news.then_some(self.changes.len())) {
            self.changes.insert(place, ExternalChange::Change(change.clone()));
        }
        self.is_overtaken |= last.is_some() || self.changes.iter().any(ExternalChange::is_whole);
    }
}

//! Results that live in this process alone: those that no store can hold, and those that were
//! computed in a mode that writes nothing. No store says that one was forgotten; what other
//! processes purge does.

use bytes::Bytes;

use super::bounded_table::Displaced;
use super::entry::Entry;
use super::ledger::Ledger;
use super::state::State;
use crate::error::Result;
use crate::store::{Missed, Purge};

impl<L> Entry<L> {
    /// Returns whether it lives in this process alone.
    pub(super) fn is_lone(&self) -> bool {
        !self.is_copy()
    }

    /// Returns whether it has this tag. Members that cannot be read may hold it.
    fn has_tag(&self, tag: &[u8]) -> bool {
        let Some(others) = self.notes.others.as_deref() else { return false };
        let Ok(members) = serde_json::from_slice::<serde_json::Value>(others) else { return true };
        let tags = members.get("tags").and_then(serde_json::Value::as_array);
        tags.is_some_and(|tags| tags.iter().any(|it| it.as_str().map(str::as_bytes) == Some(tag)))
    }
}

impl<L: Clone> State<L> {
    /// Returns what is known beyond a time of the results that live here alone, with their keys.
    pub(super) fn lone_notes(&self) -> Vec<(Bytes, Bytes)> {
        if !self.has_lone {
            return Vec::new();
        }
        let lone = self.table().touched().filter(|(_, entry)| entry.is_lone());
        lone.filter_map(|(key, it)| Some((key.clone(), it.notes.others.as_deref()?.clone())))
            .collect()
    }

    /// Takes out what `purge`, of another process, forgets of the results that live here alone.
    pub(super) fn drop_purged(&mut self, purge: &Purge) -> Displaced<L> {
        match purge {
            Purge::Key(key) => self.drop_lone(key).into_iter().collect(),
            _ => self.drop_all_lone(|key, entry| {
                purge.concerns(key) && purge.tag().is_none_or(|tag| entry.has_tag(tag))
            }),
        }
    }

    /// The same of purges that this process may have missed.
    pub(super) fn drop_missed(&mut self, missed: &Missed) -> Displaced<L> {
        self.drop_all_lone(|key, _| missed.may_concern(key))
    }

    fn drop_lone(&mut self, key: &Bytes) -> Option<(Bytes, Entry<L>)> {
        let is_lone = self.has_lone && self.table().get(key).is_some_and(|entry| entry.is_lone());
        if is_lone { self.remove(key).map(|entry| (key.clone(), entry)) } else { None }
    }

    fn drop_all_lone(&mut self, test: impl Fn(&[u8], &Entry<L>) -> bool) -> Displaced<L> {
        if !self.has_lone {
            return Displaced::new();
        }
        let lone: Vec<_> = self.table().touched().filter(|(_, entry)| entry.is_lone()).collect();
        let (all, meant) = (lone.len(), lone.into_iter().filter(|(key, entry)| test(key, entry)));
        let keys: Vec<_> = meant.map(|(key, _)| key.clone()).collect();
        self.has_lone = keys.len() < all;
        keys.into_iter().filter_map(|key| self.remove(&key).map(|entry| (key, entry))).collect()
    }
}

impl<L: Clone> Ledger<L> {
    /// Makes other processes forget what they alone have of `key`: this one has a result in its
    /// place that they cannot read.
    pub fn outdate_elsewhere(&self, key: &[u8]) -> Result<()> {
        if self.is_shared && !self.is_remote {
            self.settled(self.store.outdate(&Purge::literal(key)))
        } else {
            Ok(())
        }
    }
}

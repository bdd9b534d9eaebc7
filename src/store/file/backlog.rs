//! Changes that no disk has taken, or of which that is not certain.

use std::time::UNIX_EPOCH;

use crate::stepping;
use crate::store::{Change, Item};

/// Own changes in the order in which they were made, until a disk has taken them.
#[derive(Clone, Debug, Default)]
pub struct Backlog {
    /// Those that could not be appended.
    unwritten: Vec<Unwritten>,
    /// Those that were appended since the files were last seen in their place.
    unconfirmed: Vec<Change>,
    next: u64,
    /// Those before this number stood in a journal that was void by then: whatever the journals
    /// behind it say is newer.
    void: u64,
}

/// A change that could not be appended.
#[derive(Clone, Debug)]
struct Unwritten {
    number: u64,
    change: Change,
    /// When it was made, in seconds since the epoch.
    made: f64,
}

impl Backlog {
    /// Whether everything is on a disk.
    pub fn is_empty(&self) -> bool {
        self.unwritten.is_empty()
    }

    /// Keeps a change that could not be appended.
    pub fn keep(&mut self, change: Change) {
        self.overtake(&change);
        let made = created(&change).unwrap_or_else(seconds);
        self.unwritten.push(Unwritten { number: self.next, change, made });
        self.next += 1;
    }

    /// Notes that `change` stands in the journal.
    pub fn note_appended(&mut self, change: &Change) {
        self.unconfirmed.push(change.clone());
    }

    /// Notes that the files were seen in their place: what was appended is safe.
    pub fn confirm(&mut self) {
        self.unconfirmed.clear();
    }

    /// Whether all that was appended is certainly where it belongs.
    pub fn is_confirmed(&self) -> bool {
        self.unconfirmed.is_empty()
    }

    /// The files were taken away: what was appended since they were last seen counts as unwritten.
    pub fn reclaim(&mut self) {
        let lost = std::mem::take(&mut self.unconfirmed);
        let later = std::mem::take(&mut self.unwritten);
        for change in lost.into_iter().chain(later.into_iter().map(|it| it.change)) {
            self.keep(change);
        }
    }

    /// The user deleted the cache: what was appended since the files were last seen may have come
    /// after that, and before all that others appended since.
    pub fn reclaim_void(&mut self) {
        let unwritten = std::mem::take(&mut self.unwritten);
        self.reclaim();
        self.void = self.next;
        for it in unwritten {
            self.keep(it.change);
        }
    }

    /// Notes what was read anew: the `items` of the snapshot, and what the journals say since. What
    /// was made after a change that is kept here is newer than that.
    pub fn note_found(&mut self, items: &[Item], changes: &[Change]) {
        let void = self.void;
        self.unwritten.retain(|old| {
            let is_undone = |change| undoes(change, &old.change);
            old.number >= void || !changes.iter().any(is_undone)
        });
        for item in items {
            self.note_newer(item);
        }
        for change in changes {
            if let Change::Put(item) = change {
                self.note_newer(item);
            }
        }
    }

    fn note_newer(&mut self, item: &Item) {
        let Some(made) = item.created else { return };
        let is_newer = |old: &Unwritten| old.made < made;
        let same = |old: &Unwritten| key(&old.change) == Some(&item.key);
        let is_cleared = |old: &Unwritten| matches!(old.change, Change::Clear) && is_newer(old);
        self.unwritten.retain(|old| !same(old) || !is_newer(old));
        // A clear that waits will be written behind it: then it has to be written again.
        if self.unwritten.iter().any(is_cleared) && !self.unwritten.iter().any(same) {
            self.keep(Change::Put(item.clone()));
        }
    }

    /// A later change makes some of these void: others' on the disk, or an own one.
    pub fn overtake(&mut self, change: &Change) {
        if !self.unwritten.is_empty() {
            self.unwritten.retain(|old| !undoes(change, &old.change));
        }
    }

    /// Notes a change of others that came after those kept here. A clear that waits will be written
    /// behind it, and what waits behind the clear, too.
    pub fn note_external(&mut self, change: &Change) {
        if !self.blocks() {
            self.overtake(change);
        } else if let Change::Put(item) = change {
            self.note_newer(item);
        }
    }

    /// Whether all that is unwritten must be appended before `change`: order matters only behind a
    /// clear, as no two are about one key.
    pub fn blocks(&self) -> bool {
        self.unwritten.iter().any(|it| matches!(it.change, Change::Clear))
    }

    /// Whether some of it deletes.
    pub fn deletes(&self) -> bool {
        self.changes().any(|change| !matches!(change, Change::Put(_)))
    }

    /// The first that is unwritten, and its number.
    pub fn first(&self) -> Option<(u64, Change)> {
        self.unwritten.first().map(|first| (first.number, first.change.clone()))
    }

    /// Notes that the change with this `number` stands in the journal now.
    pub fn note_written(&mut self, number: u64, change: &Change) {
        self.unwritten.retain(|other| other.number != number);
        self.note_appended(change);
    }

    /// All that is unwritten, in order.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.unwritten.iter().map(|it| &it.change)
    }

    /// What `settle` takes to know what was kept up to now.
    pub fn mark(&self) -> u64 {
        self.next
    }

    /// Notes that a snapshot holds all that was kept before `mark`.
    pub fn settle(&mut self, mark: u64) {
        self.unwritten.retain(|it| it.number >= mark);
    }

    /// What the child of a fork must keep: what its parent appended is its parent's.
    pub fn child(mut self) -> Self {
        self.unconfirmed.clear();
        self
    }
}

/// When the result was made that `change` puts.
fn created(change: &Change) -> Option<f64> {
    if let Change::Put(item) = change { item.created } else { None }
}

/// Now, in seconds since the epoch.
fn seconds() -> f64 {
    stepping::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// Whether nothing of `old` is left after `new`.
pub fn undoes(new: &Change, old: &Change) -> bool {
    match (key(new), key(old)) {
        (None, _) => true,
        (Some(new), Some(old)) => new == old,
        (Some(_), None) => false,
    }
}

/// The one key that a change is about; `None` if it is about all.
fn key(change: &Change) -> Option<&bytes::Bytes> {
    match change {
        Change::Put(item) => Some(&item.key),
        Change::Remove(key) => Some(key),
        Change::Clear => None,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn remove(key: &'static str) -> Change {
        Change::Remove(Bytes::from_static(key.as_bytes()))
    }

    fn kept(backlog: &Backlog) -> Vec<Change> {
        backlog.changes().cloned().collect()
    }

    /// The last change of a key is kept, and a clear is all that is left of what was before it.
    #[test]
    fn later_changes_overtake() {
        let mut backlog = Backlog::default();
        for key in ["a", "b", "a"] {
            backlog.keep(remove(key));
        }
        assert_eq!(kept(&backlog), [remove("b"), remove("a")]);
        backlog.keep(Change::Clear);
        backlog.keep(remove("c"));
        assert_eq!(kept(&backlog), [Change::Clear, remove("c")]);
        assert!(backlog.blocks());
    }

    /// A snapshot takes what was kept before it began, nothing that came later.
    #[test]
    fn snapshots_settle() {
        let mut backlog = Backlog::default();
        backlog.keep(remove("a"));
        let mark = backlog.mark();
        backlog.keep(remove("b"));
        backlog.settle(mark);
        assert_eq!(kept(&backlog), [remove("b")]);
    }

    /// What others appended after the user deleted the cache is newer than what was reclaimed, not
    /// than what could never be appended.
    #[test]
    fn reclaimed_changes_are_the_oldest() {
        let mut backlog = Backlog::default();
        for key in ["a", "b"] {
            backlog.note_appended(&remove(key));
        }
        backlog.keep(remove("c"));
        backlog.reclaim_void();
        backlog.note_found(&[], &[remove("c"), remove("a")]);
        assert_eq!(kept(&backlog), [remove("b"), remove("c")]);
    }

    /// What was appended since the files were last seen comes before what could not be appended.
    #[test]
    fn lost_changes_are_reclaimed_in_order() {
        let mut backlog = Backlog::default();
        backlog.note_appended(&remove("old"));
        backlog.confirm();
        backlog.note_appended(&remove("a"));
        backlog.keep(remove("b"));
        backlog.reclaim();
        assert_eq!(kept(&backlog), [remove("a"), remove("b")]);
    }

    /// What was made after a change that no disk has taken is newer, wherever it is read: also a
    /// clear takes only what is older than it.
    #[test]
    fn newer_results_are_left() {
        let put = |key: &'static str, created| {
            let (key, text) = (Bytes::from_static(key.as_bytes()), Bytes::from_static(b"1"));
            let (sound, timed, notes) = (true, false, crate::store::Notes::default());
            Item { key, text, sound, created: Some(created), timed, notes }
        };
        let mut backlog = Backlog::default();
        backlog.keep(Change::Clear);
        backlog.keep(Change::Put(put("a", 5.0)));
        let (old, newer, newest) = (put("b", 3.0), put("a", 6.0), put("c", 1e12));
        backlog.note_found(&[old, newer, newest.clone()], &[]);
        assert_eq!(kept(&backlog), [Change::Clear, Change::Put(newest)]);
    }
}

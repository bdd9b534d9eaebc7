//! Changes that no disk has taken, or of which that is not certain.

use std::time::UNIX_EPOCH;

use bytes::Bytes;

use crate::stepping;
use crate::store::{Cause, Change, Item, Purge};

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
    cause: Cause,
    /// Whether nothing was wrong: another process was in the way.
    waits: bool,
    /// When it was made, in seconds since the epoch.
    made: f64,
}

impl Backlog {
    /// Whether everything is on a disk.
    pub fn is_empty(&self) -> bool {
        self.unwritten.is_empty()
    }

    /// Keeps a change that could not be appended.
    pub fn keep(&mut self, change: Change, cause: Cause) {
        self.keep_as(change, cause, false);
    }

    /// Keeps a change that could not be appended; `waits`: another process was in the way.
    pub fn keep_as(&mut self, change: Change, cause: Cause, waits: bool) {
        self.overtake(&change);
        let made = created(&change).unwrap_or_else(seconds);
        self.unwritten.push(Unwritten { number: self.next, change, cause, waits, made });
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
        for change in lost {
            self.keep(change, Cause::Given);
        }
        for it in later {
            self.keep_as(it.change, it.cause, it.waits);
        }
    }

    /// The user deleted the cache: what was appended since the files were last seen may have come
    /// after that, and before all that others appended since.
    pub fn reclaim_void(&mut self) {
        let unwritten = std::mem::take(&mut self.unwritten);
        self.reclaim();
        self.void = self.next;
        for it in unwritten {
            self.keep_as(it.change, it.cause, it.waits);
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
            self.note_later(change);
        }
    }

    /// A change of others that was made before or after those kept here: if it puts a result, its
    /// time tells. What is only here to stand behind a clear goes as it went there.
    fn note_later(&mut self, change: &Change) {
        if let Change::Put(item) = change {
            self.note_newer(item);
        } else {
            self.unwritten.retain(|old| old.cause != Cause::Upkeep || !undoes(change, &old.change));
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
            self.keep(Change::Put(item.clone()), Cause::Upkeep);
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
        if self.blocks() { self.note_later(change) } else { self.overtake(change) }
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

    /// The first that is unwritten, its number, and why it was made.
    pub fn first(&self) -> Option<(u64, Change, Cause)> {
        self.unwritten.first().map(|first| (first.number, first.change.clone(), first.cause))
    }

    /// Drops what was computed and is outdated by `purge`, if others made that since; the keys. If it is
    /// not `certain` that they made it since, what no disk has taken is kept: it would be lost.
    pub fn outdate(&mut self, purge: &Purge, certain: bool) -> Vec<Bytes> {
        let concerned = |it: &mut Unwritten| {
            let is_computed = it.cause == Cause::Computed && (certain || it.waits);
            is_computed && key(&it.change).is_some_and(|key| purge.concerns(key))
        };
        let gone = self.unwritten.extract_if(.., concerned);
        gone.filter_map(|it| key(&it.change).cloned()).collect()
    }

    /// Notes that something is wrong: what could not be appended is lost if it is dropped.
    pub fn note_trouble(&mut self) {
        self.unwritten.iter_mut().for_each(|it| it.waits = false);
    }

    /// Whether the change with this `number` is still unwritten.
    pub fn holds(&self, number: u64) -> bool {
        self.unwritten.iter().any(|it| it.number == number)
    }

    /// Drops the change with this `number`.
    pub fn drop(&mut self, number: u64) {
        self.unwritten.retain(|other| other.number != number);
    }

    /// Notes that the change with this `number` stands in the journal now.
    pub fn note_written(&mut self, number: u64, change: &Change) {
        self.drop(number);
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

/// Whether `new`, which undoes `old`, puts a result over another.
pub fn puts_over(new: &Change, old: &Change) -> bool {
    matches!((new, old), (Change::Put(_), Change::Put(_)))
}

/// The one key that a change is about; `None` if it is about all.
fn key(change: &Change) -> Option<&Bytes> {
    match change {
        Change::Put(item) => Some(&item.key),
        Change::Remove(key) => Some(key),
        Change::Clear => None,
    }
}

#[cfg(test)]
mod tests {
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
            backlog.keep(remove(key), Cause::Given);
        }
        assert_eq!(kept(&backlog), [remove("b"), remove("a")]);
        backlog.keep(Change::Clear, Cause::Given);
        backlog.keep(remove("c"), Cause::Given);
        assert_eq!(kept(&backlog), [Change::Clear, remove("c")]);
        assert!(backlog.blocks());
    }

    /// A snapshot takes what was kept before it began, nothing that came later.
    #[test]
    fn snapshots_settle() {
        let mut backlog = Backlog::default();
        backlog.keep(remove("a"), Cause::Given);
        let mark = backlog.mark();
        backlog.keep(remove("b"), Cause::Given);
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
        backlog.keep(remove("c"), Cause::Given);
        backlog.reclaim_void();
        backlog.note_found(&[], &[remove("c"), remove("a")]);
        assert_eq!(kept(&backlog), [remove("b"), remove("c")]);
    }

    /// A result that could not be appended goes with the purge that others made meanwhile; what
    /// somebody brought does not.
    #[test]
    fn purges_outdate_what_was_computed() {
        let mut backlog = Backlog::default();
        backlog.keep(remove("a"), Cause::Computed);
        backlog.keep(remove("b"), Cause::Given);
        assert!(backlog.outdate(&Purge::All, false).is_empty());
        let gone = backlog.outdate(&Purge::All, true);
        assert_eq!((gone, kept(&backlog)), (vec![Bytes::from_static(b"a")], vec![remove("b")]));
        backlog.keep_as(remove("c"), Cause::Computed, true);
        assert_eq!(backlog.outdate(&Purge::All, false), [Bytes::from_static(b"c")]);
    }

    /// What was appended since the files were last seen comes before what could not be appended.
    #[test]
    fn lost_changes_are_reclaimed_in_order() {
        let mut backlog = Backlog::default();
        backlog.note_appended(&remove("old"));
        backlog.confirm();
        backlog.note_appended(&remove("a"));
        backlog.keep(remove("b"), Cause::Given);
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
        backlog.keep(Change::Clear, Cause::Given);
        backlog.keep(Change::Put(put("a", 5.0)), Cause::Given);
        let (old, newer, newest) = (put("b", 3.0), put("a", 6.0), put("c", 1e12));
        backlog.note_found(&[old, newer, newest.clone()], &[]);
        assert_eq!(kept(&backlog), [Change::Clear, Change::Put(newest)]);
    }
}

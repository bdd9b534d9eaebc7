//! Changes that no disk has taken, or that may have been lost with their file.

use std::time::UNIX_EPOCH;

use bytes::Bytes;

use crate::stepping;
use crate::store::{Cause, Change, Item, Purge};

/// Own changes in the order in which they were made, until a disk has taken them.
#[derive(Clone, Debug, Default)]
pub struct Backlog {
    /// Changes that could not be appended.
    unwritten: Vec<Unwritten>,
    /// Changes that were appended since the files were last seen in their place.
    unconfirmed: Vec<Change>,
    next: u64,
    /// Changes with a lower number were in a journal that was void by then: whatever the journals
    /// behind it say is newer.
    void: u64,
}

/// A change that could not be appended.
#[derive(Clone, Debug)]
struct Unwritten {
    number: u64,
    change: Change,
    cause: Cause,
    /// Whether nothing failed: another process was in the way.
    waits: bool,
    /// When the change was made, in seconds since the epoch.
    made: f64,
}

impl Backlog {
    /// Returns whether a disk has taken everything.
    pub fn is_empty(&self) -> bool {
        self.unwritten.is_empty()
    }

    /// Keeps a change that could not be appended.
    pub fn keep(&mut self, change: Change, cause: Cause) {
        self.keep_as(change, cause, false);
    }

    /// Keeps a change that could not be appended. `waits` says that another process was in the way.
    pub fn keep_as(&mut self, change: Change, cause: Cause, waits: bool) {
        self.overtake(&change);
        let made = created(&change).unwrap_or_else(seconds);
        self.unwritten.push(Unwritten { number: self.next, change, cause, waits, made });
        self.next += 1;
    }

    /// Notes that `change` was appended to the journal.
    pub fn note_appended(&mut self, change: &Change) {
        self.unconfirmed.push(change.clone());
    }

    /// Notes that the files were seen in their place: everything appended so far is safe.
    pub fn confirm(&mut self) {
        self.unconfirmed.clear();
    }

    /// Returns whether everything that was appended is certain to be where it belongs.
    pub fn is_confirmed(&self) -> bool {
        self.unconfirmed.is_empty()
    }

    /// Counts everything appended since the files were last seen as unwritten, because they were
    /// taken away.
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

    /// Counts everything appended since the files were last seen as unwritten, because the user
    /// deleted the cache: it may have come after that, and before everything others appended since.
    pub fn reclaim_void(&mut self) {
        let unwritten = std::mem::take(&mut self.unwritten);
        self.reclaim();
        self.void = self.next;
        for it in unwritten {
            self.keep_as(it.change, it.cause, it.waits);
        }
    }

    /// Notes what was read anew: the `items` of the snapshot, and the `changes` of the journals
    /// since. A result made after a change that is kept here is newer than that change.
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

    /// Notes a change of another process that may have been made before or after those kept here:
    /// for a result, its time decides. A change kept only because it stands behind a clear is
    /// dropped with the clear.
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
        // A clear that waits is appended behind this change, which then has to be written again.
        if self.unwritten.iter().any(is_cleared) && !self.unwritten.iter().any(same) {
            self.keep(Change::Put(item.clone()), Cause::Upkeep);
        }
    }

    /// Drops the changes that a later one makes void, whether others wrote it or this process made
    /// it.
    pub fn overtake(&mut self, change: &Change) {
        if !self.unwritten.is_empty() {
            self.unwritten.retain(|old| !undoes(change, &old.change));
        }
    }

    /// Notes a change of another process that came after those kept here. A clear that waits is
    /// appended behind it, and so is what waits behind the clear.
    pub fn note_external(&mut self, change: &Change) {
        if self.blocks() { self.note_later(change) } else { self.overtake(change) }
    }

    /// Returns whether everything unwritten must be appended before `change`. Order matters only
    /// behind a clear, as no two changes are about one key.
    pub fn blocks(&self) -> bool {
        self.unwritten.iter().any(|it| matches!(it.change, Change::Clear))
    }

    /// Returns whether an unwritten change deletes something.
    pub fn deletes(&self) -> bool {
        self.changes().any(|change| !matches!(change, Change::Put(_)))
    }

    /// Returns the first unwritten change with its number and its cause.
    pub fn first(&self) -> Option<(u64, Change, Cause)> {
        self.unwritten.first().map(|first| (first.number, first.change.clone(), first.cause))
    }

    /// Drops the computed results that `purge` outdates, if others made it after them, and returns
    /// their keys. Unless it is `certain` that the purge came later, results that no disk has taken
    /// are kept: they would be lost.
    pub fn outdate(&mut self, purge: &Purge, certain: bool) -> Vec<Bytes> {
        let concerned = |it: &mut Unwritten| {
            let is_computed = it.cause == Cause::Computed && (certain || it.waits);
            is_computed && key(&it.change).is_some_and(|key| purge.concerns(key))
        };
        let gone = self.unwritten.extract_if(.., concerned);
        gone.filter_map(|it| key(&it.change).cloned()).collect()
    }

    /// Notes that writing fails: a change that could not be appended is lost if it is dropped.
    pub fn note_trouble(&mut self) {
        self.unwritten.iter_mut().for_each(|it| it.waits = false);
    }

    /// Returns whether the change with this `number` is still unwritten.
    pub fn holds(&self, number: u64) -> bool {
        self.unwritten.iter().any(|it| it.number == number)
    }

    /// Drops the change with this `number`.
    pub fn drop(&mut self, number: u64) {
        self.unwritten.retain(|other| other.number != number);
    }

    /// Notes that the change with this `number` has been appended to the journal.
    pub fn note_written(&mut self, number: u64, change: &Change) {
        self.drop(number);
        self.note_appended(change);
    }

    /// Returns everything unwritten, in order.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.unwritten.iter().map(|it| &it.change)
    }

    /// Returns a mark for `settle`, which covers what is kept now.
    pub fn mark(&self) -> u64 {
        self.next
    }

    /// Notes that a snapshot holds everything that was kept before `mark`.
    pub fn settle(&mut self, mark: u64) {
        self.unwritten.retain(|it| it.number >= mark);
    }

    /// Returns what the child of a fork keeps: changes that the parent appended are the parent's.
    pub fn child(mut self) -> Self {
        self.unconfirmed.clear();
        self
    }
}

/// Returns when the result was made that `change` puts.
fn created(change: &Change) -> Option<f64> {
    if let Change::Put(item) = change { item.created } else { None }
}

/// Returns the time now, in seconds since the epoch.
fn seconds() -> f64 {
    stepping::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// Returns whether `new` leaves nothing of `old`.
pub fn undoes(new: &Change, old: &Change) -> bool {
    match (key(new), key(old)) {
        (None, _) => true,
        (Some(new), Some(old)) => new == old,
        (Some(_), None) => false,
    }
}

/// Returns whether `new`, which undoes `old`, puts a result over another.
pub fn puts_over(new: &Change, old: &Change) -> bool {
    matches!((new, old), (Change::Put(_), Change::Put(_)))
}

/// Returns the key that a change is about; `None` if it is about all keys.
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

    /// Only the last change of a key is kept, and a clear removes everything before it.
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

    /// A snapshot settles what was kept before it began, and nothing that came later.
    #[test]
    fn snapshots_settle() {
        let mut backlog = Backlog::default();
        backlog.keep(remove("a"), Cause::Given);
        let mark = backlog.mark();
        backlog.keep(remove("b"), Cause::Given);
        backlog.settle(mark);
        assert_eq!(kept(&backlog), [remove("b")]);
    }

    /// What others appended after the user deleted the cache is newer than a reclaimed change, but
    /// not newer than one that could never be appended.
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

    /// A purge by another process drops a computed result that could not be appended; a result that
    /// the user put stays.
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

    /// Changes appended since the files were last seen come before those that could not be
    /// appended.
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

    /// A result made after a change that no disk has taken is newer, wherever it is read: a clear,
    /// too, removes only what is older than itself.
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

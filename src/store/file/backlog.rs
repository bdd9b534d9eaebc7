//! Changes that no disk has taken, or that may have been lost with their file.

mod lost;

use std::collections::HashMap;

use bytes::Bytes;

use crate::clock;
use crate::store::{Cause, Change, Item, KeyStripes, Purge};

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
    /// How often changes were reclaimed.
    reclaimed: u64,
}

/// A change that could not be appended.
#[derive(Clone, Debug)]
struct Unwritten {
    number: u64,
    change: Change,
    cause: Cause,
    /// Whether nothing failed: another process was in the way.
    waits: bool,
    /// Whether others made it: it is only kept here to be appended behind a clear that waits.
    repeats: bool,
    /// When the change was made, in seconds since the epoch.
    made: f64,
    /// Whether it was appended to a journal that was taken away.
    lost: bool,
}

impl Backlog {
    /// Returns whether a disk has taken everything.
    pub fn is_empty(&self) -> bool {
        self.unwritten.is_empty()
    }

    /// Returns the stripes of the keys that unwritten changes are about.
    pub fn affected(&self) -> KeyStripes {
        let mut stripes = KeyStripes::default();
        self.changes().for_each(|change| stripes.add(Purge::of(change).affected()));
        stripes
    }

    /// Keeps a change that could not be appended.
    pub fn keep(&mut self, change: Change, cause: Cause) {
        self.keep_as(change, cause, false);
    }

    /// Keeps a change that could not be appended. `waits` says that another process was in the way.
    pub fn keep_as(&mut self, change: Change, cause: Cause, waits: bool) {
        let made = created(&change).unwrap_or_else(clock::now);
        let (number, repeats) = (self.next, false);
        self.push(Unwritten { number, change, cause, waits, repeats, made, lost: false });
    }

    /// Puts `it` behind everything that is kept.
    fn push(&mut self, it: Unwritten) {
        self.overtake(&it.change);
        self.unwritten.push(Unwritten { number: self.next, ..it });
        self.next += 1;
    }

    /// Notes that `change` was appended to the journal.
    pub fn note_appended(&mut self, change: Change) {
        self.unconfirmed.push(change);
    }

    /// Notes that the files were seen in their place: everything appended so far is safe.
    pub fn confirm(&mut self) {
        self.unconfirmed.clear();
    }

    /// Returns whether everything that was appended is certain to be where it belongs.
    pub fn is_confirmed(&self) -> bool {
        self.unconfirmed.is_empty()
    }

    /// Keeps of what others made, and a clear that waits repeats, only the entries that were found when
    /// everything was read anew, as they were found: the `items` of the snapshot, and the `changes` of
    /// the journals since.
    pub fn renew_repeated(&mut self, items: &[Item], changes: &[Change]) {
        if !self.unwritten.iter().any(|it| it.repeats) {
            return;
        }
        let put =
            changes.iter().filter_map(|it| if let Change::Put(it) = it { Some(it) } else { None });
        let found: HashMap<&Bytes, &Item> =
            items.iter().chain(put).map(|item| (&item.key, item)).collect();
        self.unwritten.retain_mut(|it| {
            let now = it.change.key().and_then(|key| found.get(key).copied());
            if let Some(now) = now.filter(|_| it.repeats) {
                it.change = Change::Put(now.clone());
            }
            !it.repeats || now.is_some()
        });
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
        let is_newer = |old: &Unwritten| !old.is_newer_than(made);
        let same = |old: &Unwritten| old.change.key() == Some(&item.key);
        let is_cleared = |old: &Unwritten| matches!(old.change, Change::Clear) && is_newer(old);
        // Of what others made, the last that was appended counts.
        self.unwritten.retain(|old| !same(old) || !(old.repeats || is_newer(old)));
        // A clear that waits is appended behind this change, which then has to be written again.
        if self.unwritten.iter().any(is_cleared) && !self.unwritten.iter().any(same) {
            self.keep(Change::Put(item.clone()), Cause::Upkeep);
            if let Some(kept) = self.unwritten.last_mut() {
                kept.repeats = true;
            }
        }
    }

    /// Drops the changes that a later one makes void, whether others wrote it or this process made
    /// it.
    pub fn overtake(&mut self, change: &Change) {
        if !self.unwritten.is_empty() {
            self.unwritten.retain(|old| !undoes(change, &old.change));
        }
    }

    /// Notes a change of another process that was appended before those kept here can be. If
    /// somebody asked for it, it came after them, unless it was made long before it was `asked` for
    /// there; but a clear that waits is appended behind it, and so is what waits behind the clear.
    pub fn note_external(&mut self, change: &Change, asked: Asked) {
        match asked {
            Asked::Now if !self.blocks() => self.overtake(change),
            Asked::At(made) if !self.blocks() && !matches!(change, Change::Put(_)) => {
                let is_over =
                    |old: &Unwritten| old.cause == Cause::Upkeep || !old.is_newer_than(made);
                self.unwritten.retain(|old| !undoes(change, &old.change) || !is_over(old));
            }
            _ => self.note_later(change),
        }
    }

    /// Returns what is kept here that will be appended behind `news`: the cache must not take it for
    /// undone.
    pub fn behind(&self, news: &[Change]) -> Vec<Change> {
        let all = self.blocks() && !news.is_empty();
        let is_concerned = |own: &&Change| all || news.iter().any(|it| undoes(it, own));
        self.changes().filter(is_concerned).cloned().collect()
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

    /// Returns the first unwritten change with its number, its cause and, if it is written later
    /// than it should have been, when it was made.
    pub fn first(&self) -> Option<(u64, Change, Cause, Option<f64>)> {
        let first = self.unwritten.first()?;
        let late = Some(first.made).filter(|_| !first.waits);
        Some((first.number, first.change.clone(), first.cause, late))
    }

    /// Drops the computed results that `purge` outdates, if others made it after them, and returns
    /// their keys. Unless it is `certain` that the purge came later, results that no disk has taken
    /// are kept: they would be lost.
    pub fn outdate(&mut self, purge: &Purge, certain: bool) -> Vec<Bytes> {
        let concerned = |it: &mut Unwritten| {
            let is_computed = it.cause == Cause::Computed && (certain || it.waits);
            is_computed && it.change.key().is_some_and(|key| purge.concerns(key))
        };
        let gone: Vec<_> = self.unwritten.extract_if(.., concerned).collect();
        let keys = gone.iter().filter_map(|it| it.change.key().cloned()).collect();
        if let Purge::Fitting(_) | Purge::Tagged { .. } = purge {
            for it in &gone {
                self.forget(it);
            }
        }
        keys
    }

    /// Keeps of an outdated result that it is forgotten: unlike a purge that is a change itself, that
    /// of a pattern leaves in the journal what this result was put over, until its author removes it.
    fn forget(&mut self, outdated: &Unwritten) {
        let Some(key) = outdated.change.key().cloned() else { return };
        let (change, cause) = (Change::Remove(key), Cause::Upkeep);
        self.push(Unwritten { change, cause, ..outdated.clone() });
    }

    /// Notes that writing fails, or that nobody waits for it any more: a change that could not be
    /// appended is lost if it is dropped. Who asked for it goes on now, and what others make from
    /// now on is newer.
    pub fn note_trouble(&mut self) {
        let now = clock::now();
        for it in &mut self.unwritten {
            let has_waited = std::mem::take(&mut it.waits);
            it.made = if has_waited && it.cause == Cause::Given { now } else { it.made };
        }
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
    pub fn note_written(&mut self, number: u64, change: Change) {
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
        self.note_trouble();
        self
    }
}

/// When somebody asked for a change of another process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Asked {
    /// Nobody did: it is the result of a computation, or upkeep.
    Never,
    /// When it was written.
    Now,
    /// Before, in seconds since the epoch: no disk took it then.
    At(f64),
}

impl Unwritten {
    /// Returns whether it is newer than what another process made at `time`. Whoever asked for a
    /// change that waits has not gone on yet: it comes after what others make meanwhile.
    fn is_newer_than(&self, time: f64) -> bool {
        self.waits && self.cause == Cause::Given || self.made >= time
    }
}

/// Returns when the result was made that `change` puts.
fn created(change: &Change) -> Option<f64> {
    if let Change::Put(item) = change { item.created } else { None }
}

/// Returns whether `new` leaves nothing of `old`.
pub fn undoes(new: &Change, old: &Change) -> bool {
    match (new.key(), old.key()) {
        (None, _) => true,
        (Some(new), Some(old)) => new == old,
        (Some(_), None) => false,
    }
}

/// Returns whether `new`, which undoes `old`, puts a result over another.
pub fn puts_over(new: &Change, old: &Change) -> bool {
    matches!((new, old), (Change::Put(_), Change::Put(_)))
}

#[cfg(test)]
mod tests;

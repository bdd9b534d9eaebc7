//! Owners compute and wait: threads, and the tasks of the event loops that run in them.

use std::sync::atomic::{AtomicU64, Ordering};

/// The number of this thread; kept by the child of a fork.
pub fn this_thread() -> u64 {
    thread_local!(static ID: u64 = fresh_id());
    ID.with(|id| *id)
}

/// Returns a number that no thread or task has.
pub fn fresh_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A thread, or a task in a thread's event loop, that computes or waits.
///
/// Ids are the caller's choice: any numbers, as long as no two threads or tasks that are alive
/// share one, and as long as a thread keeps its number in the child of a fork.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    thread: u64,
    /// Whether it lets others run in its thread while it waits.
    suspends: bool,
    id: u64,
}

impl Owner {
    /// The thread `id`, outside any task: it blocks while it waits.
    pub const fn thread(id: u64) -> Self {
        Self { thread: id, suspends: false, id }
    }

    /// The task `id` of the event loop in `thread`: while it waits, the loop goes on.
    pub const fn task(id: u64, thread: u64) -> Self {
        Self { thread, suspends: true, id }
    }

    /// This owner in a call that cannot suspend: an ordinary function that a task calls.
    #[must_use]
    pub const fn blocking(self) -> Self {
        Self { suspends: false, ..self }
    }

    /// Returns whether the computation of `self` stands still until `inner`, which runs at this
    /// moment, goes on: they are the same, or `self` is an ordinary call further down the thread's
    /// stack.
    pub(super) fn encloses(self, inner: Self) -> bool {
        self.id == inner.id || (self.thread == inner.thread && !self.suspends)
    }

    /// Returns whether this owner lives on in the child that `thread` forks.
    pub(super) fn lives_in(self, thread: u64) -> bool {
        self.thread == thread
    }

    /// The number of its thread.
    pub(super) fn thread_number(self) -> u64 {
        self.thread
    }
}

/// An owner that asks for a key, and the computations that cannot end before it is answered.
///
/// A task of an event loop may spread its work over other tasks and threads. Their requests are
/// made within its flights, although they are not on its stack.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    owner: Owner,
    leads_as: Owner,
    within: &'a [Owner],
    function: Option<u64>,
}

impl<'a> Caller<'a> {
    /// `owner` itself, within the flights of the owners `within`, the innermost first.
    pub const fn within(owner: Owner, within: &'a [Owner]) -> Self {
        Self { owner, leads_as: owner, within, function: None }
    }

    /// This caller, with `worker` computing what it begins while it waits.
    #[must_use]
    pub const fn through(self, worker: Owner) -> Self {
        Self { leads_as: worker, ..self }
    }

    /// This caller in a call of `function`, if several functions share keys.
    #[must_use]
    pub const fn calling(self, function: Option<u64>) -> Self {
        Self { function, ..self }
    }

    /// The function that is called, if several share keys.
    pub(super) const fn function(&self) -> Option<u64> {
        self.function
    }

    /// Returns whether this is a call of another function than `leading`, which computes the same
    /// key.
    pub(super) fn calls_another(&self, leading: Option<u64>) -> bool {
        self.function.zip(leading).is_some_and(|(mine, leading)| mine != leading)
    }

    /// The owner that computes what this caller begins.
    pub(super) const fn worker(&self) -> Owner {
        self.leads_as
    }

    /// Returns whether this call is part of what `leader` computes.
    pub(super) fn is_inside(&self, leader: Owner) -> bool {
        leader.encloses(self.owner) || self.within.contains(&leader)
    }

    /// Returns the owners that wait as long as this caller does, other than through flights of
    /// their own.
    pub(super) fn waiting(&self) -> impl Iterator<Item = Owner> {
        let behind = self.within.first().copied().filter(|owner| *owner != self.owner);
        std::iter::once(self.owner).chain(behind)
    }
}

impl From<Owner> for Caller<'_> {
    fn from(owner: Owner) -> Self {
        Self::within(owner, &[])
    }
}

/// One flight or one wait of an owner; sorted so that those of one thread stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket {
    pub(super) owner: Owner,
    serial: u64,
}

impl Ticket {
    /// The `serial`-th ticket of the process; no number is used twice.
    pub(super) const fn new(owner: Owner, serial: u64) -> Self {
        Self { owner, serial }
    }

    /// Returns the tickets of `owner`.
    pub(super) const fn all_of(owner: Owner) -> std::ops::RangeInclusive<Self> {
        Self::new(owner, 0)..=Self::new(owner, u64::MAX)
    }

    /// Returns the tickets whose owners may hold `owner` up or be held up by it, as two ranges.
    ///
    /// An owner that blocks stops its whole thread, and may be running the event loop in which the
    /// others wait. So two owners of a thread depend on each other, unless both suspend.
    pub(super) fn entangled(owner: Owner) -> [std::ops::RangeInclusive<Self>; 2] {
        let ticket = |suspends, id, serial| Self::new(Owner { suspends, id, ..owner }, serial);
        let blocking = ticket(false, 0, 0)..=ticket(false, u64::MAX, u64::MAX);
        let (least, most) = if owner.suspends { (owner.id, owner.id) } else { (0, u64::MAX) };
        [blocking, ticket(true, least, 0)..=ticket(true, most, u64::MAX)]
    }

    /// Returns whether the owner of this ticket and `other` hold each other up.
    pub(super) fn is_entangled(&self, other: Owner) -> bool {
        Self::entangled(other).iter().any(|range| range.contains(self))
    }
}

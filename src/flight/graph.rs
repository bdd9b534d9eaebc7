//! The wait-for graph of the process. It covers all tables, since circles go across caches.
//!
//! ```text
//! owner --waits for--> flight --is led by--> owner --waits for--> ...
//! ```
//!
//! NOTE: one lock guards the graph and the flights of all tables. A miss takes it twice for some
//! tens of nanoseconds, next to a computation that takes at least a thousand. In return every step
//! is atomic, so that it can be tested exhaustively, and a fork needs only this one lock.

use std::collections::{BTreeMap, BTreeSet};

use super::owner::{Owner, Ticket};
use super::table::{Flight, Table};
use super::tickets::Tickets;
use crate::sync::{AtomicUsize, Mutex, MutexGuard, Ordering, rank};

/// The wait-for graph; a process has one, tests may have their own.
#[derive(Debug)]
pub struct Graph {
    state: Mutex<GraphState, { rank::FLIGHTS }>,
    /// How many flights there are; read without the lock, written under it.
    count: AtomicUsize,
}

static PROCESS: Graph = Graph::new();

impl Graph {
    /// A graph of its own, which knows nothing of the process's other flights.
    pub const fn new() -> Self {
        Self { state: Mutex::new(GraphState::new()), count: AtomicUsize::new(0) }
    }

    /// The graph of this process.
    pub fn of_process() -> &'static Self {
        &PROCESS
    }

    /// Locks all flights. The forking thread calls it before a fork and holds the token until the
    /// fork is over in parent and child, so that the child finds every lock free and every table
    /// whole.
    pub fn before_fork(&'static self) -> ForkToken {
        ForkToken { graph: self, state: self.lock() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, GraphState> {
        self.state.lock()
    }

    /// Publishes the number of flights. Code that added or removed some calls it before unlocking.
    pub(super) fn recount(&self, state: &GraphState) {
        self.count.store(state.table.len(), Ordering::Release);
    }

    /// Returns whether `owner` computes something, in any table; one atomic load if nobody does.
    pub fn is_leading(&self, owner: Owner) -> bool {
        !self.is_idle() && self.lock().leads_of(owner).next().is_some()
    }

    /// Returns whether nothing is under way in any table; one atomic load.
    pub(super) fn is_idle(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }
}

impl Default for Graph {
    fn default() -> Self {
        Self::new()
    }
}

/// Holds all flights still across a fork; the parent just drops it.
#[must_use = "dropped before the fork it protects nothing"]
#[derive(Debug)]
pub struct ForkToken {
    graph: &'static Graph,
    state: MutexGuard<'static, GraphState>,
}

impl ForkToken {
    /// In the child: forgets the flights and waits of all threads but `thread`, the forking one.
    pub fn after_in_child(mut self, thread: u64) {
        let lost = self.state.retain_thread(thread);
        self.graph.recount(&self.state);
        drop(self.state);
        drop(lost);
    }
}

/// What the graph's lock guards.
#[derive(Debug)]
pub(super) struct GraphState {
    /// The last number given to a table, a flight or a wait.
    serial: u64,
    /// Every flight under its key.
    pub(super) table: Table,
    /// Every flight under its leader.
    leads: Tickets,
    /// Every wait under its owner, with its flight, which may have ended meanwhile.
    waits: BTreeMap<Ticket, Ticket>,
    /// The flights whose leader waits for another process.
    outside: BTreeSet<Ticket>,
}

impl GraphState {
    const fn new() -> Self {
        Self {
            serial: 0,
            table: Table::new(),
            leads: Tickets::new(),
            waits: BTreeMap::new(),
            outside: BTreeSet::new(),
        }
    }

    /// Returns a number that is unique in this graph.
    pub(super) fn number(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    fn ticket(&mut self, owner: Owner) -> Ticket {
        Ticket::new(owner, self.number())
    }

    /// Begins a flight of `owner`.
    pub(super) fn lead(&mut self, owner: Owner) -> Ticket {
        let flight = self.ticket(owner);
        self.leads.insert(flight);
        flight
    }

    /// Ends a flight and returns it; `None` if a fork has ended it before.
    pub(super) fn end(&mut self, hash: u64, flight: &Ticket) -> Option<Flight> {
        self.leads.remove(flight);
        self.table.remove(hash, flight)
    }

    /// Returns whether the flight is under way.
    pub(super) fn is_flying(&self, flight: &Ticket) -> bool {
        self.leads.contains(flight)
    }

    /// Records that `owner` waits for `flight`.
    pub(super) fn wait(&mut self, owner: Owner, flight: Ticket) -> Ticket {
        let wait = self.ticket(owner);
        self.waits.insert(wait, flight);
        wait
    }

    /// Returns whether this wait is still under way.
    pub(super) fn is_waiting(&self, wait: &Ticket) -> bool {
        self.waits.contains_key(wait)
    }

    /// Ends the wait.
    pub(super) fn end_wait(&mut self, wait: &Ticket) {
        self.waits.remove(wait);
    }

    /// Returns whether `owner` may wait for `flight`: that closes no circle here, and none across
    /// processes.
    pub(super) fn may_wait(&self, owner: Owner, flight: Ticket) -> bool {
        let leads = self.leads_of(owner).next().is_some();
        !self.hangs_on(flight, |reached| {
            reached.is_entangled(owner) || (leads && self.outside.contains(reached))
        })
    }

    /// Marks `flight` as waiting for another process, unless an owner that leads another key
    /// depends on it: the other process may be waiting for that key, and no graph would show it.
    pub(super) fn wait_outside(&mut self, flight: Ticket) -> bool {
        let alone = self.leads_of(flight.owner).all(|lead| lead == flight);
        // One level is enough: nobody waits in turn for an owner that leads nothing.
        let mut waiting = self.waits.iter().filter(|(_, target)| **target == flight);
        let free = alone && waiting.all(|(wait, _)| self.leads_of(wait.owner).next().is_none());
        if free {
            self.outside.insert(flight);
        }
        free
    }

    /// Notes that the flight no longer waits for another process.
    pub(super) fn end_outside_wait(&mut self, flight: &Ticket) {
        self.outside.remove(flight);
    }

    /// Returns the flights that stand still while `owner` does.
    fn leads_of(&self, owner: Owner) -> impl Iterator<Item = Ticket> {
        Ticket::entangled(owner).into_iter().flat_map(|range| self.leads.range(range))
    }

    /// Returns whether `owner` itself leads more than `count` flights.
    pub(super) fn leads_more_than(&self, owner: Owner, count: usize) -> bool {
        self.leads.range(Ticket::all_of(owner)).nth(count).is_some()
    }

    /// Returns whether `start`, or a flight that must end before it can, passes `test`.
    fn hangs_on(&self, start: Ticket, test: impl Fn(&Ticket) -> bool) -> bool {
        let mut seen = BTreeSet::new();
        let mut reached = vec![start];
        while let Some(flight) = reached.pop() {
            if !self.is_flying(&flight) || !seen.insert(flight) {
                continue;
            }
            if test(&flight) {
                return true;
            }
            let waits = Ticket::entangled(flight.owner).into_iter();
            reached
                .extend(waits.flat_map(|range| self.waits.range(range)).map(|(_, target)| *target));
        }
        false
    }

    /// Forgets every owner outside `thread`; returns what is to be dropped without a lock.
    fn retain_thread(&mut self, thread: u64) -> Vec<Flight> {
        self.leads.retain(|flight| flight.owner.lives_in(thread));
        self.waits.retain(|wait, _| wait.owner.lives_in(thread));
        self.outside.retain(|flight| flight.owner.lives_in(thread));
        let leads = &self.leads;
        self.table.extract_if(|flight| !leads.contains(&flight.ticket))
    }
}

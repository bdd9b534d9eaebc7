//! Tickets, to be found by their owners.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::owner::Ticket;

/// A set of tickets. Nearly always there are a few, which a list holds in a third of the steps that a
/// tree takes.
#[derive(Debug)]
pub(super) struct Tickets {
    /// Some of them, in no order.
    few: Vec<Ticket>,
    /// All others.
    many: BTreeSet<Ticket>,
}

/// How many stand in the list.
const FEW: usize = 8;

impl Tickets {
    /// There are none.
    pub(super) const fn new() -> Self {
        Self { few: Vec::new(), many: BTreeSet::new() }
    }

    /// Adds a ticket that is not there.
    pub(super) fn insert(&mut self, ticket: Ticket) {
        if self.few.len() < FEW {
            self.few.push(ticket);
        } else {
            self.many.insert(ticket);
        }
    }

    /// Takes a ticket out, if it is there.
    pub(super) fn remove(&mut self, ticket: &Ticket) {
        match self.few.iter().position(|it| it == ticket) {
            Some(at) => drop(self.few.swap_remove(at)),
            None => drop(self.many.remove(ticket)),
        }
    }

    /// Returns whether the ticket is there.
    pub(super) fn contains(&self, ticket: &Ticket) -> bool {
        self.few.contains(ticket) || self.many.contains(ticket)
    }

    /// Returns the tickets in `range`, in no order.
    pub(super) fn range(&self, range: RangeInclusive<Ticket>) -> impl Iterator<Item = Ticket> {
        let many = self.many.range(range.clone());
        self.few.iter().filter(move |it| range.contains(it)).chain(many).copied()
    }

    /// Takes out all that do not pass `test`.
    pub(super) fn retain(&mut self, test: impl Fn(&Ticket) -> bool) {
        self.few.retain(&test);
        self.many.retain(test);
    }
}

#[cfg(test)]
mod tests {
    use super::{FEW, Tickets};
    use crate::flight::Owner;
    use crate::flight::owner::Ticket;

    /// Few or many, the tickets of an owner are found, and those of no other.
    #[test]
    fn tickets_of_owners() {
        let owner = |n: usize| Owner::thread(n as u64 % 3);
        let all: Vec<_> = (0..3 * FEW).map(|n| Ticket::new(owner(n), n as u64)).collect();
        let mut tickets = Tickets::new();
        let count = |tickets: &Tickets, n| tickets.range(Ticket::all_of(owner(n))).count();
        for &ticket in &all {
            assert!(!tickets.contains(&ticket));
            tickets.insert(ticket);
            assert!(tickets.contains(&ticket));
        }
        assert!((0..3).all(|n| count(&tickets, n) == FEW));
        tickets.remove(&all[0]);
        tickets.remove(&all[3 * FEW - 1]);
        assert_eq!([count(&tickets, 0), count(&tickets, 1), count(&tickets, 2)], [7, 8, 7]);
        tickets.insert(all[0]);
        tickets.retain(|it| it.owner == owner(0));
        assert_eq!([count(&tickets, 0), count(&tickets, 1), count(&tickets, 2)], [8, 0, 0]);
        assert!(tickets.contains(&all[0]) && !tickets.contains(&all[1]));
    }
}

//! Waiting for other processes: who may, so that no circle runs through processes.

use outlive::flight::Join;

use super::{KEY, OTHER, Text, flights, lead, owner, wait};

/// The leader of a single key may wait for another process; the leader of two keys may not.
#[test]
fn only_who_leads_nothing_else_waits_outside() {
    let flights = flights::<Text>();
    let alone = lead(flights.join(&KEY, owner(1)));
    assert!(alone.may_wait_outside().is_some());
    let _other = lead(flights.join(&OTHER, owner(1)));
    assert!(alone.may_wait_outside().is_none());
}

/// A leader does not wait for another process while the leader of another key waits for it.
#[test]
fn nobody_waits_outside_for_a_leader() {
    let flights = flights::<Text>();
    let guard = lead(flights.join(&KEY, owner(1)));
    let idle = wait(flights.join(&KEY, owner(2)));
    assert!(guard.may_wait_outside().is_some());
    let _other = lead(flights.join(&OTHER, owner(3)));
    let busy = wait(flights.join(&KEY, owner(3)));
    assert!(guard.may_wait_outside().is_none());
    drop((idle, busy));
    assert!(guard.may_wait_outside().is_some());
}

/// The leader of a key never waits, even through others, for one that waits for another process.
#[test]
fn leaders_do_not_wait_for_the_outside() {
    let flights = flights::<Text>();
    let guard = lead(flights.join(&KEY, owner(1)));
    let _other = lead(flights.join(&OTHER, owner(2)));
    let token = guard.may_wait_outside().expect("it leads nothing else");
    assert!(matches!(flights.join(&KEY, owner(2)), Join::Circle));
    drop(wait(flights.join(&KEY, owner(3))));
    drop(token);
    drop(wait(flights.join(&KEY, owner(2))));
}

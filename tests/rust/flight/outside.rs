//! Waiting for other processes: who may, so that no circle goes through them.

use outlive::flight::Join;

use super::{KEY, OTHER, Text, flights, lead, owner, wait};

/// A leader of this key alone may wait for another process, and one that leads another key may not.
#[test]
fn only_who_leads_nothing_else_waits_outside() {
    let flights = flights::<Text>();
    let alone = lead(flights.join(&KEY, owner(1)));
    assert!(alone.may_wait_outside().is_some());
    let _other = lead(flights.join(&OTHER, owner(1)));
    assert!(alone.may_wait_outside().is_none());
}

/// Nobody waits outside while somebody who leads another key waits for him.
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

/// Who leads a key does not come to wait, directly or through others, for somebody outside.
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

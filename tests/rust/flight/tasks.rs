//! Computations of tasks: spread over others, told when nobody waits, checked when they stall.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use outlive::flight::{Caller, Guard, Join, Leader, Outcome, Owner, Poll};
use parking::Cell;

use super::{KEY, NOW, OTHER, THIRD, Text, flights, lead, wait};

/// A place from which a leader can take its guard.
mod parking {
    use std::sync::Mutex;

    pub struct Cell<T>(Mutex<Option<T>>);

    impl<T> Cell<T> {
        pub fn new(value: T) -> Self {
            Self(Mutex::new(Some(value)))
        }

        pub fn take(&self) -> Option<T> {
            self.0.lock().unwrap().take()
        }
    }
}

const CALLER: Owner = Owner::task(10, 1);
const WORKER: Owner = Owner::task(11, 1);
const STRANGER: Owner = Owner::task(12, 1);
const ELSEWHERE: Owner = Owner::thread(2);

/// A caller waits for the worker that computes for it, like any other caller.
#[test]
fn a_caller_waits_for_its_worker() {
    let flights = flights::<Text>();
    let caller = Caller::within(CALLER, &[]).through(WORKER);
    let guard = lead(flights.join(&KEY, caller));
    assert!(!guard.is_awaited());
    let waiter = wait(flights.join(&KEY, caller));
    assert!(guard.is_awaited());
    guard.finish(Outcome::Value("value"));
    assert_eq!(waiter.wait(NOW), Poll::Ready("value"));
}

/// What a computation calls in other tasks and threads is nested in it.
#[test]
fn a_computation_may_be_spread() {
    let flights = flights::<Text>();
    let _guard = lead(flights.join(&KEY, WORKER));
    for owner in [STRANGER, ELSEWHERE] {
        let within = [Owner::task(13, 1), WORKER];
        let caller = Caller::within(owner, &within);
        assert!(matches!(flights.join(&KEY, caller), Join::Nested));
        flights.nested_put(&KEY, caller, "inner");
        assert_eq!(flights.nested_get(&KEY, caller), Some("inner"));
    }
    drop(wait(flights.join(&KEY, STRANGER)));
}

/// While a thread waits, so does the computation it works for: a circle through it is detected.
#[test]
fn circles_through_a_thread_of_a_computation() {
    let flights = flights::<Text>();
    let _mine = lead(flights.join(&KEY, WORKER));
    let _other = lead(flights.join(&OTHER, STRANGER));
    let waiting = wait(flights.join(&OTHER, Caller::within(ELSEWHERE, &[WORKER])));
    assert!(matches!(flights.join(&KEY, STRANGER), Join::Circle));
    drop(waiting);
    let _waiting = wait(flights.join(&KEY, STRANGER));
    let caller = Caller::within(ELSEWHERE, &[WORKER]);
    assert!(matches!(flights.join(&OTHER, caller), Join::Circle));
    let _third = lead(flights.join(&THIRD, caller));
}

struct Task {
    guard: Cell<Guard<Text>>,
    deserted: AtomicUsize,
}

impl Leader for Task {
    fn on_deserted(&self) {
        self.deserted.fetch_add(1, SeqCst);
    }

    fn check(&self) {
        drop(self.guard.take());
    }
}

/// A leader is told when its last waiter has left, but not while others wait, nor once it has
/// finished.
#[test]
fn a_deserted_leader_is_told() {
    let flights = flights::<Text>();
    let guard = lead(flights.join(&KEY, WORKER));
    let task = Arc::new(Task { guard: Cell::new(guard), deserted: AtomicUsize::new(0) });
    let guard = task.guard.take().unwrap();
    guard.set_leader(Arc::<Task>::clone(&task));
    let [first, second] = [10, 12].map(|id| wait(flights.join(&KEY, Owner::task(id, 1))));
    drop(first);
    assert_eq!(task.deserted.load(SeqCst), 0);
    drop(second);
    assert_eq!(task.deserted.load(SeqCst), 1);
    let third = wait(flights.join(&KEY, CALLER));
    guard.finish(Outcome::Value("value"));
    drop(third);
    assert_eq!(task.deserted.load(SeqCst), 1);
}

/// A stalled leader hands over its duty when a waiter has it checked.
#[test]
fn a_stalled_leader_hands_over() {
    let flights = flights::<Text>();
    let (lost, ours) = (lead(flights.join(&KEY, WORKER)), lead(flights.join(&OTHER, WORKER)));
    let task = Arc::new(Task { guard: Cell::new(ours), deserted: AtomicUsize::new(0) });
    lost.set_leader(Arc::<Task>::clone(&task));
    let waiter = wait(flights.join(&KEY, CALLER));
    let other = wait(flights.join(&OTHER, CALLER));
    waiter.leader().expect("it was named").check();
    assert_eq!(other.wait(NOW), Poll::Again);
    assert!(other.leader().is_none());
    drop(lead(flights.join(&OTHER, CALLER)));
}

//! Single flight: who computes, who waits, who gets what.

mod forks;
mod outside;
mod schedule;
mod tasks;

use bytes::Bytes;
use outlive::flight::{Caller, Flights, Graph, Guard, Join, Outcome, Owner, Poll, Waiter};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

const LONG: Duration = Duration::from_mins(1);
const NOW: Duration = Duration::ZERO;
static KEY: Bytes = Bytes::from_static(b"key");
static OTHER: Bytes = Bytes::from_static(b"other");
static THIRD: Bytes = Bytes::from_static(b"third");

type Text = &'static str;

fn graph() -> &'static Graph {
    Box::leak(Box::default())
}

fn flights<V: Send + Sync + 'static>() -> Flights<V> {
    Flights::within(graph())
}

fn lead<V: Send + Sync + 'static>(joined: Join<V>) -> Guard<V> {
    match joined {
        Join::Lead(guard) => guard,
        _ => panic!("somebody leads already"),
    }
}

fn wait<V: Send + Sync + 'static>(joined: Join<V>) -> Waiter<V> {
    match joined {
        Join::Wait(waiter) => waiter,
        _ => panic!("there is nobody to wait for"),
    }
}

fn owner(id: u64) -> Owner {
    Owner::thread(id)
}

/// Computes under single flight as a cache does; `Err` stands for a stopped leader.
fn call<V: Clone + Send + Sync + 'static>(
    flights: &Flights<V>,
    key: &Bytes,
    owner: Owner,
    body: impl Fn() -> Result<V, ()>,
) -> Option<V> {
    loop {
        match flights.join(key, owner) {
            Join::Lead(guard) => {
                let value = body().ok()?;
                guard.finish(Outcome::Value(value.clone()));
                return Some(value);
            }
            Join::Wait(waiter) => match waiter.wait(LONG) {
                Poll::Ready(value) => return Some(value),
                Poll::Again => {}
                Poll::Pending => panic!("waited for too long"),
            },
            Join::Nested | Join::Circle | Join::Beside => return body().ok(),
        }
    }
}

/// Of many threads that ask for one key at once, one computes and all get its value.
#[test]
fn one_computes() {
    let (flights, runs, waiting) = (flights(), AtomicUsize::new(0), AtomicUsize::new(0));
    let ask = |id| match flights.join(&KEY, owner(id)) {
        Join::Lead(guard) => {
            runs.fetch_add(1, SeqCst);
            while waiting.load(SeqCst) < 15 {
                thread::yield_now();
            }
            guard.finish(Outcome::Value(42));
        }
        joined => {
            let waiter = wait(joined);
            waiting.fetch_add(1, SeqCst);
            assert_eq!(waiter.wait(LONG), Poll::Ready(42));
        }
    };
    let ask = &ask;
    thread::scope(|scope| (0..16).for_each(|id| drop(scope.spawn(move || ask(id)))));
    assert_eq!(runs.load(SeqCst), 1);
}

/// A call waits for no other key, nor for the same key in another cache.
#[test]
fn other_keys_go_on() {
    let graph = graph();
    let (one, two) = (Flights::<Text>::within(graph), Flights::<Text>::within(graph));
    let _first = lead(one.join(&KEY, owner(1)));
    let _second = lead(one.join(&OTHER, owner(2)));
    let _third = lead(two.join(&KEY, owner(3)));
}

/// When a leader panics, exactly one of its waiters takes over.
#[test]
fn panic_hands_over() {
    let (flights, runs, gate) = (flights::<Text>(), AtomicUsize::new(0), Barrier::new(9));
    let guard = lead(flights.join(&KEY, owner(0)));
    let ask = |id| {
        let waiter = wait(flights.join(&KEY, owner(id)));
        gate.wait();
        assert_eq!(waiter.wait(LONG), Poll::Again);
        drop(waiter);
        let joined = flights.join(&KEY, owner(id));
        gate.wait();
        match joined {
            Join::Lead(guard) => {
                runs.fetch_add(1, SeqCst);
                guard.finish(Outcome::Value("anew"));
            }
            joined => assert_eq!(wait(joined).wait(LONG), Poll::Ready("anew")),
        }
    };
    let ask = &ask;
    thread::scope(|scope| {
        (1..=8).for_each(|id| drop(scope.spawn(move || ask(id))));
        gate.wait();
        let stopped = catch_unwind(AssertUnwindSafe(move || {
            let _duty = guard;
            std::panic::resume_unwind(Box::new("stopped"));
        }));
        assert!(stopped.is_err());
        gate.wait();
    });
    assert_eq!(runs.load(SeqCst), 1);
}

/// An outcome, a value or an error, goes to those who wait at that moment, and to no later caller.
#[test]
fn outcome_is_for_those_who_wait() {
    let flights = flights();
    let guard = lead(flights.join(&KEY, owner(1)));
    let waiter = wait(flights.join(&KEY, owner(2)));
    assert_eq!(waiter.wait(NOW), Poll::Pending);
    guard.finish(Outcome::Value(Err::<Text, _>("boom")));
    assert_eq!(waiter.wait(NOW), Poll::Ready(Err("boom")));
    drop(lead(flights.join(&KEY, owner(3))));
}

/// Two functions that are called under one key both compute: one may be part of the other, in a
/// thread that nobody sees. If the leader fails, the result computed beside it is there.
#[test]
fn two_functions_compute_side_by_side() {
    let flights = flights::<Text>();
    let calling = |id, function| Caller::within(owner(id), &[]).calling(Some(function));
    let guard = lead(flights.join(&KEY, calling(1, 7)));
    assert!(matches!(flights.join(&KEY, calling(2, 8)), Join::Beside));
    assert!(matches!(flights.join(&KEY, calling(1, 8)), Join::Nested));
    drop(wait(flights.join(&KEY, calling(2, 7))));
    drop(wait(flights.join(&KEY, owner(2))));
    assert_eq!(flights.offer(&KEY, "beside"), Ok(()));
    assert_eq!(flights.offer(&OTHER, "nowhere"), Err("nowhere"));
    assert_eq!(guard.take_fallback(), Some("beside"));
    assert_eq!(guard.take_fallback::<Text>(), None);
}

/// A thread that asks for a key that it is computing is told so, at any depth.
#[test]
fn nested_is_recognised() {
    let flights = flights::<Text>();
    let _outer = lead(flights.join(&KEY, owner(1)));
    let _inner = lead(flights.join(&OTHER, owner(1)));
    assert!(matches!(flights.join(&KEY, owner(1)), Join::Nested));
}

/// A task of an event loop that an ordinary call runs is nested in that call.
#[test]
fn a_loop_inside_a_call_is_nested() {
    let flights = flights::<Text>();
    let _outer = lead(flights.join(&KEY, owner(1)));
    assert!(matches!(flights.join(&KEY, Owner::task(10, 1)), Join::Nested));
}

/// Tasks of one event loop wait for each other, since a task that waits suspends.
#[test]
fn tasks_wait_for_each_other() {
    let flights = flights();
    let guard = lead(flights.join(&KEY, Owner::task(10, 1)));
    let waiter = wait(flights.join(&KEY, Owner::task(11, 1)));
    guard.finish(Outcome::Value("done"));
    assert_eq!(waiter.wait(NOW), Poll::Ready("done"));
}

/// An ordinary call never waits for a task whose event loop it would block.
#[test]
fn blocking_the_leaders_loop_is_a_circle() {
    let flights = flights::<Text>();
    let _leader = lead(flights.join(&KEY, Owner::task(10, 1)));
    assert!(matches!(flights.join(&KEY, Owner::task(11, 1).blocking()), Join::Circle));
    assert!(matches!(flights.join(&KEY, owner(1)), Join::Circle));
    drop(wait(flights.join(&KEY, owner(2))));
}

/// Of two threads that wait for each other across two caches, the one that would close the circle
/// computes.
#[test]
fn circle_of_two() {
    let graph = graph();
    let (one, two) = (Flights::<Text>::within(graph), Flights::<u8>::within(graph));
    let _first = lead(one.join(&KEY, owner(1)));
    let _second = lead(two.join(&KEY, owner(2)));
    let waiting = wait(two.join(&KEY, owner(1)));
    assert!(matches!(one.join(&KEY, owner(2)), Join::Circle));
    drop(waiting);
    drop(wait(one.join(&KEY, owner(2))));
}

/// A circle is detected through any number of threads.
#[test]
fn circle_of_three() {
    let flights = flights::<Text>();
    let (one, two, three) = (owner(1), owner(2), owner(3));
    let _first = lead(flights.join(&KEY, one));
    let _second = lead(flights.join(&OTHER, two));
    let _third = lead(flights.join(&THIRD, three));
    let _edge = wait(flights.join(&OTHER, one));
    let _next = wait(flights.join(&THIRD, two));
    assert!(matches!(flights.join(&KEY, three), Join::Circle));
}

/// The value of an inner call is visible to the same owner only, and goes with the flight.
#[test]
fn nested_values_stay_inside() {
    let flights = flights();
    let guard = lead(flights.join(&KEY, owner(1)));
    flights.nested_put(&KEY, owner(1), "inner");
    assert_eq!(flights.nested_get(&KEY, owner(1)), Some("inner"));
    assert_eq!(flights.nested_get(&KEY, owner(2)), None);
    guard.finish(Outcome::Value("outer"));
    assert_eq!(flights.nested_get(&KEY, owner(1)), None);
    flights.nested_put(&KEY, owner(1), "too late");
    let _next = lead(flights.join(&KEY, owner(1)));
    assert_eq!(flights.nested_get(&KEY, owner(1)), None);
}

/// Whether a key is being computed can be asked without joining.
#[test]
fn flying_is_visible() {
    let flights = flights::<Text>();
    let guard = lead(flights.join(&KEY, owner(1)));
    assert!(flights.is_flying(&KEY) && !flights.is_flying(&OTHER));
    drop(guard);
    assert!(!flights.is_flying(&KEY));
}

/// A callback is called exactly once: when the flight ends, or at once if it has ended.
#[test]
fn callbacks_are_called_once() {
    let (flights, (calls, called)) = (flights(), mpsc::channel());
    let guard = lead(flights.join(&KEY, owner(1)));
    let waiter = wait(flights.join(&KEY, owner(2)));
    let tell = |what| {
        let calls = calls.clone();
        Box::new(move || calls.send(what).expect("somebody listens")) as _
    };
    waiter.on_done(tell("early"));
    assert!(called.try_recv().is_err());
    guard.finish(Outcome::Value("done"));
    waiter.on_done(tell("late"));
    assert_eq!(waiter.wait(NOW), Poll::Ready("done"));
    assert_eq!(called.try_iter().collect::<Vec<_>>(), ["early", "late"]);
}

/// No lock is held during a callback: it may join, lead and finish flights itself.
#[test]
fn callbacks_may_use_the_flights() {
    let flights = Arc::new(flights());
    let guard = lead(flights.join(&KEY, owner(1)));
    let waiter = wait(flights.join(&KEY, owner(2)));
    let (inside, (tell, told)) = (Arc::clone(&flights), mpsc::channel());
    waiter.on_done(Box::new(move || {
        lead(inside.join(&KEY, owner(2))).finish(Outcome::Value("second"));
        tell.send(()).expect("somebody listens");
    }));
    guard.finish(Outcome::Value("first"));
    assert_eq!(told.try_recv(), Ok(()));
}

/// A waiter that has been dropped is not called back.
#[test]
fn dropped_waiters_are_not_called() {
    let (flights, (calls, called)) = (flights(), mpsc::channel());
    let guard = lead(flights.join(&KEY, owner(1)));
    let waiter = wait(flights.join(&KEY, owner(2)));
    waiter.on_done(Box::new(move || calls.send(()).expect("somebody listens")));
    drop(waiter);
    guard.finish(Outcome::Value("done"));
    assert_eq!(called.try_recv(), Err(mpsc::TryRecvError::Disconnected));
}

/// A value that uses the flights when it is dropped, as a finaliser may.
#[derive(Clone)]
struct Nosy(Arc<Flights<Nosy>>, Arc<AtomicUsize>);

impl Drop for Nosy {
    fn drop(&mut self) {
        assert!(!self.0.is_flying(&THIRD));
        self.0.nested_get(&OTHER, owner(7));
        self.1.fetch_add(1, SeqCst);
    }
}

/// No lock is held while a value is dropped, on whatever path.
#[test]
fn values_are_dropped_without_locks() {
    let (flights, drops) = (Arc::new(flights()), Arc::new(AtomicUsize::new(0)));
    let nosy = || Nosy(Arc::clone(&flights), Arc::clone(&drops));
    let _busy = lead(flights.join(&OTHER, owner(9)));
    let guard = lead(flights.join(&KEY, owner(1)));
    flights.nested_put(&KEY, owner(1), nosy());
    flights.nested_put(&KEY, owner(1), nosy());
    flights.nested_put(&KEY, owner(2), nosy());
    let waiter = wait(flights.join(&KEY, owner(2)));
    guard.finish(Outcome::Value(nosy()));
    drop(waiter);
    lead(flights.join(&KEY, owner(1))).finish(Outcome::Value(nosy()));
    assert_eq!(drops.load(SeqCst), 5);
}

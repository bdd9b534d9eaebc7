//! Forks of the graph of flights, and random threads.

use bytes::Bytes;
use outlive::flight::{Flights, Join, Outcome, Owner, Poll};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, mpsc};
use std::thread;

use super::{KEY, LONG, NOW, OTHER, THIRD, Text, call, flights, graph, lead, owner, wait};

/// In a forked child, the flights of other threads are gone, and those of the forking one go on.
#[test]
fn fork_keeps_the_forking_thread() {
    let graph = graph();
    let flights = Flights::<Text>::within(graph);
    let mine = lead(flights.join(&KEY, owner(1)));
    let lost = lead(flights.join(&OTHER, owner(2)));
    let task = lead(flights.join(&THIRD, Owner::task(10, 1)));
    graph.before_fork().after_in_child(1);
    assert!(matches!(flights.join(&KEY, owner(1)), Join::Nested));
    let again = lead(flights.join(&OTHER, owner(3)));
    drop(lost);
    assert!(flights.is_flying(&OTHER) && flights.is_flying(&THIRD));
    let waiter = wait(flights.join(&KEY, owner(3)));
    mine.finish(Outcome::Value("mine"));
    assert_eq!(waiter.wait(NOW), Poll::Ready("mine"));
    drop((again, task));
}

/// In a forked child, nobody waits for a thread that does not exist there, and no callback of such
/// a thread is called.
#[test]
fn fork_forgets_those_who_wait() {
    let (graph, (calls, called)) = (graph(), mpsc::channel());
    let flights = Flights::<Text>::within(graph);
    let mine = lead(flights.join(&KEY, owner(1)));
    let _lost = lead(flights.join(&OTHER, owner(2)));
    let mine_waits = wait(flights.join(&OTHER, Owner::task(10, 3)));
    let lost_waits = wait(flights.join(&KEY, owner(2)));
    lost_waits.on_done(Box::new(move || calls.send(()).expect("somebody listens")));
    graph.before_fork().after_in_child(1);
    assert_eq!(mine_waits.wait(LONG), Poll::Again);
    mine.finish(Outcome::Value("mine"));
    assert_eq!(called.try_recv(), Err(mpsc::TryRecvError::Disconnected));
}

/// The parent of a fork goes on as if nothing had happened.
#[test]
fn fork_leaves_the_parent_alone() {
    let graph = graph();
    let flights = Flights::within(graph);
    let guard = lead(flights.join(&KEY, owner(1)));
    let waiter = wait(flights.join(&KEY, owner(2)));
    drop(graph.before_fork());
    guard.finish(Outcome::Value("done"));
    assert_eq!(waiter.wait(NOW), Poll::Ready("done"));
}

/// Sixteen threads on overlapping keys, half of whose computations are stopped, never compute a key
/// twice at a time, and all of them end.
#[test]
fn stress() {
    let flights = flights::<u64>();
    let running: Mutex<HashMap<Bytes, usize>> = Mutex::default();
    let runs = AtomicUsize::new(0);
    let work = |id: u64| {
        for round in 0..300 {
            let key = Bytes::from(((id * 7 + round) % 5).to_string());
            let body = || {
                assert_eq!(running.lock().expect("sound").insert(key.clone(), 1), None);
                thread::yield_now();
                let run = runs.fetch_add(1, SeqCst);
                running.lock().expect("sound").remove(&key);
                if run.is_multiple_of(2) { Err(()) } else { Ok(round) }
            };
            call(&flights, &key, owner(id), body);
        }
    };
    let work = &work;
    thread::scope(|scope| (0..16).for_each(|id| drop(scope.spawn(move || work(id)))));
    assert!(runs.load(SeqCst) > 0);
    assert!((0..5).all(|key| !flights.is_flying(key.to_string().as_bytes())));
}

/// Threads that nest calls of random keys, in two caches, always end.
#[test]
fn nested_stress() {
    let graph = graph();
    let caches = [Flights::<u64>::within(graph), Flights::within(graph)];
    let caches = &caches;
    let work = |id: u64| {
        for round in 0..200 {
            let keys = [1, 3, 7].map(|factor| (id + round * factor) % 6);
            let key = |at: usize| Bytes::from(keys[at].to_string());
            let cache = |at: usize| &caches[usize::from(keys[at] % 2 == 0)];
            let inner = || call(cache(2), &key(2), owner(id), || Ok(3)).ok_or(());
            let middle = || call(cache(1), &key(1), owner(id), inner).ok_or(());
            assert!(call(cache(0), &key(0), owner(id), middle).is_some());
        }
    };
    let work = &work;
    thread::scope(|scope| (0..8).for_each(|id| drop(scope.spawn(move || work(id)))));
}

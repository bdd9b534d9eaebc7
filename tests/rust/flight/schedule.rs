//! Every order of steps: threads, tasks and processes as programs that a scheduler runs one step at
//! a time. Each step of the flights is atomic, so these orders are all that can happen.

use bytes::Bytes;
use outlive::flight::{Flights, Graph, Guard, Join, Outcome, OutsideWait, Owner, Poll, Waiter};
use proptest::prelude::*;
use std::time::Duration;

const KEYS: usize = 4;

/// A memoised call: its key, its owner, and the calls that its function makes in turn.
#[derive(Clone, Debug)]
struct Call {
    key: usize,
    owner: Owner,
    /// Whether it is an ordinary function: nothing else runs in its thread until it returns.
    sync: bool,
    /// Whether it is stopped, so that it has no result.
    stopped: bool,
    then: Vec<Call>,
}

#[derive(Clone, Debug)]
struct Actor {
    process: usize,
    thread: u64,
    call: Call,
}

/// The progress of a call.
enum State {
    Asking,
    Waiting(Waiter<usize>),
    /// It leads, and next it tries the lock that excludes other processes.
    Locking(Guard<usize>),
    /// It waits for the process that holds the lock.
    Outside(Guard<usize>, OutsideWait),
    Computing {
        guard: Option<Guard<usize>>,
        locked: bool,
        done: usize,
    },
}

struct Frame<'a> {
    call: &'a Call,
    state: State,
}

struct Machine<'a> {
    actors: &'a [Actor],
    /// Two caches in each process: one for even keys, one for odd ones.
    processes: Vec<[Flights<usize>; 2]>,
    stacks: Vec<Vec<Frame<'a>>>,
    /// For each key, whether some process has locked it.
    locks: [bool; KEYS],
}

fn key(number: usize) -> Bytes {
    Bytes::from(vec![b'k', u8::try_from(number).expect("few keys")])
}

fn caches() -> [Flights<usize>; 2] {
    let graph: &'static Graph = Box::leak(Box::default());
    [Flights::within(graph), Flights::within(graph)]
}

impl<'a> Machine<'a> {
    fn new(actors: &'a [Actor]) -> Self {
        let asking = |actor: &'a Actor| vec![Frame { call: &actor.call, state: State::Asking }];
        let stacks = actors.iter().map(asking).collect();
        Self { actors, processes: vec![caches(), caches()], stacks, locks: [false; KEYS] }
    }

    /// Returns whether an ordinary function of another task occupies the actor's thread.
    fn is_crowded_out(&self, who: usize) -> bool {
        let shares = |other: usize| {
            let (a, b) = (&self.actors[who], &self.actors[other]);
            other != who && (a.process, a.thread) == (b.process, b.thread)
        };
        let runs = |other: usize| {
            let begun = |frame: &Frame| frame.call.sync && !matches!(frame.state, State::Asking);
            self.stacks[other].iter().any(begun)
        };
        (0..self.actors.len()).any(|other| shares(other) && runs(other))
    }

    fn can_step(&self, who: usize) -> bool {
        let Some(top) = self.stacks[who].last() else { return false };
        let ready = match &top.state {
            State::Waiting(waiter) => waiter.wait(Duration::ZERO) != Poll::Pending,
            State::Outside(..) => !self.locks[top.call.key],
            State::Asking | State::Locking(_) | State::Computing { .. } => true,
        };
        ready && !self.is_crowded_out(who)
    }

    fn step(&mut self, who: usize) {
        let Frame { call, state } = self.stacks[who].pop().expect("only who can step does");
        let next = match state {
            State::Asking => Some(self.ask(who, call)),
            State::Waiting(waiter) => match waiter.wait(Duration::ZERO) {
                Poll::Ready(value) => {
                    assert_eq!(value, call.key, "a waiter got another key's value");
                    None
                }
                _ => Some(State::Asking),
            },
            State::Locking(guard) => Some(self.lock(call.key, guard)),
            State::Outside(guard, _waited) => Some(self.lock(call.key, guard)),
            State::Computing { guard, locked, done } => match call.then.get(done) {
                Some(inner) => return self.descend(who, call, inner, (guard, locked, done + 1)),
                None => self.end(call, guard, locked),
            },
        };
        self.stacks[who].extend(next.map(|state| Frame { call, state }));
    }

    /// Makes the next inner call.
    fn descend(
        &mut self,
        who: usize,
        call: &'a Call,
        inner: &'a Call,
        (guard, locked, done): (Option<Guard<usize>>, bool, usize),
    ) {
        let state = self.ask(who, inner);
        let below = Frame { call, state: State::Computing { guard, locked, done } };
        self.stacks[who].extend([below, Frame { call: inner, state }]);
    }

    /// Ends a call: releases the lock for other processes first, as a cache does.
    fn end(&mut self, call: &Call, guard: Option<Guard<usize>>, locked: bool) -> Option<State> {
        if locked {
            self.locks[call.key] = false;
        }
        match guard {
            Some(guard) if !call.stopped => guard.finish(Outcome::Value(call.key)),
            stopped => drop(stopped),
        }
        None
    }

    fn ask(&self, who: usize, call: &Call) -> State {
        let caches = &self.processes[self.actors[who].process];
        match caches[call.key % 2].join(&key(call.key), call.owner) {
            Join::Lead(guard) => State::Locking(guard),
            Join::Wait(waiter) => State::Waiting(waiter),
            Join::Nested | Join::Circle | Join::Beside => {
                State::Computing { guard: None, locked: false, done: 0 }
            }
        }
    }

    fn lock(&mut self, key: usize, guard: Guard<usize>) -> State {
        if !self.locks[key] {
            self.locks[key] = true;
            return State::Computing { guard: Some(guard), locked: true, done: 0 };
        }
        match guard.may_wait_outside() {
            Some(token) => State::Outside(guard, token),
            None => State::Computing { guard: Some(guard), locked: false, done: 0 },
        }
    }

    /// Runs until no actor can step, when all must have ended; `choose` picks one of that many.
    fn run(&mut self, mut choose: impl FnMut(usize) -> usize) {
        loop {
            let able: Vec<_> = (0..self.actors.len()).filter(|who| self.can_step(*who)).collect();
            if able.is_empty() {
                break;
            }
            self.step(able[choose(able.len())]);
        }
        assert!(self.stacks.iter().all(Vec::is_empty), "deadlock: {:#?}", self.actors);
        assert_eq!(self.locks, [false; KEYS], "a key stayed locked");
        for number in 0..KEYS {
            let flies = |caches: &[Flights<usize>; 2]| caches[number % 2].is_flying(&key(number));
            assert!(!self.processes.iter().any(flies), "a flight was left over");
        }
    }
}

/// Runs the programs in every order and returns the number of orders.
fn run_all_orders(actors: &[Actor]) -> usize {
    let (mut prefix, mut orders) = (Vec::new(), 0);
    loop {
        let mut taken: Vec<(usize, usize)> = Vec::new();
        Machine::new(actors).run(|able| {
            let choice = prefix.get(taken.len()).copied().unwrap_or(0);
            taken.push((choice, able));
            choice
        });
        orders += 1;
        while taken.last().is_some_and(|(choice, able)| choice + 1 == *able) {
            taken.pop();
        }
        let Some((last, _)) = taken.last_mut() else { return orders };
        *last += 1;
        prefix = taken.into_iter().map(|(choice, _)| choice).collect();
    }
}

/// Returns a thread that calls `keys`, each inside the one before.
fn thread(process: usize, id: u64, keys: &[usize]) -> Actor {
    let nest = |inner: Vec<Call>, key: &usize| {
        let owner = Owner::thread(id);
        vec![Call { key: *key, owner, sync: true, stopped: false, then: inner }]
    };
    let call = keys.iter().rev().fold(Vec::new(), nest).remove(0);
    Actor { process, thread: id, call }
}

/// Two threads that call each other's keys, in one cache or in two, end in every order of steps.
#[test]
fn circles_of_two() {
    assert!(run_all_orders(&[thread(0, 1, &[0, 1]), thread(0, 2, &[1, 0])]) > 10);
    assert!(run_all_orders(&[thread(0, 1, &[0, 2, 0]), thread(0, 2, &[2, 0])]) > 10);
}

/// Three threads that call each other's keys in a ring end in every order of steps.
#[test]
fn circles_of_three() {
    let ring = [thread(0, 1, &[0, 1]), thread(0, 2, &[1, 2]), thread(0, 3, &[2, 0])];
    assert!(run_all_orders(&ring) > 100);
}

/// Two processes that call each other's keys end in every order of steps.
#[test]
fn circles_across_processes() {
    assert!(run_all_orders(&[thread(0, 1, &[0, 1]), thread(1, 2, &[1, 0])]) > 10);
    let third = thread(0, 3, &[1]);
    assert!(run_all_orders(&[thread(0, 1, &[0, 1]), thread(1, 2, &[1, 0]), third]) > 10);
}

/// A task that calls an ordinary function does not wait for another task of its event loop that
/// computes the same key.
#[test]
fn circles_within_an_event_loop() {
    let call = |id, sync| {
        let task = Owner::task(id, 1);
        let owner = if sync { task.blocking() } else { task };
        Call { key: 0, owner, sync, stopped: false, then: Vec::new() }
    };
    let actor = |id, sync| Actor { process: 0, thread: 1, call: call(id, sync) };
    assert!(run_all_orders(&[actor(10, false), actor(11, true), actor(12, false)]) > 5);
}

#[derive(Clone, Debug)]
struct Tree {
    key: usize,
    switch: bool,
    stopped: bool,
    then: Vec<Tree>,
}

fn tree() -> impl Strategy<Value = Tree> {
    let node = |then: Vec<Tree>| {
        (0..KEYS, any::<bool>(), prop::bool::weighted(0.2)).prop_map(
            move |(key, switch, stopped)| Tree { key, switch, stopped, then: then.clone() },
        )
    };
    node(Vec::new()).prop_recursive(3, 6, 2, move |inner| {
        prop::collection::vec(inner, 0..=2).prop_flat_map(node)
    })
}

/// Where a call runs: ordinary code of a thread may run an event loop, whose tasks may call
/// ordinary code, which cannot run a second loop.
#[derive(Clone, Copy)]
enum Place {
    Thread,
    Task,
    InTask,
}

fn plan(tree: &Tree, thread: u64, task: u64, outer: Place) -> Call {
    let place = match outer {
        Place::Thread if tree.switch => Place::Task,
        Place::Task if tree.switch => Place::InTask,
        unchanged => unchanged,
    };
    let (owner, sync) = match place {
        Place::Thread => (Owner::thread(thread), true),
        Place::Task => (Owner::task(task, thread), false),
        Place::InTask => (Owner::task(task, thread).blocking(), true),
    };
    let then = tree.then.iter().map(|inner| plan(inner, thread, task, place)).collect();
    Call { key: tree.key, owner, sync, stopped: tree.stopped, then }
}

fn actors() -> impl Strategy<Value = Vec<Actor>> {
    let one = (0..2usize, any::<bool>(), tree());
    prop::collection::vec(one, 2..=5).prop_map(|all| {
        let numbered = all.into_iter().zip(1u64..);
        let actor = |((process, shares, tree), number): ((usize, bool, Tree), u64)| {
            // Actors that share a thread are tasks of its loop; the others have a thread each.
            let (thread, outer) = if shares { (100, Place::Task) } else { (number, Place::Thread) };
            Actor { process, thread, call: plan(&tree, thread, 200 + number, outer) }
        };
        numbered.map(actor).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    /// Whatever calls threads and tasks of two processes nest, in whatever order, and whichever are
    /// stopped, all of them end.
    #[test]
    fn nobody_waits_for_ever(
        actors in actors(),
        choices in prop::collection::vec(any::<prop::sample::Index>(), 64),
    ) {
        let mut choices = choices.iter().cycle();
        Machine::new(&actors).run(|able| choices.next().expect("endless").index(able));
    }

    /// Two processes both end if in each a thread waits for one that waits for the other process.
    #[test]
    fn circles_through_threads_and_processes(
        choices in prop::collection::vec(any::<prop::sample::Index>(), 64),
    ) {
        let here = [thread(0, 1, &[0]), thread(0, 2, &[2, 0])];
        let there = [thread(1, 3, &[2]), thread(1, 4, &[0, 2])];
        let mut choices = choices.iter().cycle();
        let actors = [here, there].concat();
        Machine::new(&actors).run(|able| choices.next().expect("endless").index(able));
    }
}

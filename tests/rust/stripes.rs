//! Stripes: one value for each group of threads.

use std::sync::Barrier;
use std::thread;

use outlive::collections::stripes::Stripes;

/// Returns the results of `run` in `number` threads that are all alive at once.
fn together<R: Send>(number: usize, run: impl Fn() -> R + Sync) -> Vec<R> {
    let (ready, done) = (Barrier::new(number), Barrier::new(number));
    thread::scope(|scope| {
        let body = || {
            ready.wait();
            let result = run();
            done.wait();
            result
        };
        let threads: Vec<_> = (0..number).map(|_| scope.spawn(body)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    })
}

/// A thread finds its own value again, and never another thread's.
#[test]
fn each_thread_has_its_own() {
    let stripes = Stripes::<Vec<u64>>::default();
    let seen = together(8, || {
        (0..100).for_each(|n| stripes.with(|own| own.push(n)));
        stripes.with(|own| own.clone())
    });
    assert!(seen.iter().all(|own| *own == (0..100).collect::<Vec<_>>()), "{seen:?}");
    assert_eq!(stripes.for_all(|own| own.len()), [100; 8]);
}

/// More threads than stripes share them evenly, and nothing is lost.
#[test]
fn many_threads_share() {
    let stripes = Stripes::<u64>::default();
    together(100, || (0..1000).for_each(|_| stripes.with(|count| *count += 1)));
    let counts = stripes.for_all(|count| *count);
    assert_eq!(counts.iter().sum::<u64>(), 100_000);
    // Threads that choose at the same time may choose the same stripe: the shares are not exact.
    assert!(counts.len() > 8, "{counts:?}");
}

/// A thread reuses the stripe of a thread that has ended.
#[test]
fn a_stripe_is_used_again() {
    let stripes = Stripes::<u64>::default();
    for _ in 0..1000 {
        thread::scope(|scope| scope.spawn(|| stripes.with(|count| *count += 1)).join().unwrap());
    }
    let counts = stripes.for_all(|count| *count);
    assert_eq!(counts.iter().sum::<u64>(), 1000);
    // Taken in turn, each of the 32 would be used some 31 times. Threads of other tests come between.
    assert!(counts.iter().any(|count| *count > 100), "{counts:?}");
}

/// A visit shows the values whose locks are free, stops at the first error and never waits.
#[test]
fn a_visit_does_not_wait() {
    let stripes = Stripes::<u64>::default();
    together(2, || stripes.with(|value| *value = 7));
    let mut seen = Vec::new();
    let all: Result<(), ()> = stripes.visit(|value| {
        seen.push(*value);
        Ok(())
    });
    assert_eq!((all, seen), (Ok(()), vec![7, 7]));
    assert_eq!(stripes.visit(|value| Err(*value)), Err(7));
    let shown = stripes.with(|_| {
        let mut shown = 0;
        let _: Result<(), ()> = stripes.visit(|_| {
            shown += 1;
            Ok(())
        });
        shown
    });
    assert!((1..=2).contains(&shown), "{shown}");
}

//! What single flight adds to a miss that nobody else wants: `cargo bench`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use outlive::flight::{Flights, Join, Outcome, Owner};

const CALLS: u32 = 10_000;
const ROUNDS: u32 = 200;
/// What was promised, in nanoseconds.
const GOAL: u128 = 100;

fn main() {
    let mut rounds: Vec<Duration> = (0..ROUNDS).map(|_| round()).collect();
    rounds.sort_unstable();
    let median = rounds[rounds.len() / 2].as_nanos() / u128::from(CALLS);
    let verdict = if median <= GOAL { "met" } else { "MISSED" };
    println!("\nSingle flight, a key that nobody else wants");
    println!("  {:<43}{median:>10} ns{:12}goal <= {GOAL} ns   {verdict}", "join and finish", "");
}

fn round() -> Duration {
    let flights: Flights<u32> = Flights::new();
    let (key, owner) = (Bytes::from_static(b"module.function(uri=\"x\")"), Owner::thread(1));
    let start = Instant::now();
    for call in 0..CALLS {
        if let Join::Lead(guard) = flights.join(black_box(&key), owner) {
            guard.finish(Outcome::Value(call));
        }
    }
    start.elapsed()
}

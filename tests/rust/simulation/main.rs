//! The file store in a simulation: from a seed, a history of processes and threads over a disk that
//! fails, and a list of what must be found afterwards.
//!
//! A failure prints its seed: `SIM_SEED=… cargo test --test simulation` plays it again, step by
//! step.
#![cfg(debug_assertions)]

mod actor;
mod chooser;
mod client;
mod disk;
mod editor;
mod explore;
mod fault;
mod history;
mod hits;
mod lock;
mod machine;
mod oracle;
mod play;
mod power;
mod power_loss;
mod random;
mod scheduler;
mod seeds;
mod shrink;
mod tasks;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Keeps the other tests of this program waiting. All histories share the flights of the process:
/// what another test does there at that moment changes where threads wait, and so what a script
/// replays.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

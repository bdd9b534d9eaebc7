//! A simulation of the file store: a seed gives a history of processes and threads on a disk that
//! fails, and an oracle knows what must be found afterwards.
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

/// Excludes the other tests of this program. All histories share the flights of the process: a test
/// that used them at the same time would change where threads wait, and so what a script replays.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

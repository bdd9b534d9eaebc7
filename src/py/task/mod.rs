//! Calls of async functions.

mod ahead;
mod away;
pub mod calling;
mod leadership;
mod outcome;
pub mod pending_call;
mod pending_wait;
mod stage;
mod writing;

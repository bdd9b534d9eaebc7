//! Calls of async functions.

mod leadership;
pub mod pending_call;
mod pending_wait;
mod stage;

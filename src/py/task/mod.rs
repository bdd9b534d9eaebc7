//! Calls of async functions.

mod begun;
mod leadership;
pub mod pending_call;
mod stage;

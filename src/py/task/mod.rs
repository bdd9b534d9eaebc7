//! Calls of async functions.

mod leader_task;
pub mod pending_call;

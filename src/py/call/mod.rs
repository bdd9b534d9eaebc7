//! Calls that no table of hits could answer: look up, wait, or compute and keep.

pub mod answer;
pub mod code_change;
pub mod code_note;
mod collision;
pub mod computation;
pub mod context;
pub mod exit;
pub mod invocation;
pub mod keeper;
mod lookup;
pub mod maker;
pub mod manner;
pub mod memoised;
mod namesake;
mod nested;
pub mod observer;
pub mod options;
pub mod patience;
pub mod previous;
mod provenance;
mod recorder;
pub mod refresh_mark;
pub mod request;
#[cfg(Py_GIL_DISABLED)]
mod row_values;
mod serving;
pub mod teller;
mod threads;
pub mod told;
pub mod waiting;

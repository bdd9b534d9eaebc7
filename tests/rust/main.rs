//! The core's tests, without Python: one file for each concept.

mod crash;
mod flight;
mod model;
mod snapshot;
mod store;
mod value;

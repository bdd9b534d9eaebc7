//! The core's tests, without Python: one file for each concept.

mod crash;
mod flight;
mod model;
mod policy;
mod snapshot;
mod store;
mod value;

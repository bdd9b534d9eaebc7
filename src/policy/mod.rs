//! Which results are still good, and which go when room is short. Pure: the time is always given.

mod freshness;
mod recency;

pub use freshness::{Expiry, Freshness};
pub use recency::{Limits, Recency, Scope};

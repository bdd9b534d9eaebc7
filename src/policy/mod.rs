//! Which results are still good, and which go when room is short. Pure: the time is always given.

mod freshness;
mod mark;
mod recency;

pub use freshness::{Expiry, Freshness};
pub use mark::{Mark, Ticks};
pub use recency::{Limits, Recency, Scope};

//! Which results are still good, and which go when room is short. Pure: the time is always given.

mod freshness;
mod liveness;
mod lru;
mod uses;

pub use freshness::{Expiry, Freshness};
pub use liveness::Liveness;
pub use lru::{Limits, Lru, Scope};
pub use uses::{UseClock, Uses};

//! Freshness and eviction. Pure: the caller passes the time.

mod freshness;
mod liveness;
mod lru;
mod uses;

pub use freshness::{Expiry, Freshness};
pub use liveness::Liveness;
pub use lru::{Limits, Lru, Scope};
pub use uses::{UseClock, Uses};

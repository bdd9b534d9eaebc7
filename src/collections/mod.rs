//! Plain data structures that know nothing of the rest.

mod index;
pub mod stripes;

pub use index::{Hash, Index};

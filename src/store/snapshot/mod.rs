//! The file `NAME.json`: all results as one flat JSON object, one entry a line.
//!
//! ```text
//! {
//! "outlive:meta": {"version": 1, "times": {"https://a": 1790000000.5}},    only if needed
//! "https://a": {"login": "ada"},
//! "https://b": [1, 2, 3]
//! }
//! ```
//!
//! It is strict JSON that any tool reads, it may be edited by hand, and whatever Python's `json`
//! writes in this shape is read as well: any white space, a byte order mark, `NaN`, duplicate keys.
//!
//! Reading looks at every byte once: UTF-8, strings, and the balance of brackets. The grammar inside
//! a value is checked when the value is first used or saved. Only of a damaged file every value is
//! checked at once, and what is intact is salvaged.

mod block;
mod collect;
mod damage;
mod file_entries;
mod layout;
mod meta;
pub mod read;
mod salvage;
mod scan;
pub mod write;

pub use damage::Damage;
pub use file_entries::FileEntries;
pub use meta::{salt_item, salt_of};

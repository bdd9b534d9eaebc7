//! The file `NAME.json`: all results as one JSON object, one entry a line, in one of two formats
//! (docs/file-format.md has every byte).
//!
//! ```text
//! {                                              {
//! "https://a": {"login": "ada"},                 "shop.fetch(id=1)": {"result": {"login": "ada"}, "at": 1764412345.1},
//! "https://b": [1, 2, 3]                         "outlive": {"format": 2}
//! }                                              }
//! ```
//!
//! It is strict JSON that any tool reads, it may be edited by hand, and everything that Python's
//! `json` writes in this shape can be read: any white space, a byte order mark, `NaN`, duplicate
//! keys.
//!
//! Reading looks at every byte once: UTF-8, strings, and the balance of brackets. The grammar
//! inside a value is checked when the value is first used or saved. Only in a damaged file is every
//! value checked at once, and everything intact salvaged.

mod annotated;
mod block;
mod collect;
mod damage;
mod file_entries;
mod flat;
mod foreign;
mod format;
mod layout;
mod members;
pub mod read;
mod reserved;
mod salvage;
mod scan;
pub mod write;

pub use damage::Damage;
pub use file_entries::FileEntries;
pub(crate) use flat::Fact;
pub use foreign::somebody_elses;
pub use format::Format;
pub use reserved::{salt_item, salt_of};

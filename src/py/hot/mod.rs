//! The one place with `unsafe`: what PyO3 has no safe word for, or none that is fast enough.
//!
//! A hit must cost less than PyO3's own calling convention does, so the type of `Memoised` gets a
//! vectorcall slot by hand: no tuple, no dict, no conversion. Everything that is not a hit goes to
//! safe code.
#![expect(unsafe_code, reason = "CPython's and the C library's interfaces are C")]

#[cfg(not(Py_GIL_DISABLED))]
mod attached;
mod copy;
mod entry;
mod invoke;
mod leaf;
mod raw_call;
mod share;
mod text;
mod vectorcall;

#[cfg(Py_GIL_DISABLED)]
pub use super::attached::Attached;
#[cfg(not(Py_GIL_DISABLED))]
pub use attached::Attached;
pub use copy::{copy_dict, copy_list, copy_set, hide, set, set_nth};
pub use entry::{Entry, defer_counting, install};
pub use invoke::call;
pub use leaf::{int_value, leaf_hash, leaves_equal, near_hash, noted_hash, spread_hash};
pub use raw_call::RawCall;
pub use share::{at_fork, share};
pub use text::{ascii, utf8};

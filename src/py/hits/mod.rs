//! Hits by the arguments themselves, without a key text.

mod argument_hash;
#[cfg(Py_GIL_DISABLED)]
mod per_thread;
pub mod row;
mod shape;
mod slots;
pub mod table;

#[cfg(Py_GIL_DISABLED)]
pub use per_thread::Attached;

#[cfg(not(Py_GIL_DISABLED))]
pub use crate::py::ffi::Attached;

//! The one place with `unsafe`: operations for which PyO3 has no safe form, or none that is fast
//! enough.
//!
//! A hit must cost less than PyO3's own calling convention, so a class gets a vectorcall slot by
//! hand ([`Vectorcall`]): no tuple, no dict, no conversion. Everything that is not a hit goes to
//! safe code.
#![expect(unsafe_code, reason = "CPython's and the C library's interfaces are C")]

mod call;
mod cell;
mod copy;
#[cfg(unix)]
mod cut;
#[cfg(all(unix, feature = "sqlite"))]
mod database_files;
#[cfg(ending_unwinds)]
mod ending;
#[cfg(not(Py_GIL_DISABLED))]
mod gil_cell;
mod install;
mod instance;
#[cfg(all(unix, feature = "sqlite"))]
mod large_files;
mod members;
mod process;
mod raw_call;
mod recursion;
mod reserve;
#[cfg(all(not(Py_GIL_DISABLED), not(Py_3_14)))]
mod room;
mod scalar;
mod slot;
mod stamp;
mod str;
#[cfg(all(not(Py_GIL_DISABLED), not(Py_3_14)))]
mod str_entries;
mod trampoline;

pub use call::{call, call_with};
pub use cell::cell_contents;
pub use copy::{copy_dict, copy_list, copy_set, hide, is_hashable, set, set_hashed, set_nth};
#[cfg(all(unix, feature = "sqlite"))]
pub use database_files::guard_databases;
#[cfg(not(Py_GIL_DISABLED))]
pub use gil_cell::Attached;
pub use install::{defer_counting, install, redirect, slot_of, watching_slot_of, widen};
pub use instance::{allocate, blank, class_version, is_native_descriptor, set_through, tuple_of};
pub use members::members;
pub use process::{at_fork, is_main_interpreter, share};
pub use raw_call::RawCall;
pub use recursion::{
    Level, check_stack, check_tasks, enter as enter_recursion, is_small_stack, recursion_limit,
    stack_left,
};
pub use reserve::{check_memory, hold as hold_reserve, renew as renew_reserve};
pub use scalar::{int_value, leaf_hash, leaves_equal, near_hash, noted_hash, spread_hash};
pub use slot::{HitTier, Slot};
pub use stamp::Stamp;
pub use str::{ascii, utf8};
pub use trampoline::{Entered, Served, Vectorcall, raised};

#[cfg(all(ending_unwinds, not(Py_3_11)))]
use ending::vectorcall;
#[cfg(ending_unwinds)]
use ending::{hash, set_item};
#[cfg(not(all(ending_unwinds, not(Py_3_11))))]
use pyo3::ffi::PyObject_Vectorcall as vectorcall;
#[cfg(not(ending_unwinds))]
use pyo3::ffi::{PyDict_SetItem as set_item, PyObject_Hash as hash};

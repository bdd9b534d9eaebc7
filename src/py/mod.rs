//! The face towards Python: the only part that knows `PyO3`.

mod cache;
mod call;
mod control;
mod ffi;
mod hits;
mod key;
mod memoised;
mod report;
mod task;
mod value;

use pyo3::prelude::*;

/// The native half of `outlive`.
#[pymodule(gil_used = false)]
mod _core {
    #[pymodule_export]
    use super::cache::core::CoreCache;
    #[pymodule_export]
    use super::cache::fork::after_fork_in_child;
    #[pymodule_export]
    use super::call::exit::exiting;
    #[pymodule_export]
    use super::call::memoised::Memoised;
    #[pymodule_export]
    use super::key::canonical::canonical;
    #[pymodule_export]
    use super::report::report;
    #[pymodule_export]
    use super::task::pending_call::PendingCall;
    #[pymodule_export]
    use super::value::callbacks::hand_over;
}

//! The face towards Python: the only part that knows `PyO3`.

mod cache;
mod call;
mod control;
mod ffi;
mod hits;
mod key;
mod memoised;
mod named_call;
mod report;
mod task;
mod value;

use pyo3::prelude::*;

/// The native half of `outlive`.
#[pymodule(gil_used = false)]
mod _core {
    #[pymodule_export]
    use crate::py::cache::core::CoreCache;
    #[pymodule_export]
    use crate::py::cache::fork::after_fork_in_child;
    #[pymodule_export]
    use crate::py::call::exit::exiting;
    #[pymodule_export]
    use crate::py::key::canonical::canonical;
    #[pymodule_export]
    use crate::py::memoised::Memoised;
    #[pymodule_export]
    use crate::py::report::report;
    #[pymodule_export]
    use crate::py::task::pending_call::Turn;
}

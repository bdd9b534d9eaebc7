//! The face towards Python: the only part that knows `PyO3`.

mod aio;
#[cfg(Py_GIL_DISABLED)]
mod attached;
mod cache;
mod call;
mod canon;
mod clock;
mod control;
mod decode;
mod encode;
mod fork;
mod hits;
mod hot;
mod kept;
mod keys;
mod lead;
mod live;
mod mapping;
mod memoised;
mod mode;
mod named_call;
mod names;
mod options;
mod refusal;
mod report;
mod salt;
mod shape;
mod simple;
mod slots;
mod slow;
#[cfg(Py_GIL_DISABLED)]
mod spares;
mod text;
mod values;
mod within;

use pyo3::prelude::*;

/// The native half of `outlive`.
#[pymodule(gil_used = false)]
mod _core {
    #[pymodule_export]
    use super::aio::Turn;
    #[pymodule_export]
    use super::cache::CoreCache;
    #[pymodule_export]
    use super::canon::canonical;
    #[pymodule_export]
    use super::fork::after_fork_in_child;
    #[pymodule_export]
    use super::memoised::Memoised;
    #[pymodule_export]
    use super::report::report;
    #[pymodule_export]
    use super::slow::exiting;
}

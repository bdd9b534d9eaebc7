//! The face towards Python: the only part that knows `PyO3`.

mod cache;
mod call;
mod control;
mod ffi;
mod hits;
mod key;
mod long_work;
mod manager;
mod memoised;
mod named_call;
mod receipts;
mod report;
mod task;
mod value;
mod vectorcall;

use pyo3::prelude::*;

/// The native half of `outlive`.
#[pymodule(gil_used = false)]
mod _core {
    use pyo3::prelude::*;
    use pyo3::types::PyTuple;

    #[pymodule_export]
    use super::cache::copying::{copy_all, copy_keys, copy_news};
    #[pymodule_export]
    use super::cache::core::CoreCache;
    #[pymodule_export]
    use super::cache::entries::CoreEntries;
    #[pymodule_export]
    use super::cache::facts::CoreFacts;
    #[pymodule_export]
    use super::cache::file::CacheFile;
    #[pymodule_export]
    use super::cache::fork::after_fork_in_child;
    #[pymodule_export]
    use super::cache::limits::OwnLimits;
    use super::cache::mode::Mode;
    #[pymodule_export]
    use super::cache::registry::override_all;
    #[pymodule_export]
    use super::cache::salt::CoreSalt;
    #[pymodule_export]
    use super::cache::watchers::log_hits;
    #[pymodule_export]
    use super::call::context::HelperScope;
    #[pymodule_export]
    use super::call::exit::exiting;
    #[pymodule_export]
    use super::call::memoised::Memoised;
    use super::call::patience::PAUSES;
    #[pymodule_export]
    use super::key::canonical::{canonical, first_key};
    #[pymodule_export]
    use super::key::classes::class_name;
    use super::key::parameters::Role;
    #[pymodule_export]
    use super::key::shown::shown_key;
    #[pymodule_export]
    use super::manager::Manager;
    #[pymodule_export]
    use super::receipts::{add_receipts, read_receipts};
    #[pymodule_export]
    use super::report::report;
    #[pymodule_export]
    use super::task::pending_call::PendingCall;
    #[pymodule_export]
    use super::value::callbacks::hand_over;
    #[pymodule_export]
    use super::value::shape::Shape;
    #[pymodule_export]
    use super::value::stored_text::limit_results;

    /// Adds what both halves must agree on.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        super::ffi::hold_reserve();
        let words = Mode::ALL.map(|(_, word)| word);
        module.add("MODES", PyTuple::new(module.py(), words)?)?;
        module.add("VERSION", env!("CARGO_PKG_VERSION"))?;
        module.add("KEYED", Role::Keyed as u8)?;
        module.add("IGNORED", Role::Ignored as u8)?;
        module.add("SECRET", Role::Secret as u8)?;
        module.add("IGNORED_BY_NAME", Role::IgnoredByName as u8)?;
        module.add("SECRET_BY_NAME", Role::SecretByName as u8)?;
        module.add("PAUSES", PyTuple::new(module.py(), PAUSES.map(|pause| pause.as_secs_f64()))?)
    }
}

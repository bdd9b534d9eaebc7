//! A memoised function: the object that takes the place of the user's.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use super::cache::core::CoreCache;
use super::call::code_note::CodeRecord;
use super::call::maker::function_digest;
use super::call::manner::Manner;
use super::call::memoised::{Counters, Memoised};
use super::call::options::Options;
use super::call::told::Told;
use super::ffi::{call_with, defer_counting, install, slot_of, watching_slot_of};
use super::hits::Attached;
use super::key::arguments::Call;
use super::key::identity::Identity;
use super::key::maker::KeyMaker;
use super::manager::Manager;
use super::value::callbacks;
use super::vectorcall::run;
use crate::py::value::once::intern;

#[pymethods]
impl Memoised {
    #[new]
    #[pyo3(signature = (function, core, *, name, body, keys, options, manner, registration))]
    #[expect(clippy::too_many_arguments, reason = "the decorator hands over all its parts by name")]
    fn new(
        py: Python<'_>,
        function: Py<PyAny>,
        core: Py<CoreCache>,
        name: String,
        body: i64,
        keys: KeyMaker,
        options: Options,
        manner: Manner,
        registration: Py<PyAny>,
    ) -> PyResult<Py<Self>> {
        let changes = keys.identity().is_some_and(Identity::can_change);
        let gate = Arc::clone(core.get().cache().gate());
        let shared = core.get().cache().is_shared();
        let id = hash_of(&name, body);
        if keys.is_flat() && keys.is_first() {
            core.get().file.get().add_function(function_digest(&name));
        }
        let me = Self {
            slot: if changes { watching_slot_of::<Self>(shared) } else { slot_of::<Self>(shared) },
            hits: Attached::default(),
            gate,
            function,
            core,
            keys,
            options: Mutex::new(Arc::new(options)),
            name,
            manner,
            id,
            counters: Counters::default(),
            told: Told::default(),
            stand_in: Mutex::default(),
            code: CodeRecord::default(),
            is_contested: Arc::default(),
            used_up: AtomicBool::new(false),
            configured: AtomicBool::new(false),
            registration,
        };
        let me = Bound::new(py, me)?;
        install(&me);
        defer_counting(&me);
        Ok(me.unbind())
    }

    #[pyo3(signature = (*args, **kwargs))]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let call = Call::from_python(args, kwargs)?;
        run(slf, &call).map(|(value, _)| value)
    }

    fn __get__<'py>(
        slf: &Bound<'py, Self>,
        instance: &Bound<'py, PyAny>,
        owner: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let _ = owner;
        if instance.is_none() {
            return Ok(slf.clone().into_any());
        }
        let types = slf.py().import(intern!(slf.py(), "types"))?;
        call_with(&types.getattr(intern!(slf.py(), "MethodType"))?, (slf, instance))
    }

    /// Notes the class that it belongs to: `NamedCall` looks for a forgotten instance.
    fn __set_name__<'py>(
        slf: &Bound<'py, Self>,
        owner: &Bound<'py, PyAny>,
        name: &Bound<'py, PyAny>,
    ) -> PyResult<()> {
        // A function that merely gets a second name in a class is no method of it.
        let method = format!("{}.{name}", owner.getattr("__qualname__")?);
        if !slf.getattr(intern!(slf.py(), "__qualname__"))?.eq(method)? {
            return Ok(());
        }
        let weak = slf.py().import(intern!(slf.py(), "weakref"))?.call_method1("ref", (owner,))?;
        slf.setattr(intern!(slf.py(), "_outlive_owner"), weak)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        callbacks::reduce(slf.as_any())
    }

    fn __copy__<'py>(slf: &Bound<'py, Self>) -> Bound<'py, Self> {
        slf.clone()
    }

    fn __deepcopy__<'py>(slf: &Bound<'py, Self>, _memo: &Bound<'py, PyAny>) -> Bound<'py, Self> {
        slf.clone()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> String {
        format!("<memoised {} at {:p}>", slf.get().name, slf.as_ptr())
    }

    /// `module.qualname`, or the text of `name=`.
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// The function itself.
    #[getter]
    fn function(&self) -> &Py<PyAny> {
        &self.function
    }

    /// Its own options and its place in the cache, as Python knows them.
    #[getter]
    fn _outlive_registration(&self) -> &Py<PyAny> {
        &self.registration
    }

    /// What only the Python half does with the function.
    #[getter]
    fn _outlive_manager(slf: &Bound<'_, Self>) -> Manager {
        Manager::of(slf.clone().unbind())
    }

    /// Counts hits, misses and entries, in `functools`' order.
    fn cache_info<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        ask_registration(slf, intern!(slf.py(), "cache_info"))
    }

    /// Counts calls, and what hits saved.
    fn receipts<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        ask_registration(slf, intern!(slf.py(), "receipts"))
    }

    /// Forgets all entries and sets the counters to zero.
    fn cache_clear<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        ask_registration(slf, intern!(slf.py(), "cache_clear"))
    }

    /// The options that the function was decorated with.
    fn cache_parameters<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        ask_registration(slf, intern!(slf.py(), "cache_parameters"))
    }

    /// The names for users, for `dir()` and completion.
    fn __dir__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        ask_registration(slf, intern!(slf.py(), "names"))
    }

    /// Forgets the results of all calls with these arguments; returns how many there were.
    #[pyo3(signature = (**arguments))]
    fn forget_where<'py>(
        slf: &Bound<'py, Self>,
        arguments: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let arguments = arguments.map_or_else(|| PyDict::new(py), Clone::clone);
        let registration = slf.get().registration.bind(py);
        registration.call_method1(intern!(py, "forget_where"), (slf, arguments))
    }

    /// The schema of the function itself, for pydantic.
    fn __get_pydantic_core_schema__<'py>(
        slf: &Bound<'py, Self>,
        _source: &Bound<'py, PyAny>,
        handler: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let registration = slf.get().registration.bind(slf.py());
        registration.call_method1(intern!(slf.py(), "pydantic_schema"), (slf, handler))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.function)?;
        visit.call(&self.core)?;
        visit.call(&self.registration)?;
        self.options.try_lock().map_or(Ok(()), |options| options.traverse(visit))?;
        self.keys.traverse(visit)?;
        self.stand_in
            .try_lock()
            .map_or(Ok(()), |other| other.as_ref().map_or(Ok(()), |other| visit.call(other)))?;
        // NOTE: the collector must not wait for a lock; objects it is not shown count as reachable.
        self.hits.with_visitor(&visit, |hits| hits.traverse(visit)).unwrap_or(Ok(()))
    }

    fn __clear__(&self) {
        Python::attach(|py| self.release(py));
    }
}

/// Asks Python about the function.
fn ask_registration<'py>(
    slf: &Bound<'py, Memoised>,
    name: &Bound<'py, PyString>,
) -> PyResult<Bound<'py, PyAny>> {
    slf.get().registration.bind(slf.py()).call_method1(name, (slf,))
}

fn hash_of(name: &str, body: i64) -> u64 {
    use std::hash::BuildHasher;
    foldhash::quality::FixedState::default().hash_one((name, body))
}

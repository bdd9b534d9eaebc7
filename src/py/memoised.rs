//! A memoised function: the object that takes the place of the user's.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use pyo3::{PyTraverseError, PyVisit, intern};

use super::cache::core::CoreCache;
use super::call::context::CallContext;
use super::call::invocation::Answer;
use super::call::maker::function_digest;
use super::call::memoised::{Counters, Memoised};
use super::call::options::Options;
use super::ffi::{
    RawCall, Slot, Vectorcall, check_memory, defer_counting, enter_recursion, install, slot_of,
    watching_slot_of, widen,
};
use super::hits::Attached;
use super::hits::row::{Hit, HitRecord};
use super::key::arguments::Call;
use super::key::identity::Identity;
use super::key::maker::KeyMaker;
use super::task::pending_call;
use super::value::callbacks;
use super::value::template::{Template, TemplateObject};
use super::value::wtf8::from_wtf8;
use crate::cache::{Epoch, Share};
use crate::policy::Limits;

#[pymethods]
impl Memoised {
    #[new]
    #[pyo3(signature = (function, core, *, name, body, keys, options, suspends, registration))]
    #[expect(clippy::too_many_arguments, reason = "the decorator hands over all its parts by name")]
    fn new(
        py: Python<'_>,
        function: Py<PyAny>,
        core: Py<CoreCache>,
        name: String,
        body: i64,
        keys: KeyMaker,
        options: Options,
        suspends: bool,
        registration: Py<PyAny>,
    ) -> PyResult<Py<Self>> {
        let changes = keys.identity().is_some_and(Identity::can_change);
        let gate = Arc::clone(core.get().cache().gate());
        let shared = core.get().cache().is_shared();
        let id = hash_of(&name, body);
        if keys.is_flat() && keys.is_first() {
            core.get().add_function(function_digest(&name));
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
            suspends,
            id,
            counters: Counters::default(),
            collision_told: AtomicBool::new(false),
            unstorable_told: AtomicBool::new(false),
            code_told: AtomicBool::new(false),
            code: OnceLock::new(),
            is_contested: Arc::default(),
            used_up: AtomicBool::new(false),
            raising_told: AtomicBool::new(false),
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
        Self::run(slf, &call).map(|(value, _)| value)
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
        types.getattr(intern!(slf.py(), "MethodType"))?.call1((slf, instance))
    }

    /// Notes the class that it stands in: `key_or_raise` looks for a forgotten instance.
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

    /// `module.qualname`, or what `name=` said.
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// The function itself.
    #[getter]
    fn function(&self) -> &Py<PyAny> {
        &self.function
    }

    /// Whether it is an `async def` function: a call gives its result, or a `PendingCall` to be awaited.
    #[getter]
    fn suspends(&self) -> bool {
        self.suspends
    }

    /// Its own options and its place in the cache, as Python knows them.
    #[getter]
    fn _outlive_registration(&self) -> &Py<PyAny> {
        &self.registration
    }

    /// Counts hits, misses and entries, in `functools`' order.
    fn cache_info<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        Self::ask_registration(slf, intern!(slf.py(), "cache_info"))
    }

    /// Forgets all entries and sets the counters back.
    fn cache_clear<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        Self::ask_registration(slf, intern!(slf.py(), "cache_clear"))
    }

    /// The options that the function was decorated with.
    fn cache_parameters<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        Self::ask_registration(slf, intern!(slf.py(), "cache_parameters"))
    }

    /// Drops the results of all calls with these arguments; says how many there were.
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

    /// What pydantic makes of it: the schema of the function itself.
    fn __get_pydantic_core_schema__<'py>(
        slf: &Bound<'py, Self>,
        _source: &Bound<'py, PyAny>,
        handler: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let registration = slf.get().registration.bind(slf.py());
        registration.call_method1(intern!(slf.py(), "pydantic_schema"), (slf, handler))
    }

    /// How results are kept and served from now on.
    fn set_options(&self, py: Python<'_>, options: Options) {
        if options.maxsize.is_some() || self.options.lock().maxsize.is_some() {
            let limits = Limits { maxsize: options.maxsize, max_bytes: None };
            self.core.get().cache().policies().limit(self.share(), limits);
        }
        if options.expires() {
            self.core.get().cache().policies().keep_times();
        }
        let old = std::mem::replace(&mut *self.options.lock(), Arc::new(options));
        if self.configured.swap(true, Ordering::AcqRel) {
            // What a call under way is about to remember was found under the old ones.
            self.gate.epoch.advance();
        }
        self.release(py);
        drop(old);
    }

    /// Keeps the results apart from those of a later function of this name; a call warns.
    fn set_aside(&self, py: Python<'_>, mark: String, later: &Bound<'_, Self>) {
        self.keys.set_aside(mark, Arc::clone(&later.get().is_contested));
        // What a call under way is about to remember stands under the old key.
        self.gate.epoch.advance();
        self.release(py);
    }

    /// What the keys of all its entries begin with, as of now.
    fn key_start<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        from_wtf8(py, &self.keys.start(py)?)
    }

    /// How many calls were served from the cache, computed, and found expired.
    fn counts(&self, py: Python<'_>) -> (u64, u64, u64) {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters { hits, misses, expired } = &self.counters;
        let quick: u64 = self.hits.for_all(py, |hits| hits.count).into_iter().sum();
        (load(hits) + quick, load(misses), load(expired))
    }

    /// How many entries of this function went because there was no room.
    fn evictions(&self) -> u64 {
        self.core.get().cache().policies().evictions(&self.share())
    }

    /// Forgets what is remembered by arguments.
    #[pyo3(name = "release")]
    fn release_hits(&self, py: Python<'_>) {
        self.release(py);
    }

    /// Sets the counters back and forgets what is remembered by arguments.
    fn reset(&self, py: Python<'_>) {
        self.release(py);
        self.hits.for_all(py, |hits| hits.count = 0);
        self.counters.hits.store(0, Ordering::Relaxed);
        self.counters.misses.store(0, Ordering::Relaxed);
        self.counters.expired.store(0, Ordering::Relaxed);
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.function)?;
        visit.call(&self.core)?;
        visit.call(&self.registration)?;
        self.options.try_lock().map_or(Ok(()), |options| options.traverse(visit))?;
        self.keys.traverse(visit)?;
        // NOTE: the collector must not wait for a lock; what it is not shown it takes for alive.
        self.hits.with_visitor(&visit, |hits| hits.traverse(visit)).unwrap_or(Ok(()))
    }

    fn __clear__(&self) {
        Python::attach(|py| self.release(py));
    }
}

impl Vectorcall for Memoised {
    fn slot(&self) -> &Slot {
        &self.slot
    }

    #[inline]
    fn quick<const CHECKED: bool, const SHARED: bool>(
        &self,
        call: &RawCall<'_, '_>,
    ) -> Option<Py<PyAny>> {
        self.hits.with(call.py(), |hits| {
            if CHECKED {
                hits.quick_checked::<SHARED>(call, &self.gate)
            } else {
                hits.quick::<SHARED>(call, &self.gate)
            }
        })?
    }

    #[inline]
    fn hit<'py, const SHARED: bool>(
        &self,
        call: &RawCall<'_, 'py>,
    ) -> Option<PyResult<Bound<'py, PyAny>>> {
        let served = self.hits.with(call.py(), |hits| hits.find::<SHARED>(call, &self.gate))??;
        Some(match served {
            Hit::Same(object) => Ok(object.into_bound(call.py())),
            // Bound: outside of PyO3's guard any other reference would be given up late.
            Hit::Copy(template) => copied(&template.into_bound(call.py())),
            Hit::Template(live, shared) => copied_if_alive(call.py(), &live, shared),
        })
    }

    #[cold]
    fn call<'py>(me: &Bound<'py, Self>, raw: &RawCall<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
        let identity = me.get().keys.identity();
        if let Some(identity) = identity
            && !identity.is_current(raw.py())
        {
            me.get().release(raw.py());
        } else if let Some(served) = me.get().catch_up(raw) {
            return served;
        }
        let version = identity.map(Identity::version);
        let (value, fill) = Self::run(me, &Call::from_raw(raw))?;
        if let Some(fill) = fill
            && identity.map(Identity::version) == version
        {
            me.get().fill(raw, fill);
        }
        Ok(value)
    }

    fn is_shared(&self) -> bool {
        self.core.get().cache().is_shared()
    }

    fn is_current(&self, py: Python<'_>) -> bool {
        self.keys.identity().is_none_or(|identity| identity.is_current(py))
    }
}

/// A fresh copy.
#[inline(never)]
fn copied<'py>(template: &Bound<'py, TemplateObject>) -> PyResult<Bound<'py, PyAny>> {
    template.get().serve(template.py())
}

/// A copy of a result that the cache may let go meanwhile; if we are the last to hold it, `PyO3` puts
/// off giving up what is in it until it may run code.
#[inline(never)]
fn copied_if_alive<'py>(
    py: Python<'py>,
    live: &Template,
    shared: bool,
) -> PyResult<Bound<'py, PyAny>> {
    if shared { live.serve_shared(py) } else { live.serve(py) }
}

impl Memoised {
    /// Its entries among those of the cache.
    fn share(&self) -> Share {
        if self.keys.is_flat() && self.keys.is_first() {
            Share::Number(self.id)
        } else {
            Share::Name(self.name.as_bytes().to_vec())
        }
    }

    fn ask_registration<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        slf.get().registration.bind(slf.py()).call_method1(name, (slf,))
    }

    /// The whole call; of an async function the part that does not suspend.
    fn run<'py>(slf: &Bound<'py, Self>, call: &Call<'_, 'py>) -> PyResult<Answer<'py>> {
        let (me, py) = (slf.get(), slf.py());
        check_memory()?;
        let _level = enter_recursion(py)?;
        if me.suspends {
            return pending_call::call(slf, call, false);
        }
        match me.begin(py, call, CallContext::thread(py)?)? {
            Some(invocation) => invocation.answer(py),
            None => me.invoke(py, call).map(|value| (value, None)),
        }
    }

    /// Takes in what other processes have announced; what the tables answer then, if that was all
    /// that kept them from it.
    #[inline(never)]
    fn catch_up<'py>(&self, raw: &RawCall<'_, 'py>) -> Option<PyResult<Bound<'py, PyAny>>> {
        let cache = self.core.get().cache();
        if !cache.is_shared() || !cache.is_behind() {
            return None;
        }
        cache.follow(false);
        self.hit::<true>(raw)
    }

    #[inline(never)]
    fn fill(&self, raw: &RawCall<'_, '_>, fill: HitRecord) {
        if !Epoch::is_open(fill.epoch) || self.gate.epoch.current() != fill.epoch {
            return;
        }
        // Only the first argument makes the key, but a call that differs in the others must come
        // by the slow path once, to be warned about.
        let all = self.keys.is_first() && !self.collision_told.load(Ordering::Relaxed);
        let counts = |at| all || self.is_keyed(raw, at);
        let filled = self.hits.with(raw.py(), |hits| {
            let page = || self.core.get().cache().page();
            let dropped = hits.fill(raw, fill, page, counts);
            (dropped, hits.fast_path())
        });
        if let Some((_, tier)) = filled
            && !self.keys.identity().is_some_and(Identity::can_change)
        {
            widen(self, tier);
        }
    }

    fn is_keyed(&self, raw: &RawCall<'_, '_>, at: usize) -> bool {
        let Some(named) = at.checked_sub(raw.positional()) else {
            return self.keys.counts_position(at);
        };
        let name = raw.names().and_then(|names| names.get_item(named).ok());
        // Not `str(name)`: where the name is of a class of the user's, that would run its code.
        let name = name.and_then(|name| name.cast_into::<PyString>().ok());
        let name = name.as_ref().and_then(|name| name.to_cow().ok());
        name.is_none_or(|name| self.keys.counts_keyword(&name))
    }
}

fn hash_of(name: &str, body: i64) -> u64 {
    use std::hash::BuildHasher;
    foldhash::quality::FixedState::default().hash_one((name, body))
}

//! A call of a memoised function: what its tables of hits answer, and all else.

use std::sync::atomic::Ordering;

use pyo3::prelude::*;
use pyo3::types::PyString;

use super::call::answer::Answer;
use super::call::context::CallContext;
use super::call::invocation::Invocation;
use super::call::memoised::Memoised;
use super::call::request::Request;
use super::ffi::{RawCall, Slot, Vectorcall, check_memory, enter_recursion, widen};
use super::hits::row::{Hit, HitRecord};
use super::key::arguments::Call;
use super::key::identity::Identity;
use super::key::maker::KeyMaker;
use super::task::pending_call;
use super::value::template::{Template, TemplateObject};
use crate::cache::Epoch;

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
        } else if let Some(served) = catch_up(me.get(), raw) {
            return served;
        }
        let version = identity.map(Identity::version);
        let (value, record) = run(me, &Call::from_raw(raw))?;
        if let Some(record) = record
            && identity.map(Identity::version) == version
        {
            remember(me.get(), raw, record);
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

/// The whole call; of an async function the part that does not suspend.
pub(super) fn run<'py>(slf: &Bound<'py, Memoised>, call: &Call<'_, 'py>) -> PyResult<Answer<'py>> {
    let (me, py) = (slf.get(), slf.py());
    check_memory()?;
    let _level = enter_recursion(py)?;
    if me.suspends {
        return pending_call::call(slf, call, false);
    }
    match Request::begin(py, me, call, CallContext::thread(py)?)? {
        Some(request) => Invocation { me, call, request: &request }.answer(py),
        None => me.invoke(py, call).map(|value| (value, None)),
    }
}

/// Takes in what other processes have announced; what the tables answer then, if that was all
/// that kept them from it.
#[inline(never)]
fn catch_up<'py>(me: &Memoised, raw: &RawCall<'_, 'py>) -> Option<PyResult<Bound<'py, PyAny>>> {
    let cache = me.core.get().cache();
    if !cache.is_shared() || !cache.is_behind() {
        return None;
    }
    cache.follow(false);
    me.hit::<true>(raw)
}

/// Has the tables answer such calls from now on, if what was found still holds.
#[inline(never)]
fn remember(me: &Memoised, raw: &RawCall<'_, '_>, record: HitRecord) {
    if !Epoch::is_open(record.epoch) || me.gate.epoch.current() != record.epoch {
        return;
    }
    // Only the first argument makes the key, but a call that differs in the others must come
    // by the slow path once, to be warned about.
    let all = me.keys.is_first() && !me.told.collision.load(Ordering::Relaxed);
    let counts = |at| all || is_keyed(&me.keys, raw, at);
    let filled = me.hits.with(raw.py(), |hits| {
        let page = || me.core.get().cache().page();
        let dropped = hits.fill(raw, record, page, counts);
        (dropped, hits.fast_path())
    });
    if let Some((_, tier)) = filled
        && !me.keys.identity().is_some_and(Identity::can_change)
    {
        widen(me, tier);
    }
}

/// Whether the argument `at` takes part in the key.
fn is_keyed(keys: &KeyMaker, raw: &RawCall<'_, '_>, at: usize) -> bool {
    let Some(named) = at.checked_sub(raw.positional()) else {
        return keys.counts_position(at);
    };
    let name = raw.names().and_then(|names| names.get_item(named).ok());
    // Not `str(name)`: where the name is of a class of the user's, that would run its code.
    let name = name.and_then(|name| name.cast_into::<PyString>().ok());
    let name = name.as_ref().and_then(|name| name.to_cow().ok());
    name.is_none_or(|name| keys.counts_keyword(&name))
}

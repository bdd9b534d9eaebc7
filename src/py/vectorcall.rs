//! A call of a memoised function: what its tables of hits answer, and everything else.

use std::sync::atomic::Ordering;

use pyo3::prelude::*;
use pyo3::types::PyString;

use super::cache::away::away;
use super::call::answer::Answer;
use super::call::computation::{self, Computation, Prepared};
use super::call::context::CallContext;
use super::call::invocation::Invocation;
use super::call::memoised::Memoised;
use super::call::request::Request;
use super::ffi::{
    self, Level, RawCall, Served, Slot, Vectorcall, check_memory, enter_recursion, raised, widen,
};
use super::hits::row::{Hit, HitRecord};
use super::key::arguments::Call;
use super::key::identity::Identity;
use super::key::maker::KeyMaker;
use super::task::calling;
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
    fn hit<'py, const SHARED: bool>(&self, call: &RawCall<'_, 'py>) -> Option<Served<'py>> {
        let served = self.hits.with(call.py(), |hits| hits.find::<SHARED>(call, &self.gate))??;
        Some(match served {
            Hit::Same(object) => Some(object.into_bound(call.py())),
            // Bound: outside PyO3's guard any other reference would be released late.
            Hit::Copy(template) => copied(&template.into_bound(call.py())),
            Hit::Template(live, shared) => copied_if_alive(call.py(), &live, shared),
        })
    }

    fn stand_in<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.stand_in.lock().as_ref().map(|other| other.bind(py).clone())
    }

    type Pending<'py> = Pending<'py>;

    fn function(&self) -> &Py<PyAny> {
        &self.function
    }

    #[cold]
    fn begin<'py>(
        me: &Bound<'py, Self>,
        raw: &RawCall<'_, 'py>,
    ) -> PyResult<ffi::Entered<'py, Self::Pending<'py>>> {
        if let Some(served) = asked(me.get(), raw, catch_up)? {
            return Ok(ffi::Entered::Done(served));
        }
        let version = me.get().keys.identity().map(Identity::version);
        let level = enter(me.py())?;
        match begin(me, &Call::from_raw(raw))? {
            Prepared::Done(answer) => {
                Ok(ffi::Entered::Done(remembered(me.get(), raw, answer, version)))
            }
            Prepared::Due(computation) => {
                let computation = computation.begun_in(version);
                Ok(ffi::Entered::Pending(Pending { computation, _level: level }))
            }
        }
    }

    fn finish<'py>(
        me: &Bound<'py, Self>,
        raw: &RawCall<'_, 'py>,
        pending: Pending<'py>,
        outcome: PyResult<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let Pending { computation, _level } = pending;
        let version = computation.version();
        let answer = computation.finish(me.py(), me.get(), outcome)?;
        Ok(remembered(me.get(), raw, answer, version))
    }

    fn is_shared(&self) -> bool {
        self.core.get().cache().is_shared()
    }

    fn is_current(&self, py: Python<'_>) -> bool {
        self.keys.identity().is_none_or(|identity| identity.is_current(py))
    }
}

/// Returns a fresh copy.
#[inline(never)]
fn copied<'py>(template: &Bound<'py, TemplateObject>) -> Served<'py> {
    let py = template.py();
    template.get().serve(py).map_or_else(|error| raised(py, error), Some)
}

/// Returns a copy of a result that the cache may evict meanwhile. If this is its last reference,
/// `PyO3` defers releasing its contents until it may run code.
#[inline(never)]
fn copied_if_alive<'py>(py: Python<'py>, live: &Template, shared: bool) -> Served<'py> {
    let served = if shared { live.serve_shared(py) } else { live.serve(py) };
    served.map_or_else(|error| raised(py, error), Some)
}

/// The state of a call while its function runs.
pub struct Pending<'py> {
    computation: Computation,
    _level: Level<'py>,
}

/// Makes the whole call; of an async function, the part that does not suspend.
pub(super) fn run<'py>(slf: &Bound<'py, Memoised>, call: &Call<'_, 'py>) -> PyResult<Answer<'py>> {
    let (me, py) = (slf.get(), slf.py());
    let _level = enter(py)?;
    match begin(slf, call)? {
        Prepared::Done(answer) => Ok(answer),
        Prepared::Due(computation) => computation.finish(py, me, me.invoke(py, call)),
    }
}

/// Returns the kept result of a call, counted as a hit; None if it has to be computed.
pub(super) fn look_up<'py>(
    me: &Bound<'py, Memoised>,
    raw: &RawCall<'_, 'py>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let (memoised, py) = (me.get(), me.py());
    if let Some(served) = asked(memoised, raw, hit_apart)? {
        return Ok(Some(served));
    }
    let version = memoised.keys.identity().map(Identity::version);
    let found = look_up_call(py, memoised, &Call::from_raw(raw))?;
    Ok(found.map(|answer| remembered(memoised, raw, answer, version)))
}

/// Does the same for a call that no table is asked about.
pub(super) fn look_up_call<'py>(
    py: Python<'py>,
    me: &Memoised,
    call: &Call<'_, 'py>,
) -> PyResult<Option<Answer<'py>>> {
    let Some(request) = Request::begin(py, me, call, CallContext::thread(py)?)? else {
        return Ok(None);
    };
    Invocation { me, call, request: &request }.found(py)
}

/// Enters a deeper level, if there is memory and stack for a call.
fn enter(py: Python<'_>) -> PyResult<Level<'_>> {
    check_memory()?;
    enter_recursion(py)
}

/// Makes a call up to its function; of an async function, the part that does not suspend.
fn begin<'py>(slf: &Bound<'py, Memoised>, call: &Call<'_, 'py>) -> PyResult<Prepared<'py>> {
    let (me, py) = (slf.get(), slf.py());
    if me.manner.suspends() {
        return calling::call(slf, call, false).map(Prepared::Done);
    }
    match Request::begin(py, me, call, CallContext::thread(py)?)? {
        Some(request) => computation::begin(py, me, call, request),
        None => Ok(Prepared::Due(Computation::Straight)),
    }
}

/// Returns the value of `answer`, which the tables remember if the key is made as it was in
/// `version`.
fn remembered<'py>(
    me: &Memoised,
    raw: &RawCall<'_, 'py>,
    (value, record): Answer<'py>,
    version: Option<u64>,
) -> Bound<'py, PyAny> {
    if let Some(record) = record
        && me.keys.identity().map(Identity::version) == version
    {
        remember(me, raw, record);
    }
    value
}

/// Returns what the tables answer to `ask`. Nothing, and they forget all, if what the function
/// closes over is not what it was.
fn asked<'py>(
    me: &Memoised,
    raw: &RawCall<'_, 'py>,
    ask: impl FnOnce(&Memoised, &RawCall<'_, 'py>) -> Option<Served<'py>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = raw.py();
    if !me.is_current(py) {
        me.release(py);
        return Ok(None);
    }
    ask(me, raw).map(|served| served.ok_or_else(|| PyErr::fetch(py))).transpose()
}

/// Takes in the announcements of other processes; returns the tables' answer if those were all that
/// prevented it.
#[inline(never)]
fn catch_up<'py>(me: &Memoised, raw: &RawCall<'_, 'py>) -> Option<Served<'py>> {
    let cache = me.core.get().cache();
    if !cache.is_shared() || !cache.follower().is_behind() {
        return None;
    }
    away(raw.py(), cache, |cache| cache.follower().follow(false));
    hit_apart(me, raw)
}

/// Returns the tables' answer where speed does not matter. One place, out of line: with more of
/// them, the hits themselves are compiled to calls.
#[inline(never)]
fn hit_apart<'py>(me: &Memoised, raw: &RawCall<'_, 'py>) -> Option<Served<'py>> {
    me.hit::<true>(raw)
}

/// Lets the tables answer such calls from now on, if the result is still valid.
#[inline(never)]
fn remember(me: &Memoised, raw: &RawCall<'_, '_>, record: HitRecord) {
    if !Epoch::is_open(record.epoch) || me.gate.epoch.current() != record.epoch {
        return;
    }
    // Only the first argument makes the key, but a call that differs in the others must take the
    // slow path once, to be warned about.
    let all = me.keys.is_first() && !me.told.collision.load(Ordering::Relaxed);
    let counts = |at| all || is_keyed(&me.keys, raw, at);
    let filled = me.hits.with(raw.py(), |hits| {
        let page = || me.core.get().cache().follower().page();
        let dropped = hits.fill(raw, record, page, counts);
        (dropped, hits.fast_path())
    });
    if let Some((_, tier)) = filled {
        widen(me, tier);
    }
}

/// Returns whether the argument `at` takes part in the key.
fn is_keyed(keys: &KeyMaker, raw: &RawCall<'_, '_>, at: usize) -> bool {
    let Some(named) = at.checked_sub(raw.positional()) else {
        return keys.params().counts_position(at);
    };
    let name = raw.names().and_then(|names| names.get_item(named).ok());
    // Not `str(name)`: if the name is of a user's class, that would run its code.
    let name = name.and_then(|name| name.cast_into::<PyString>().ok());
    let name = name.as_ref().and_then(|name| name.to_cow().ok());
    name.is_none_or(|name| keys.params().counts_keyword(&name))
}

//! What stays the same during a call, from its start to its result.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyType};

use super::context::CallContext;
use super::exit::is_after_exit;
use super::manner::Manner;
use super::memoised::Memoised;
use super::namesake::{check_namesake, origin};
use super::options::Options;
use crate::cache::{Ask, Locks, Origin};
use crate::flight::Caller;
use crate::py::cache::away::away;
use crate::py::cache::core::CoreCache;
use crate::py::cache::mode::Mode;
use crate::py::cache::{PyLease, PyStaleResult};
use crate::py::key::arguments::Call;
use crate::py::key::maker::NoKey;
use crate::py::value::callbacks;
use crate::py::value::classes::Classes;
use crate::py::value::immutable::is_leaf;
use crate::py::value::once::intern;
use crate::store::{Asking, Take};

/// What one call asks of the cache: which key, on whose behalf, in which mode.
pub struct Request {
    /// The key.
    pub key: Bytes,
    /// On whose behalf the call runs.
    pub context: Arc<CallContext>,
    /// The mode that holds for the call.
    pub mode: Mode,
    /// Whether an older result does not count.
    pub anew: bool,
    /// How results are kept and served.
    pub options: Arc<Options>,
    /// The call that asks, where keys do not identify it.
    pub origin: Option<Origin>,
    /// The state of the cache when the call began.
    pub epoch: u64,
    /// The classes among the arguments: results may be of them.
    given: Option<Py<PyAny>>,
    /// Its entry in a mapping, which was brought.
    brought: OnceLock<Box<Asking>>,
    /// Whether the call is logged: [`UNKNOWN`] until that was asked, then 0 or 1.
    is_logged: AtomicU8,
}

/// It was not asked yet whether a call is logged.
const UNKNOWN: u8 = 2;

impl Request {
    /// Returns what `call` of `me` asks for, with the entry of its key if that is in a mapping; None
    /// if it bypasses the cache.
    #[inline]
    pub fn begin(
        py: Python<'_>,
        me: &Memoised,
        call: &Call<'_, '_>,
        context: Arc<CallContext>,
    ) -> PyResult<Option<Self>> {
        let request = Self::begin_as(py, me, call, context, true)?;
        if let Some(request) = &request {
            request.bring(py, me)?;
        }
        Ok(request)
    }

    /// Returns what `call` of `me` asks for, without its entry; what other processes announced is
    /// taken in only if the call `follows` them.
    #[inline(never)]
    pub fn begin_as(
        py: Python<'_>,
        me: &Memoised,
        call: &Call<'_, '_>,
        context: Arc<CallContext>,
        follows: bool,
    ) -> PyResult<Option<Self>> {
        let core = me.core.bind(py);
        // The epoch comes first: a change of the mode advances it afterwards.
        let mut epoch = me.gate.epoch.current();
        let mut mode = CoreCache::mode(core)?;
        if mode == Mode::Off {
            return Ok(None);
        }
        let loaded = CoreCache::load_once(core)?;
        let joins = mode.writes() && !is_after_exit();
        let cache = core.get().cache();
        let follows = follows && away(py, cache, |cache| cache.follower().follow(joins));
        if follows || loaded {
            epoch = me.gate.epoch.current();
            mode = CoreCache::mode(core)?;
        }
        let options = me.options();
        check_namesake(py, me)?;
        let key = match me.keys.key(py, call) {
            Ok(key) => key,
            Err(NoKey::Unbound) => return Ok(None),
            Err(NoKey::Error(error)) => return tell_keyless(py, me, error).map(|()| None),
        };
        let (anew, origin) = (mode == Mode::Refresh, origin(py, me, call));
        let given = given_classes(py, call)?;
        Ok(Some(Self {
            key,
            context,
            mode,
            anew,
            options,
            origin,
            epoch,
            given,
            brought: OnceLock::new(),
            is_logged: AtomicU8::new(UNKNOWN),
        }))
    }

    /// Brings the entry of the key, if it is in a mapping: the call is about to ask for it.
    pub fn bring(&self, py: Python<'_>, me: &Memoised) -> PyResult<()> {
        if let Some(brought) = me.core.get().file.get().bring().entry(py, &self.key)? {
            let _ = self.brought.set(Box::new(brought));
        }
        Ok(())
    }

    /// Returns the classes that results of `me` may have.
    pub fn classes<'a>(&'a self, me: &'a Memoised) -> Classes<'a> {
        let all = self.options.takes_all;
        Classes::of(&me.registration).with(self.given.as_ref()).taking_all(all)
    }

    /// Returns whether the call is logged. Asked once: a miss and its store are logged together.
    pub fn is_logged(&self, py: Python<'_>) -> PyResult<bool> {
        let known = self.is_logged.load(Ordering::Relaxed);
        if known != UNKNOWN {
            return Ok(known != 0);
        }
        // A program that logs anything has imported `logging`.
        let found = callbacks::is_imported(intern!(py, "logging"))? && callbacks::is_logging(py)?;
        self.is_logged.store(found.into(), Ordering::Relaxed);
        Ok(found)
    }

    /// Returns the caller as the flights see it.
    pub fn caller(&self) -> Caller<'_> {
        self.context.caller().calling(self.origin.map(|origin| origin.function))
    }

    /// Returns how the cache is asked for the key once nothing was found.
    pub fn ask(&self, me: &Memoised) -> Ask {
        let locks = match me.manner {
            _ if !self.mode.computes() || self.mode == Mode::Readonly => Locks::Never,
            // A stream waits for no other process, and its first piece for no lock.
            Manner::Stream | Manner::TaskStream => Locks::AtTheEnd,
            Manner::Whole | Manner::Task | Manner::Batch | Manner::TaskBatch => Locks::AtOnce,
        };
        Ask { origin: self.origin, looks: !self.anew, locks, take: Take::Always }
    }

    /// Returns the right to compute beside the leader.
    pub fn lease_beside(&self, me: &Memoised) -> PyLease {
        let cache = me.core.get().cache();
        let lease = PyLease::beside(cache, &self.key, PyStaleResult::default());
        lease.attending(cache, self.ask(me).locks)
    }

    /// Returns whether the result is kept in memory only.
    pub fn is_transient(&self) -> bool {
        matches!(self.mode, Mode::Readonly | Mode::Frozen)
    }
}

/// Returns the classes among the arguments of `call`, and generic types made of them.
fn given_classes(py: Python<'_>, call: &Call<'_, '_>) -> PyResult<Option<Py<PyAny>>> {
    let mut given = call.values().iter().filter(|value| may_be_class(value)).peekable();
    if given.peek().is_none() {
        return Ok(None);
    }
    Ok(Some(PyTuple::new(py, given.collect::<Vec<_>>())?.into_any().unbind()))
}

fn may_be_class(value: &Bound<'_, PyAny>) -> bool {
    let is_alias = |value: &Bound<'_, PyAny>| {
        let module = value.get_type().module();
        module.is_ok_and(|module| module == "types" || module == "typing")
    };
    !is_leaf(value) && (value.is_instance_of::<PyType>() || is_alias(value))
}

/// Reports a call without a key. The drop-in never raises on account of the cache, so it warns.
fn tell_keyless(py: Python<'_>, me: &Memoised, error: PyErr) -> PyResult<()> {
    if !me.keys.is_flat() || !error.is_instance_of::<PyTypeError>(py) {
        return Err(error);
    }
    if !me.told.unstorable.swap(true, Ordering::Relaxed) {
        let sentence = format!("{}; until then it is called every time", error.value(py));
        me.warn(py, "UnstorableWarning", &sentence)?;
    }
    Ok(())
}

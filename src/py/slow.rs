//! What a call does that no table of hits could answer: look up, wait, or compute and keep.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use pyo3::exceptions::{PyException, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;

use super::cache::{CoreCache, HERE_ONLY, Mode, PyCache, unstorable};
use super::call::{Call, call};
use super::clock;
use super::encode::{to_text, type_name};
use super::hits::{Fill, Served, Span};
use super::keys::NoKey;
use super::live::Live;
use super::memoised::Memoised;
use super::options::Options;
use super::within::Asker;
use crate::cache::{Entry, Landed, Origin};
use crate::flight::{Guard, Join, Outcome, Poll, Waiter};
use crate::policy::{Expiry, Freshness};
use crate::store::{KeyGuard, KeyLock};

/// What flights of Python functions hand to those who wait.
pub type Result_ = Landed<Arc<Live>, Arc<PyErr>>;

/// How long a waiter sleeps before it looks for signals (Ctrl-C).
const SIGNALS: Duration = Duration::from_millis(50);

/// How a key held by another process is asked for again: from the first pause to the longest.
const PAUSES: [Duration; 2] = [Duration::from_micros(500), Duration::from_millis(20)];

/// A value to return, and what the table of hits may remember of it.
pub type Answer<'py> = (Bound<'py, PyAny>, Option<Fill>);

/// What a look at the cache gave.
enum Look<'py> {
    Hit(Answer<'py>),
    /// A kept exception.
    Raise(PyErr),
    /// Nothing fresh.
    Miss(Old),
}

/// What a miss knows of an older result.
#[derive(Clone, Default)]
pub struct Old {
    /// Whether there was one, too old to be served.
    expired: bool,
    /// It may be served all the same if the computation fails.
    stale: Option<Arc<Live>>,
}

/// One call under way.
pub struct Flight<'a, 'py> {
    pub me: &'a Memoised,
    pub core: Bound<'py, CoreCache>,
    pub call: &'a Call<'py>,
    pub key: Bytes,
    pub asker: Arc<Asker>,
    pub mode: Mode,
    pub options: Arc<Options>,
    /// The state of the cache when the call began.
    pub epoch: u64,
}

/// What a call is to do next.
pub enum Step<'py> {
    /// Return this.
    Done(Answer<'py>),
    /// Compute, inside of our own flight of this key.
    Nested,
    /// Compute without a flight: waiting would close a circle.
    Alone(Duty),
    /// Compute for everybody.
    Lead(Guard<Result_>, Old),
    /// Wait for the one who computes.
    Wait(Waiter<Result_>),
}

/// What this call must do once its value is there.
#[must_use = "dropped it passes the duty on"]
pub struct Duty {
    guard: Option<Guard<Result_>>,
    lock: Option<KeyGuard>,
    old: Old,
}

/// The number of this thread; kept by the child of a fork.
pub fn this_thread() -> u64 {
    thread_local!(static ID: u64 = fresh_id());
    ID.with(|id| *id)
}

/// A number that no thread or task has.
pub fn fresh_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The thread that runs the interpreter's exit handlers, once ours has run; 0 before.
static EXITING: AtomicU64 = AtomicU64::new(0);

fn exiting_thread() -> Option<u64> {
    Some(EXITING.load(Ordering::Relaxed)).filter(|thread| *thread != 0)
}

/// To be called when the save at exit is done: what comes later is saved at once.
#[pyfunction]
pub fn exiting() {
    EXITING.store(this_thread(), Ordering::Relaxed);
}

impl Memoised {
    /// The whole call; of an async function the part that does not suspend.
    pub fn run<'py>(slf: &Bound<'py, Self>, call: &Call<'py>) -> PyResult<Answer<'py>> {
        let (me, py) = (slf.get(), slf.py());
        if me.suspends {
            return super::aio::call(slf, call, false);
        }
        match me.begin(py, call, Asker::thread(py)?)? {
            Some(flight) => flight.fly(py),
            None => me.invoke(py, call).map(|value| (value, None)),
        }
    }

    /// The call as a flight; None if it goes straight through.
    pub fn begin<'a, 'py>(
        &'a self,
        py: Python<'py>,
        call: &'a Call<'py>,
        asker: Arc<Asker>,
    ) -> PyResult<Option<Flight<'a, 'py>>> {
        let core = self.core.bind(py);
        let mode = CoreCache::mode(core)?;
        if mode == Mode::Off {
            return Ok(None);
        }
        CoreCache::load_once(core)?;
        let epoch = core.get().cache().gate().word();
        let options = self.options();
        let key = match self.keys.key(py, call) {
            Ok(key) => Bytes::from(key),
            Err(NoKey::Unbound) => return Ok(None),
            Err(NoKey::Error(error)) => return self.keyless(py, error).map(|()| None),
        };
        Ok(Some(Flight { me: self, core: core.clone(), call, key, asker, mode, options, epoch }))
    }

    /// A call without a key: the drop-in never raises on account of the cache, so it warns.
    fn keyless(&self, py: Python<'_>, error: PyErr) -> PyResult<()> {
        if !self.keys.is_flat() || !error.is_instance_of::<PyTypeError>(py) {
            return Err(error);
        }
        if !self.unstorable_told.swap(true, Ordering::Relaxed) {
            let sentence = format!("{}; until then it is called every time", error.value(py));
            self.core.get().warn(py, "UnstorableWarning", &sentence)?;
        }
        Ok(())
    }

    fn count_miss(&self) {
        self.counters.misses.fetch_add(1, Ordering::Relaxed);
    }
}

impl<'py> Flight<'_, 'py> {
    fn now(&self, py: Python<'_>) -> PyResult<f64> {
        match &self.options.clock {
            Some(clock) => call(clock.bind(py), ())?.extract(),
            None => Ok(clock::now()),
        }
    }

    fn cache(&self) -> &Arc<PyCache> {
        self.core.get().cache()
    }

    /// Looks up, waits or computes, until there is an answer.
    pub fn fly(&self, py: Python<'py>) -> PyResult<Answer<'py>> {
        loop {
            match self.step(py)? {
                Step::Done(answer) => return Ok(answer),
                Step::Nested => return self.nested(py),
                Step::Alone(duty) => return self.compute(py, duty),
                Step::Lead(guard, old) => return self.lead(py, guard, old),
                Step::Wait(waiter) => {
                    let landed = wait(py, &waiter)?;
                    if let Some(answer) = self.landed(py, landed)? {
                        return Ok(answer);
                    }
                }
            }
        }
    }

    /// Looks up and joins, without waiting or computing.
    pub fn step(&self, py: Python<'py>) -> PyResult<Step<'py>> {
        // While somebody computes this key it may be us: then the cache does not count.
        let early = self.cache().is_flying(&self.key).then(|| self.join());
        if let Some(Join::Nested) = early {
            return self.inside(py);
        }
        let old = match self.look(py)? {
            Look::Hit(answer) => return Ok(Step::Done(answer)),
            Look::Raise(error) => return Err(error),
            Look::Miss(old) => old,
        };
        let joined = early.unwrap_or_else(|| self.join());
        match joined {
            Join::Nested => self.inside(py),
            Join::Wait(waiter) => Ok(Step::Wait(waiter)),
            Join::Lead(_) | Join::Circle if self.mode == Mode::Offline => {
                Err(self.offline_miss(py))
            }
            Join::Circle => Ok(Step::Alone(Duty::free(old))),
            Join::Lead(guard) => {
                if self.mode == Mode::Refresh {
                    // Inner calls under this key must come by this path, where they are told apart.
                    self.cache().gate().invalidate();
                }
                Ok(Step::Lead(guard, old))
            }
        }
    }

    pub fn join(&self) -> Join<Result_> {
        self.cache().join(&self.key, self.asker.caller())
    }

    /// Everything is computed anew, where it would be kept; mode "offline" computes nothing.
    pub fn refresh(&mut self, py: Python<'py>) -> PyResult<()> {
        match self.mode {
            Mode::Offline => return Err(self.offline_miss(py)),
            Mode::On => self.mode = Mode::Refresh,
            Mode::Off | Mode::Refresh | Mode::Readonly => {}
        }
        Ok(())
    }

    /// We are the one who computes in this process; another process may be at it, or done.
    fn lead(&self, py: Python<'py>, guard: Guard<Result_>, old: Old) -> PyResult<Answer<'py>> {
        let lock = self.take_lock(py, &guard)?;
        match self.look_again(py)? {
            Some(answer) => Ok(answer),
            None => self.compute(py, Duty { guard: Some(guard), lock, old }),
        }
    }

    /// Somebody may have finished between our look and the flight, or in another process.
    pub fn look_again(&self, py: Python<'py>) -> PyResult<Option<Answer<'py>>> {
        self.cache().take_news();
        match self.look(py)? {
            Look::Hit(answer) => Ok(Some(answer)),
            Look::Raise(error) => Err(error),
            Look::Miss(_) => Ok(None),
        }
    }

    fn take_lock(&self, py: Python<'py>, guard: &Guard<Result_>) -> PyResult<Option<KeyGuard>> {
        let mut locked = self.try_lock();
        if !matches!(locked, KeyLock::Busy) || self.asker.is_within() {
            return Ok(locked.held());
        }
        let Some(_outside) = guard.may_wait_outside() else { return Ok(None) };
        let [mut pause, longest] = PAUSES;
        while matches!(locked, KeyLock::Busy) {
            py.detach(|| std::thread::sleep(pause));
            py.check_signals()?;
            pause = longest.min(pause * 2);
            locked = self.try_lock();
        }
        Ok(locked.held())
    }

    /// Tries to keep other processes from computing this key meanwhile.
    pub fn try_lock(&self) -> KeyLock {
        match self.mode {
            Mode::Readonly => KeyLock::Unsupported,
            _ => self.cache().lock_key(&self.key),
        }
    }

    fn offline_miss(&self, py: Python<'py>) -> PyErr {
        let told = || -> PyResult<PyErr> {
            let errors = py.import(intern!(py, "outlive._errors"))?;
            let key = super::text::from_wtf8(py, &self.key)?;
            let error = errors.call_method1("cache_miss", (&self.me.name, key))?;
            Ok(PyErr::from_value(error))
        };
        told().unwrap_or_else(|error| error)
    }

    /// Calls the function and keeps what it returns.
    pub fn compute(&self, py: Python<'py>, duty: Duty) -> PyResult<Answer<'py>> {
        self.count(duty.old());
        match self.me.invoke(py, self.call) {
            Ok(value) => self.keep(py, duty, value),
            Err(error) => self.failed(py, duty, error),
        }
    }

    /// Counts a call that is computed.
    pub fn count(&self, old: &Old) {
        self.me.count_miss();
        if old.expired {
            self.me.counters.expired.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Keeps a result, on disk before anybody gets it.
    pub fn keep(
        &self,
        py: Python<'py>,
        duty: Duty,
        value: Bound<'py, PyAny>,
    ) -> PyResult<Answer<'py>> {
        let (entry, refused) = self.entry(py, &value)?;
        if refused.is_some() && is_used_up(&value)? {
            // Who waits for it computes one of his own.
            drop(duty);
            self.tell_used_up(py, &value)?;
            return Ok((value, None));
        }
        let wanted = match &self.options.cache_if {
            Some(wanted) => call(wanted.bind(py), (&value,))?.is_truthy()?,
            None => true,
        };
        let landed = Landed::Result(entry.text.clone(), entry.live.clone());
        let fill = if wanted { self.fill_of(py, &entry)? } else { None };
        let raises = refused.is_some() && self.options.on_unstorable == "raise";
        if wanted && !raises {
            let _ = self.cache().put(&self.key, entry);
        }
        duty.finish(landed);
        if !wanted {
            return Ok((value, fill));
        }
        self.after_put(py)?;
        if let Some(where_) = refused {
            self.tell_unstorable(py, &where_)?;
        }
        Ok((value, fill))
    }

    /// Warnings of the store, and the save that its journal asks for.
    fn after_put(&self, py: Python<'py>) -> PyResult<()> {
        let core = self.core.get();
        if core.cache().should_save() {
            let cache = Arc::clone(core.cache());
            // Without a thread for it the next save does it; the journal has everything.
            let name = "outlive-save".to_owned();
            let builder = std::thread::Builder::new().name(name);
            let later = Arc::clone(&cache);
            if builder.spawn(move || later.save_in_background()).is_err() {
                cache.no_background();
            }
        }
        if exiting_thread() == Some(this_thread()) {
            // The save at exit is over: this call comes from a handler that runs after it.
            return core.close(py).map(drop);
        }
        core.tell(py)
    }

    /// The snapshot of `value`, and where in it something stands that cannot be stored.
    fn entry(
        &self,
        py: Python<'py>,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<(Entry<Arc<Live>>, Option<String>)> {
        let mut entry = Entry::new(Some(self.now(py)?));
        entry.timed = self.options.expires();
        entry.transient = self.mode == Mode::Readonly;
        entry.origin = self.origin(py);
        match to_text(value, self.core.get().charset()) {
            Ok(text) => {
                entry.live = self.live_of(py, value, &text);
                entry.text = Some(text);
                Ok((entry, None))
            }
            Err(refusal) => {
                entry.live = Some(Arc::new(Live::same(value.clone())));
                Ok((entry, Some(refusal.describe())))
            }
        }
    }

    /// What can be served without decoding the text: an immutable result, or the shared one.
    fn live_of(
        &self,
        py: Python<'py>,
        value: &Bound<'py, PyAny>,
        text: &Bytes,
    ) -> Option<Arc<Live>> {
        if Live::is_immutable(value) {
            return Some(Arc::new(Live::same(value.clone())));
        }
        if self.options.copy {
            return None;
        }
        let live = self.core.get().template(py, text).ok()?;
        live.share(value);
        Some(Arc::new(live))
    }

    /// A result that the first caller uses up is no result for the second.
    fn tell_used_up(&self, py: Python<'py>, value: &Bound<'py, PyAny>) -> PyResult<()> {
        let sentence = format!(
            "the result of {} can be used only once ({}), so it is not kept and every call computes; \
             return what it gives, such as list(...) of an iterator or the text of a file, and \
             decorate the async def function itself rather than one that calls it",
            self.me.name,
            type_name(value)
        );
        self.tell_once(py, sentence)
    }

    fn tell_unstorable(&self, py: Python<'py>, where_: &str) -> PyResult<()> {
        let key = String::from_utf8_lossy(&self.key);
        let sentence =
            unstorable(&format!("the result of {} for key {key:?}", self.me.name), where_);
        self.tell_once(py, sentence)
    }

    /// Warns, or what `on_unstorable=` says; a warning comes once for each function.
    fn tell_once(&self, py: Python<'py>, sentence: String) -> PyResult<()> {
        match self.options.on_unstorable.as_str() {
            "raise" => return Err(PyTypeError::new_err(sentence)),
            "warn" if !self.me.unstorable_told.swap(true, Ordering::Relaxed) => {
                self.core.get().warn(py, "UnstorableWarning", &(sentence + HERE_ONLY))?;
            }
            _ => {}
        }
        Ok(())
    }

    /// The function raised: those who wait get the same exception, nothing is kept unless asked.
    pub fn failed(&self, py: Python<'py>, duty: Duty, error: PyErr) -> PyResult<Answer<'py>> {
        if !error.is_instance_of::<PyException>(py) {
            // An interrupt or an exit is meant for this thread: somebody else takes over.
            return Err(error);
        }
        if let Some(stale) = duty.old.stale.clone() {
            duty.finish(Landed::Result(None, Some(Arc::clone(&stale))));
            return Ok((self.serve(py, &stale)?, None));
        }
        self.keep_error(py, &error)?;
        duty.finish(Landed::Failed(Arc::new(error.clone_ref(py))));
        Err(error)
    }

    fn keep_error(&self, py: Python<'py>, error: &PyErr) -> PyResult<()> {
        let Some(keeper) = &self.options.errors else { return Ok(()) };
        let payload = keeper.bind(py).call_method1(intern!(py, "pack"), (error.value(py),))?;
        if payload.is_none() {
            return Ok(());
        }
        let mut entry = Entry::new(Some(self.now(py)?));
        entry.timed = true;
        entry.transient = self.mode == Mode::Readonly;
        entry.text = super::encode::tagged_error(&payload, self.core.get().charset());
        if entry.text.is_some() {
            let _ = self.cache().put(&self.key, entry);
            self.after_put(py)?;
        }
        Ok(())
    }

    /// An inner call under a key that this thread is computing: computed once, seen by nobody else.
    fn nested(&self, py: Python<'py>) -> PyResult<Answer<'py>> {
        self.me.count_miss();
        let value = self.me.invoke(py, self.call)?;
        self.keep_nested(py, &value)?;
        Ok((value, None))
    }

    /// The value of an earlier inner call, if there was one.
    fn inside(&self, py: Python<'py>) -> PyResult<Step<'py>> {
        let kept = self.cache().flights().nested_get(&self.key, self.asker.caller());
        let Some(Landed::Result(text, live)) = kept else { return Ok(Step::Nested) };
        let value = self.value_of(py, text.as_ref(), live)?;
        Ok(value.map_or(Step::Nested, |value| Step::Done((value, None))))
    }

    /// Keeps the value of an inner call for the next one.
    pub fn keep_nested(&self, py: Python<'py>, value: &Bound<'py, PyAny>) -> PyResult<()> {
        let (entry, refused) = self.entry(py, value)?;
        if refused.is_some() && is_used_up(value)? {
            return Ok(());
        }
        let landed = Landed::Result(entry.text, entry.live);
        self.cache().flights().nested_put(&self.key, self.asker.caller(), landed);
        Ok(())
    }

    /// What somebody else computed while we waited; None if there is nothing to be had from it.
    pub fn landed(
        &self,
        py: Python<'py>,
        landed: Option<Result_>,
    ) -> PyResult<Option<Answer<'py>>> {
        let (text, live) = match landed {
            None => return Ok(None),
            Some(Landed::Failed(error)) => return Err(error.clone_ref(py)),
            Some(Landed::Result(text, live)) => (text, live),
        };
        if self.mode != Mode::Refresh
            && let Look::Hit(answer) = self.look(py)?
        {
            return Ok(Some(answer));
        }
        let value = self.value_of(py, text.as_ref(), live)?;
        if value.is_some() {
            self.me.counters.hits.fetch_add(1, Ordering::Relaxed);
        }
        Ok(value.map(|value| (value, None)))
    }

    fn value_of(
        &self,
        py: Python<'py>,
        text: Option<&Bytes>,
        live: Option<Arc<Live>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let mut entry = Entry::new(None);
        (entry.text, entry.live) = (text.cloned(), live);
        let live = self.core.get().live(py, &self.key, &entry)?;
        live.map(|live| self.serve(py, &live)).transpose()
    }

    fn serve(&self, py: Python<'py>, live: &Live) -> PyResult<Bound<'py, PyAny>> {
        if self.options.copy { live.serve(py) } else { live.serve_shared(py) }
    }

    /// What a hit would return; nothing is counted.
    pub fn peek(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let cache = self.cache();
        let found = cache.get(&self.key).or_else(|| {
            // Another process may have it by now: a call would look, too.
            cache.take_news();
            cache.get(&self.key)
        });
        let Some(found) = found else { return Ok(None) };
        if super::encode::is_error(found.text.as_ref()) {
            return Ok(None);
        }
        let Some(live) = self.core.get().live(py, &self.key, &found)? else {
            return Ok(None);
        };
        match self.freshness(py, &found, &live)? {
            Freshness::Expired { .. } => Ok(None),
            Freshness::Fresh | Freshness::Refresh => self.serve(py, &live).map(Some),
        }
    }

    /// Keeps a result that somebody else brings.
    pub fn keep_given(&self, py: Python<'py>, value: &Bound<'py, PyAny>) -> PyResult<()> {
        let (entry, refused) = self.entry(py, value)?;
        if refused.is_some() && is_used_up(value)? {
            return self.tell_used_up(py, value);
        }
        let _ = self.cache().put(&self.key, entry);
        self.after_put(py)?;
        refused.map_or(Ok(()), |where_| self.tell_unstorable(py, &where_))
    }

    /// Looks the key up.
    fn look(&self, py: Python<'py>) -> PyResult<Look<'py>> {
        let nothing = Look::Miss(Old::default());
        if self.mode == Mode::Refresh {
            return Ok(nothing);
        }
        let Some(found) = self.cache().get(&self.key) else { return Ok(nothing) };
        if super::encode::is_error(found.text.as_ref()) {
            return self.kept_error(py, &found);
        }
        let Some(live) = self.core.get().live(py, &self.key, &found)? else {
            return Ok(nothing);
        };
        match self.freshness(py, &found, &live)? {
            Freshness::Fresh => {}
            Freshness::Refresh => self.refresh_later(py)?,
            Freshness::Expired { servable_on_error } => {
                let stale = servable_on_error.then_some(live);
                return Ok(Look::Miss(Old { expired: true, stale }));
            }
        }
        self.me.counters.hits.fetch_add(1, Ordering::Relaxed);
        self.check_collision(py)?;
        let value = self.serve(py, &live)?;
        // While somebody computes the key anew, inner calls of theirs must not find it in a table.
        if !self.is_remembered() || self.cache().is_flying(&self.key) {
            return Ok(Look::Hit((value, None)));
        }
        let mut entry = found;
        entry.live = Some(live);
        Ok(Look::Hit((value, self.fill_of(py, &entry)?)))
    }

    fn kept_error(&self, py: Python<'py>, found: &Entry<Arc<Live>>) -> PyResult<Look<'py>> {
        let nothing = Look::Miss(Old::default());
        let (Some(keeper), Some(text)) = (&self.options.errors, &found.text) else {
            return Ok(nothing);
        };
        let Ok(payload) = self.core.get().decode(py, text) else { return Ok(nothing) };
        let age = self.now(py)? - found.created.unwrap_or(0.0);
        let error = keeper.bind(py).call_method1(intern!(py, "unpack"), (payload, age))?;
        if error.is_none() {
            return Ok(nothing);
        }
        self.me.counters.hits.fetch_add(1, Ordering::Relaxed);
        Ok(Look::Raise(PyErr::from_value(error)))
    }

    fn expiry(&self, py: Python<'py>, live: &Live) -> PyResult<Expiry> {
        let options = &self.options;
        let ttl = match &options.ttl {
            None => None,
            Some(ttl) => match ttl.bind(py).extract::<f64>() {
                Ok(seconds) => Some(seconds),
                Err(_) => call(ttl.bind(py), (live.serve(py)?,))?.extract()?,
            },
        };
        Ok(Expiry {
            ttl,
            refresh_after: options.refresh_after,
            stale_if_error: options.stale_if_error,
        })
    }

    fn freshness(
        &self,
        py: Python<'py>,
        found: &Entry<Arc<Live>>,
        live: &Live,
    ) -> PyResult<Freshness> {
        if !self.options.expires() {
            return Ok(Freshness::Fresh);
        }
        let now = self.now(py)?;
        Ok(self.expiry(py, live)?.judge(found.created, now, now))
    }

    /// Whether a table of hits may answer such calls. It must not where every call must be seen:
    /// to ask for the key or the time, or to know what was used last.
    fn is_remembered(&self) -> bool {
        let options = &self.options;
        let seen = options.clock.is_some() || options.maxsize.is_some();
        let bounded = self.core.get().bounded.load(Ordering::Relaxed);
        self.me.keys.is_pure() && !seen && !bounded
    }

    /// What the table of hits may remember of an entry, and until when.
    fn fill_of(&self, py: Python<'py>, entry: &Entry<Arc<Live>>) -> PyResult<Option<Fill>> {
        let Some(live) = entry.live.as_ref().filter(|_| self.is_remembered()) else {
            return Ok(None);
        };
        let span = if self.options.expires() {
            let now = self.now(py)?;
            let Expiry { ttl, refresh_after, .. } = self.expiry(py, live)?;
            let shortest = [ttl, refresh_after].into_iter().flatten().fold(f64::INFINITY, f64::min);
            let until = entry.created.unwrap_or(now) + shortest;
            Some(Span { from: clock::nanoseconds(now), until: clock::nanoseconds(until) })
        } else {
            None
        };
        let served = if live.is_shared() {
            Served::Same(live.object().clone_ref(py))
        } else if self.options.copy {
            Served::Copy(Arc::clone(live))
        } else {
            Served::Same(live.serve_shared(py)?.unbind())
        };
        Ok(Some(Fill { epoch: self.epoch, served, span }))
    }

    fn refresh_later(&self, py: Python<'py>) -> PyResult<()> {
        let Some(refresher) = &self.options.refresher else { return Ok(()) };
        if self.mode == Mode::Offline || self.cache().is_flying(&self.key) {
            return Ok(());
        }
        let key = super::text::from_wtf8(py, &self.key)?;
        refresher.bind(py).call1((key, self.call.args(py)?, self.call.kwargs(py)?)).map(drop)
    }

    /// Who asks, where keys do not tell.
    fn origin(&self, py: Python<'py>) -> Option<Origin> {
        let keys = &self.me.keys;
        let others = || keys.other_arguments(py, self.call);
        (keys.is_flat() && keys.is_first())
            .then(|| Origin { function: self.me.id, others: others() })
    }

    /// Warns once if this hit was computed by another function, or from other arguments.
    fn check_collision(&self, py: Python<'py>) -> PyResult<()> {
        if self.me.collision_told.load(Ordering::Relaxed) {
            return Ok(());
        }
        let Some(mine) = self.origin(py) else { return Ok(()) };
        let Some(first) = self.cache().claim(&self.key, mine) else { return Ok(()) };
        let differ = matches!((first.others, mine.others), (Some(a), Some(b)) if a != b);
        if first.function == mine.function && !differ {
            return Ok(());
        }
        self.me.collision_told.store(true, Ordering::Relaxed);
        let cause = if first.function == mine.function {
            "a call with other arguments behind the first"
        } else {
            "another function"
        };
        let key = String::from_utf8_lossy(&self.key);
        let sentence = format!(
            "{} was answered with the result of {cause}: only the first argument is the key, and \
             both have {key:?}; use @memoise(key=\"all\") to tell such calls apart",
            self.me.name
        );
        self.core.get().warn(py, "KeyCollisionWarning", &sentence)
    }
}

impl Duty {
    /// No flight: nobody waits for what is computed.
    pub fn free(old: Old) -> Self {
        Self { guard: None, lock: None, old }
    }

    /// Others wait for what is computed.
    pub fn lead(guard: Guard<Result_>, old: Old) -> Self {
        Self { guard: Some(guard), lock: None, old }
    }

    /// What is known of an older result.
    pub fn old(&self) -> &Old {
        &self.old
    }

    /// The duty towards those who wait.
    pub fn guard(&self) -> Option<&Guard<Result_>> {
        self.guard.as_ref()
    }

    /// Keeps other processes away until the value is there.
    pub fn hold(&mut self, lock: Option<KeyGuard>) {
        self.lock = lock;
    }

    /// Hands the outcome to those who wait, then lets other processes have the key.
    fn finish(mut self, landed: Result_) {
        if let Some(guard) = self.guard.take() {
            guard.finish(Outcome::Value(landed));
        }
        drop(self.lock.take());
    }
}

/// Whether a value is gone once somebody has used it: iterators (files and generators are some) and
/// coroutines.
fn is_used_up(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    let class = value.get_type();
    let has = |name| class.hasattr(name);
    Ok(has("__next__")? || has("__anext__")? || (has("__await__")? && has("send")?))
}

/// Waits for another thread's value; None if its thread was stopped and somebody must take over.
fn wait(py: Python<'_>, waiter: &Waiter<Result_>) -> PyResult<Option<Result_>> {
    loop {
        match py.detach(|| waiter.wait(SIGNALS)) {
            Poll::Ready(landed) => return Ok(Some(landed)),
            Poll::Again => return Ok(None),
            Poll::Pending => {
                py.check_signals()?;
                if let Some(leader) = waiter.leader() {
                    leader.look();
                }
            }
        }
    }
}

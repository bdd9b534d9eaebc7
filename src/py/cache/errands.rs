//! Work of the store that may wait, done by threads of their own: the thread of an event loop must go
//! on meanwhile.
//!
//! A file has two such threads at most, each as long as there is work and some seconds longer. One
//! writes; the other looks, so that a look does not wait for a write that another program is in the
//! way of. Each attempt at the store is made in its turn, and the loop's own thread looks only when
//! nobody has the turn.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use crate::sync::forks;

/// How long a thread without work stays.
const IDLE: Duration = Duration::from_secs(5);

/// Something to be done by a thread, once.
pub type Job = Box<dyn FnOnce() + Send>;

/// The threads of one file.
#[derive(Default)]
pub struct Errands(Mutex<Option<Arc<Threads>>>);

/// The threads, as long as the process is the one that started them.
struct Threads {
    /// The process, by the number of forks before it.
    forks: u64,
    turn: Turn,
    looks: Queue,
    writes: Queue,
}

/// Whoever has it may wait for the store.
pub type Turn = Arc<Mutex<()>>;

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    has_thread: bool,
    is_working: bool,
}

/// Which of the two threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It looks whether there is something.
    Look,
    /// It writes.
    Write,
}

impl Errands {
    /// Has a thread do `job`; if there can be none, it is done at once.
    pub fn submit(&self, kind: Kind, job: Job) {
        let threads = self.threads();
        let queue = threads.queue(kind);
        let mut state = lock(&queue.state);
        state.jobs.push_back(job);
        if state.has_thread {
            drop(state);
            queue.changed.notify_all();
            return;
        }
        state.has_thread = true;
        drop(state);
        let of_thread = Arc::clone(&threads);
        let started = Builder::new()
            .name("outlive-errand".to_owned())
            .spawn(move || known_to_python(|| of_thread.queue(kind).work()));
        if started.is_err() {
            lock(&queue.state).has_thread = false;
            queue.work_off();
        }
    }

    /// The turn, for a job to wait for.
    pub fn turn(&self) -> Turn {
        Arc::clone(&self.threads().turn)
    }

    /// Waits until all work is done, or for so long.
    pub fn finish(&self, patience: Duration) {
        let Some(threads) = lock(&self.0).clone().filter(|it| it.forks == forks::count()) else {
            return;
        };
        let until = Instant::now() + patience;
        for queue in [&threads.looks, &threads.writes] {
            let mut state = lock(&queue.state);
            while !state.jobs.is_empty() || state.is_working {
                let Some(left) = until.checked_duration_since(Instant::now()) else { return };
                let waited = queue.changed.wait_timeout(state, left);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }

    /// The threads of this process.
    fn threads(&self) -> Arc<Threads> {
        let forks = forks::count();
        let _active = crate::sync::active();
        let mut threads = lock(&self.0);
        match &*threads {
            Some(known) if known.forks == forks => Arc::clone(known),
            _ => {
                let new = Arc::new(Threads {
                    forks,
                    turn: Turn::default(),
                    looks: Queue::default(),
                    writes: Queue::default(),
                });
                // NOTE: a lock of the parent's may be held for ever in its child, and is left alone.
                std::mem::forget(threads.replace(Arc::clone(&new)));
                new
            }
        }
    }
}

/// Runs `work` in a thread that Python knows until the end, and that has no need of the interpreter
/// meanwhile.
///
/// NOTE: a thread that attaches for the first time changes the interpreter's list of threads without
/// the GIL. Before 3.12 a child that is forked at that moment waits for ever, so this is done once a
/// thread, not for each job.
fn known_to_python(work: impl Fn() + Send + Sync) {
    let known = Python::try_attach(|py| {
        py.detach(|| {
            work();
            // A thread that comes back to an interpreter which ends would be cut off in midst of this.
            while Python::try_attach(|_| ()).is_none() {
                std::thread::park();
            }
        });
    });
    if known.is_none() {
        work();
    }
}

impl Threads {
    fn queue(&self, kind: Kind) -> &Queue {
        match kind {
            Kind::Look => &self.looks,
            Kind::Write => &self.writes,
        }
    }
}

impl Queue {
    /// Works until there has been nothing to do for a while.
    fn work(&self) {
        loop {
            self.work_off();
            let state = lock(&self.state);
            let waited = self.changed.wait_timeout_while(state, IDLE, |it| it.jobs.is_empty());
            let (mut state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            if timeout.timed_out() && state.jobs.is_empty() {
                state.has_thread = false;
                return;
            }
        }
    }

    fn work_off(&self) {
        loop {
            let mut state = lock(&self.state);
            state.is_working = false;
            let Some(job) = state.jobs.pop_front() else {
                drop(state);
                self.changed.notify_all();
                return;
            };
            state.is_working = true;
            drop(state);
            // A job that panics is over; the next one is done all the same.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
        }
    }
}

/// Has the turn, for one attempt.
pub fn in_turn<T>(turn: &Turn, attempt: impl FnOnce() -> T) -> T {
    let _turn = lock(turn);
    attempt()
}

/// Has the turn if nobody else has it.
pub fn try_turn(turn: &Turn) -> Option<MutexGuard<'_, ()>> {
    match turn.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{Arc, Duration, Errands, Kind, in_turn, try_turn};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;

    /// Jobs of one kind are done one after the other, those of the other kind beside them.
    #[test]
    fn two_kinds_of_jobs() {
        let (away, done) = (Errands::default(), Arc::new(AtomicUsize::new(0)));
        let (go_on, waits) = channel::<()>();
        away.submit(Kind::Write, Box::new(move || drop(waits.recv())));
        for kind in [Kind::Write, Kind::Look, Kind::Look] {
            let done = Arc::clone(&done);
            away.submit(kind, Box::new(move || drop(done.fetch_add(1, Ordering::SeqCst))));
        }
        away.finish(Duration::from_millis(50));
        assert_eq!(done.load(Ordering::SeqCst), 2);
        drop(go_on);
        away.finish(Duration::from_secs(60));
        assert_eq!(done.load(Ordering::SeqCst), 3);
    }

    /// Nobody else has a turn that somebody has.
    #[test]
    fn turns() {
        let turn = Errands::default().turn();
        assert!(in_turn(&turn, || try_turn(&turn).is_none()));
        assert!(try_turn(&turn).is_some());
    }
}

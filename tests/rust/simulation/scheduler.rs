//! Threads that run one at a time: at each step a chooser says which one goes on.
//!
//! Simulated threads are threads of the system that hand a baton to each other, so that the code
//! under test may use thread-local memory, and unwinds when its process is killed.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

use outlive::stepping;

use super::chooser::Chooser;
use super::tasks::{Entry, Life, NOBODY, PATIENCE, Status, Tasks};

pub use super::tasks::{Process, Task};

/// The panic that unwinds the threads of a killed process.
struct Killed;

/// Hands the baton on.
#[derive(Debug)]
pub struct Scheduler {
    tasks: Mutex<Tasks>,
    current: AtomicUsize,
    main: Thread,
}

thread_local! {
    static ME: Cell<Task> = const { Cell::new(NOBODY) };
}

/// The scheduler as the code under test sees it.
struct Door(Arc<Scheduler>);

impl stepping::Scheduler for Door {
    fn step(&self) {
        self.0.step_at_lock();
    }
    fn wait(&self) {
        self.0.wait();
    }
    fn sleep(&self, time: Duration) {
        self.0.sleep(time);
    }
    fn elapsed(&self) -> Duration {
        self.0.lock().clock
    }
    fn time_of_day(&self) -> Duration {
        self.0.time_of_day()
    }
}

/// The time at which a history begins.
const EPOCH: Duration = Duration::from_secs(1_700_000_000);

impl Scheduler {
    /// Returns a scheduler without threads; `chooser` will step them.
    pub fn new(chooser: Chooser, traced: bool) -> Arc<Self> {
        let tasks = Tasks {
            all: Vec::new(),
            processes: Vec::new(),
            chooser,
            clock: EPOCH,
            steps: 0,
            progress: 0,
            patience: PATIENCE,
            failure: None,
            trace: traced.then(Vec::new),
        };
        Arc::new(Self {
            tasks: Mutex::new(tasks),
            current: AtomicUsize::new(NOBODY),
            main: thread::current(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Tasks> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a new process.
    pub fn new_process(&self) -> Process {
        let mut tasks = self.lock();
        let killed = tasks.failure.is_some();
        tasks.processes.push(Life { killed, stopped: false });
        tasks.processes.len() - 1
    }

    /// Makes the running thread one of `process`.
    pub fn become_process(&self, process: Process) {
        let me = ME.get();
        self.lock().all[me].process = process;
    }

    /// Starts a thread of `process`; it runs when its turn comes.
    pub fn spawn(self: &Arc<Self>, process: Process, run: impl FnOnce() + Send + 'static) -> Task {
        let mut tasks = self.lock();
        let task = tasks.all.len();
        tasks.all.push(Entry { process, status: Status::Ready, thread: None });
        let own = Arc::clone(self);
        let builder = thread::Builder::new().stack_size(1 << 20);
        let spawned = builder.spawn(move || own.run(task, run)).expect("the system gives threads");
        tasks.all[task].thread = Some(spawned.thread().clone());
        task
    }

    fn run(self: Arc<Self>, task: Task, run: impl FnOnce()) {
        ME.set(task);
        stepping::install(Rc::new(Door(Arc::clone(&self))));
        self.take_baton(task);
        self.survive(run);
        stepping::uninstall();
        let mut tasks = self.lock();
        tasks.all[task].status = Status::Done;
        tasks.progress += 1;
        let next = tasks.choose(task, true);
        self.pass(next, tasks);
    }

    /// Runs `run` up to its end or that of its process. Any other panic is a failure.
    pub fn survive(&self, run: impl FnOnce()) {
        let Err(payload) = catch_unwind(AssertUnwindSafe(run)) else { return };
        if payload.is::<Killed>() {
            return;
        }
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        self.fail(format!("it panicked: {}", text.unwrap_or("for no reason")));
    }

    /// Runs all threads to their ends; returns what went wrong, and what they did.
    pub fn finish(&self) -> (Option<String>, Vec<(u64, String)>) {
        let mut tasks = self.lock();
        let first = tasks.choose(NOBODY, true);
        self.pass(first, tasks);
        while self.lock().all.iter().any(|task| !matches!(task.status, Status::Done)) {
            thread::park();
        }
        let mut tasks = self.lock();
        (tasks.failure.take(), tasks.trace.take().unwrap_or_default())
    }

    /// Returns the chooser, with what it learned.
    pub fn chooser(&self) -> Chooser {
        self.lock().chooser.clone()
    }

    fn pass(&self, next: Task, tasks: MutexGuard<'_, Tasks>) {
        let thread = tasks.all.get(next).and_then(|task| task.thread.clone());
        drop(tasks);
        self.current.store(next, Ordering::Release);
        thread.as_ref().unwrap_or(&self.main).unpark();
    }

    fn take_baton(&self, me: Task) {
        while self.current.load(Ordering::Acquire) != me {
            thread::park();
        }
    }

    /// Hands the baton to the thread that the chooser picks.
    fn switch<'a>(&'a self, me: Task, mut tasks: MutexGuard<'a, Tasks>, must: bool) {
        let next = tasks.choose(me, must);
        if next != me {
            self.pass(next, tasks);
            self.take_baton(me);
            tasks = self.lock();
        }
        tasks.all[me].status = Status::Ready;
        let killed = tasks.is_killed(me);
        drop(tasks);
        if killed && !thread::panicking() {
            resume_unwind(Box::new(Killed));
        }
    }

    /// Marks a moment at which another thread may run, or this thread's process may end.
    pub fn step(&self) {
        if !thread::panicking() {
            let mut tasks = self.lock();
            tasks.count_step();
            self.switch(ME.get(), tasks, false);
        }
    }

    /// The same before a lock in memory: there are many, and each hand-over has a price.
    fn step_at_lock(&self) {
        if thread::panicking() {
            return;
        }
        let (me, mut tasks) = (ME.get(), self.lock());
        tasks.count_step();
        if tasks.is_killed(me) || tasks.chooser.stops_at_lock() {
            self.switch(me, tasks, false);
        }
    }

    /// Makes other threads run: this one waits for what one of them holds.
    pub fn wait(&self) {
        let (me, mut tasks) = (ME.get(), self.lock());
        tasks.count_wait();
        let progress = tasks.progress;
        tasks.all[me].status = Status::Waiting(progress);
        self.switch(me, tasks, true);
    }

    /// Lets time pass.
    pub fn sleep(&self, time: Duration) {
        if thread::panicking() {
            return;
        }
        let (me, mut tasks) = (ME.get(), self.lock());
        tasks.count_step();
        let until = tasks.clock + time;
        tasks.all[me].status = Status::Sleeping(until);
        self.switch(me, tasks, true);
    }

    /// Returns the time since the epoch, as results and files have it. It runs faster than the
    /// clock: files note times in milliseconds, and each result has one of its own.
    pub fn time_of_day(&self) -> Duration {
        EPOCH + self.lock().clock.saturating_sub(EPOCH) * 1000
    }

    /// Returns a number that is greater at each call.
    pub fn moment(&self) -> u64 {
        let mut tasks = self.lock();
        tasks.progress += 1;
        tasks.progress
    }

    /// Returns whether `process` was killed.
    pub fn is_killed(&self, process: Process) -> bool {
        self.lock().processes[process].killed
    }

    /// Kills `process` where it is; its threads unwind when their turns come.
    pub fn kill(&self, process: Process) {
        self.lock().processes[process].killed = true;
    }

    /// Kills all processes but one, which survives a power loss.
    pub fn kill_all_but(&self, survivor: Process) {
        let mut tasks = self.lock();
        let all = tasks.processes.iter_mut().enumerate();
        all.filter(|(process, _)| *process != survivor).for_each(|(_, life)| life.killed = true);
    }

    /// Stops `process`, or lets it go on.
    pub fn set_stopped(&self, process: Process, stopped: bool) {
        self.lock().processes[process].stopped = stopped;
    }

    /// Lets all stopped processes go on.
    pub fn let_all_go_on(&self) {
        self.lock().processes.iter_mut().for_each(|life| life.stopped = false);
    }

    /// Returns whether all of `tasks` have ended.
    pub fn are_done(&self, tasks: &[Task]) -> bool {
        let all = self.lock();
        tasks.iter().all(|&task| matches!(all.all[task].status, Status::Done))
    }

    /// Ends the history: something is wrong.
    pub fn fail(&self, why: String) {
        self.lock().fail(why);
    }

    /// Records what the running thread does.
    pub fn note(&self, what: impl FnOnce() -> String) {
        let mut tasks = self.lock();
        if tasks.trace.is_none() {
            return;
        }
        let me = ME.get();
        let process = tasks.all.get(me).map_or(0, |task| task.process);
        let line = format!("p{process}.t{me} {}", what());
        let line = (tasks.progress, line);
        tasks.trace.get_or_insert_default().push(line);
    }
}

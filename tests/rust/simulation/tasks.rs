//! The simulated threads, and which of them runs next.

use std::thread::{self, Thread};
use std::time::Duration;

use super::chooser::Chooser;

/// The number of steps after which a history makes no progress.
const STEPS: u64 = 30_000;
/// How often all threads may wait for each other before that is a failure.
pub const PATIENCE: u32 = 300;
/// No thread: the history has ended.
pub const NOBODY: usize = usize::MAX;

/// A simulated thread.
pub type Task = usize;
/// A simulated process.
pub type Process = usize;

/// The status of a simulated thread.
#[derive(Debug)]
pub enum Status {
    Ready,
    /// It waits for what another thread holds, and has looked in vain at this count of progress.
    Waiting(u64),
    Sleeping(Duration),
    Done,
}

/// A simulated thread, as the scheduler knows it.
#[derive(Debug)]
pub struct Entry {
    pub process: Process,
    pub status: Status,
    pub thread: Option<Thread>,
}

/// Whether a simulated process was killed or stopped.
#[derive(Clone, Copy, Debug, Default)]
pub struct Life {
    pub killed: bool,
    pub stopped: bool,
}

/// All simulated threads.
#[derive(Debug)]
pub struct Tasks {
    pub all: Vec<Entry>,
    pub processes: Vec<Life>,
    pub chooser: Chooser,
    pub clock: Duration,
    pub steps: u64,
    pub progress: u64,
    pub patience: u32,
    pub failure: Option<String>,
    pub trace: Option<Vec<(u64, String)>>,
}

impl Tasks {
    pub fn is_killed(&self, task: Task) -> bool {
        self.processes[self.all[task].process].killed
    }

    pub fn fail(&mut self, why: String) {
        if self.failure.is_none() {
            self.failure = Some(why);
        }
        self.processes.iter_mut().for_each(|life| life.killed = true);
    }

    pub fn count_step(&mut self) {
        self.progress += 1;
        let time = self.chooser.tick();
        self.clock += time;
        self.count_wait();
    }

    /// Counts a step in which nothing happens.
    pub fn count_wait(&mut self) {
        self.steps += 1;
        if self.steps >= STEPS / 2 {
            // A stopped process may hold what others ask for again and again: it goes on.
            self.processes.iter_mut().for_each(|life| life.stopped = false);
        }
        if self.steps >= STEPS {
            self.fail("it makes no progress".to_owned());
        }
    }

    fn is_ready(&self, task: &Entry) -> bool {
        let life = self.processes[task.process];
        match task.status {
            Status::Done => false,
            _ if life.killed => true,
            _ if life.stopped => false,
            Status::Ready => true,
            Status::Waiting(since) => since < self.progress,
            Status::Sleeping(until) => until <= self.clock,
        }
    }

    /// Returns the thread that runs next; with `must`, another one than `me` unless there is none.
    pub fn choose(&mut self, me: Task, must: bool) -> Task {
        loop {
            let ready: Vec<Task> =
                (0..self.all.len()).filter(|&task| self.is_ready(&self.all[task])).collect();
            if !ready.is_empty() {
                return self.chooser.choose(&ready, me, must);
            }
            if self.all.iter().all(|task| matches!(task.status, Status::Done)) {
                return NOBODY;
            }
            self.let_time_pass();
        }
    }

    /// Lets time pass while no thread can run: the next sleeper wakes, or stopped processes go on.
    fn let_time_pass(&mut self) {
        let stopped = |task: &Entry| self.processes[task.process].stopped;
        let sleepers = self.all.iter().filter(|task| !stopped(task));
        let next = sleepers.filter_map(|task| match task.status {
            Status::Sleeping(until) => Some(until),
            _ => None,
        });
        if let Some(until) = next.min() {
            self.clock = self.clock.max(until);
        } else if self.processes.iter().any(|life| life.stopped) {
            self.processes.iter_mut().for_each(|life| life.stopped = false);
        } else if self.patience > 0 {
            // Another history may hold, for a moment, what all histories of this program share.
            self.patience -= 1;
            self.progress += 1;
            thread::sleep(Duration::from_micros(100));
        } else {
            self.fail("everybody waits for somebody else".to_owned());
        }
    }
}

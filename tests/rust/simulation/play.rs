//! Plays a history: its processes, its threads, and what happens to them.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use outlive::store::Durability;

use super::actor::Actor;
use super::chooser::{Chooser, Script};
use super::client::{Client, be_busy};
use super::disk::{Description, Disk};
use super::editor;
use super::history::{Event, History, KEYS, Life, Op};
use super::machine::{Machine, SNAPSHOT, View};
use super::oracle::Oracle;
use super::power::{Fate, Stable};
use super::random::Random;
use super::scheduler::{Process, Scheduler, Task};

/// How a history ended.
#[derive(Debug)]
pub struct Outcome {
    /// What went wrong, if anything did.
    pub fault: Option<String>,
    /// What all threads did up to then, if that was traced.
    pub trace: Vec<String>,
    /// What the chooser learned.
    pub chooser: Chooser,
    /// What was certain, and what was not, when the power was lost where it was to be.
    pub before_cut: Option<Stable>,
}

/// A history under way.
pub struct Play {
    /// The machine on which it runs.
    pub machine: Arc<Machine>,
    /// Judges what is found.
    pub oracle: Oracle,
    /// Decides how long functions take.
    random: Random,
    /// Counts results, so that no two are the same.
    results: AtomicU64,
    /// The number of saves and closes under way: they may write over what an editor does meanwhile.
    pub folds: AtomicUsize,
    /// The number of saves and closes that were begun.
    pub begun: AtomicU64,
    /// Whether files were removed from under a process, or a save was cut off: what is removed may
    /// come back.
    disturbed: AtomicBool,
    /// Whether somebody cleared the cache: journals say so, which an editor does not know.
    pub cleared: AtomicBool,
    /// The files that the parents of processes have open.
    pub parents: Mutex<Vec<(Process, Description)>>,
    /// The living process of each slot.
    living: Mutex<Vec<Option<Process>>>,
    durability: Durability,
    /// Whether nothing happens that the user must be told.
    pub quiet: bool,
}

/// The pause between two looks at threads that are to end.
const PAUSE: Duration = Duration::from_millis(100);

/// How a history is played, apart from what its seed says.
#[derive(Debug, Default)]
pub struct Setting {
    /// Chooses which thread runs next.
    pub chooser: Option<Chooser>,
    /// The operation before which the power is lost; 0: none.
    pub cut: u64,
    /// Decides what reaches the disk then.
    pub fate: Option<Fate>,
}

impl Setting {
    /// Returns a setting with this schedule.
    pub fn scripted(script: Script) -> Self {
        Self { chooser: Some(Chooser::Script(script)), ..Self::default() }
    }
}

/// Plays `history`; with `traced`, records what all threads do.
pub fn play(history: &History, setting: Setting, traced: bool) -> Outcome {
    be_busy();
    let random = Random::new(history.schedule);
    let Setting { chooser, cut, fate } = setting;
    let chooser = chooser.unwrap_or_else(|| Chooser::Random(random.branch(1), history.stay));
    let fate = fate.unwrap_or_else(|| Fate::Random(random.branch(3)));
    let scheduler = Scheduler::new(chooser, traced);
    let mut disk = Disk::new(random.branch(2));
    disk.reuses = !history.synced;
    disk.keyless = history.keyless;
    if history.mounted {
        disk.mount(SNAPSHOT, b"{}\n", 1_600_000_000_000_000_000);
    }
    let machine = Machine::new(disk, fate, Arc::clone(&scheduler));
    machine.cut.store(cut, Ordering::Relaxed);
    let play = Arc::new(Play {
        machine,
        oracle: Oracle::default(),
        random: random.branch(4),
        results: AtomicU64::new(0),
        folds: AtomicUsize::new(0),
        begun: AtomicU64::new(0),
        disturbed: AtomicBool::new(false),
        cleared: AtomicBool::new(false),
        parents: Mutex::default(),
        living: Mutex::new(vec![None; history.slots.len()]),
        durability: if history.synced { Durability::Fsync } else { Durability::Flush },
        quiet: history.is_quiet(),
    });
    let (director, history) = (Arc::clone(&play), history.clone());
    let process = scheduler.new_process();
    scheduler.spawn(process, move || director.direct(history));
    let (failure, trace) = scheduler.finish();
    let failure = failure.map(|failure| (u64::MAX, failure)).or_else(|| play.oracle.fault());
    let (end, fault) = failure.unzip();
    let until = |moment: u64| end.is_none_or(|end| moment <= end);
    let trace = trace.into_iter().filter(|line| until(line.0)).map(|line| line.1).collect();
    let before_cut = play.machine.before_cut.lock().unwrap_or_else(PoisonError::into_inner).take();
    Outcome { fault, trace, chooser: scheduler.chooser(), before_cut }
}

/// Returns the name of a key.
pub fn key(number: usize) -> String {
    format!("k{number}")
}

/// Returns the name of a key that only an editor writes.
pub fn edited(number: usize) -> String {
    format!("e{number}")
}

/// Returns the names of all keys.
pub fn all_keys() -> Vec<String> {
    (0..KEYS).map(key).chain((0..2).map(edited)).collect()
}

impl Play {
    /// Starts all slots, lets the events happen, waits for the end and checks it.
    fn direct(self: Arc<Self>, history: History) {
        let scheduler = &self.machine.scheduler;
        let mut tasks = Vec::new();
        for (number, lives) in history.slots.into_iter().enumerate() {
            let play = Arc::clone(&self);
            let process = scheduler.new_process();
            tasks.push(scheduler.spawn(process, move || play.live_all(number, lives)));
        }
        for (steps, event) in history.events {
            (0..steps).for_each(|_| scheduler.step());
            scheduler.note(|| format!("EVENT {event:?}"));
            self.befall(event);
        }
        scheduler.let_all_go_on();
        self.join(&tasks);
        self.machine.disk().folder = true;
        self.machine.disk().faults = super::fault::Faults::default();
        self.look_at_the_end();
    }

    /// Waits until `tasks` have ended.
    pub fn join(&self, tasks: &[Task]) {
        while !self.machine.scheduler.are_done(tasks) {
            self.machine.scheduler.sleep(PAUSE);
        }
    }

    fn live_all(self: &Arc<Self>, slot: usize, lives: Vec<Life>) {
        for life in lives {
            let actor = self.new_process();
            let process = actor.view.process;
            self.machine.scheduler.become_process(process);
            self.set_living(slot, Some(process));
            let workers = Mutex::new(Vec::new());
            self.machine.scheduler.survive(|| actor.live(&life, &workers));
            // What unwinds a process that was killed must not unwind its successor.
            self.machine.scheduler.become_process(0);
            self.set_living(slot, None);
            let workers = workers.into_inner().unwrap_or_else(PoisonError::into_inner);
            self.join(&workers);
            self.machine.scheduler.kill(process);
            self.end_parents(process);
            self.oracle.ended(process, self.machine.scheduler.moment());
        }
    }

    /// Ends the parents of `process`.
    pub fn end_parents(&self, process: Process) {
        let mut parents = self.parents.lock().unwrap_or_else(PoisonError::into_inner);
        let own = parents.extract_if(.., |(child, _)| *child == process);
        own.for_each(|(_, file)| self.machine.disk().close(file));
    }

    fn set_living(&self, slot: usize, process: Option<Process>) {
        self.living.lock().unwrap_or_else(PoisonError::into_inner)[slot] = process;
    }

    fn living(&self, slot: usize) -> Option<Process> {
        self.living.lock().unwrap_or_else(PoisonError::into_inner)[slot]
    }

    fn new_process(self: &Arc<Self>) -> Actor {
        let process = self.machine.scheduler.new_process();
        let view = View { machine: Arc::clone(&self.machine), process };
        let client = Client::open(view.clone(), self.durability);
        Actor { play: Arc::clone(self), view, client, closes: Arc::default() }
    }

    fn befall(self: &Arc<Self>, event: Event) {
        let scheduler = &self.machine.scheduler;
        let living = |slot: usize| self.living(slot);
        match event {
            Event::Kill(slot) => {
                // Between a snapshot and the note of it in a journal, its deletion looks like a
                // save that never got so far: the journals count.
                if self.folds.load(Ordering::Relaxed) > 0 {
                    self.disturbed.store(true, Ordering::Relaxed);
                }
                if let Some(it) = living(slot) {
                    scheduler.kill(it);
                }
            }
            Event::Stop(slot) => {
                if let Some(it) = living(slot) {
                    scheduler.set_stopped(it, true);
                }
            }
            Event::Continue(slot) => {
                if let Some(it) = living(slot) {
                    scheduler.set_stopped(it, false);
                }
            }
            Event::Full(on) => self.machine.disk().faults.full = on,
            Event::Broken(on) => self.machine.disk().faults.broken = if on { 6 } else { 0 },
            Event::Unreadable(on) => {
                self.machine.disk().faults.unreadable = if on { 20 } else { 0 }
            }
            Event::Busy(on) => self.machine.disk().faults.busy = if on { 2 } else { 0 },
            Event::Replace(number) => editor::edit(self, number, true),
            Event::Rewrite(number) => editor::edit(self, number, false),
            // Without a file nothing is deleted.
            Event::Delete if self.machine.disk().find(SNAPSHOT).is_err() => {}
            Event::Delete => {
                // The journals do not know of a file that an editor made and nobody has read.
                if !self.is_known() {
                    self.disturbed.store(true, Ordering::Relaxed);
                }
                self.remove(|disk| drop(disk.unlink(SNAPSHOT)));
            }
            Event::Sweep => self.remove(|disk| disk.sweep_away(false)),
            Event::Folder(false) => self.remove(|disk| disk.sweep_away(true)),
            Event::Folder(true) => self.machine.disk().folder = true,
            Event::PowerLoss => self.machine.lose_power(),
            Event::Observe => self.observe(),
        }
    }

    /// Returns whether a journal names the snapshot, if there are journals and a snapshot.
    fn is_known(&self) -> bool {
        let disk = self.machine.disk();
        let Ok(number) = disk.find(SNAPSHOT) else { return true };
        // The number of the device changes each time the machine starts.
        let name = &disk.status(number).fingerprint.to_bytes()[8..];
        let is_journal = |name: &str| name.contains(".journal-");
        let journals = disk.names.iter().filter(|(name, _)| is_journal(name));
        let mut journals = journals.map(|(_, number)| &disk.files[number].bytes).peekable();
        let names = |bytes: &Vec<u8>| bytes.windows(name.len()).any(|window| window == name);
        journals.peek().is_none() || journals.any(names)
    }

    /// Removes files. A living process may have results that were in them, and writes them again.
    fn remove(&self, remove: impl FnOnce(&mut Disk)) {
        remove(&mut self.machine.disk());
        let living = self.living.lock().unwrap_or_else(PoisonError::into_inner);
        if living.iter().any(Option::is_some) {
            self.disturbed.store(true, Ordering::Relaxed);
        }
        let for_good = !self.disturbed.load(Ordering::Relaxed);
        self.oracle.removed(&all_keys(), self.machine.scheduler.moment(), for_good);
    }

    /// Looks at every key, in a new process.
    fn observe(self: &Arc<Self>) {
        let actor = self.new_process();
        for key in all_keys() {
            actor.look(&key);
        }
    }

    /// Checks the end: everything must be there, and nothing but the snapshot once somebody closes.
    fn look_at_the_end(self: &Arc<Self>) {
        self.observe();
        let actor = self.new_process();
        for key in all_keys() {
            actor.look(&key);
        }
        actor.run(Op::Refresh(0));
        actor.run(Op::Close);
        self.observe();
        let left = |disk: &Disk| disk.names.iter().map(|(name, _)| name.clone()).collect();
        let left: Vec<String> = left(&self.machine.disk());
        // A process that dies before it writes to its new lock file leaves an empty one. That
        // stays, since other programs leave such files, too.
        let is_empty_lock = |name: &str| {
            name == "c.json.lock" && self.machine.disk().read(name).is_some_and(|it| it.is_empty())
        };
        let beside = |name: &&String| {
            *name != SNAPSHOT && !name.contains(".damaged-") && !is_empty_lock(name)
        };
        if let Some(name) = left.iter().find(beside).filter(|_| !actor.is_dead()) {
            self.machine.scheduler.fail(format!("LEFT BEHIND: {name}"));
        }
    }

    /// Returns a new result.
    pub fn result(&self, key: &str) -> String {
        format!("\"{key}#{}\"", self.results.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns how many steps the function of the latest result takes: often none.
    pub fn steps_of_a_function(&self) -> usize {
        self.random.branch(self.results.load(Ordering::Relaxed)).below(4) * 10
    }

    /// Returns whether nothing can undo an edit, as no save is under way and nobody has cleared in
    /// a journal, and how many saves were begun so far.
    pub fn leaves_edits_alone(&self) -> (bool, u64) {
        let saves = self.folds.load(Ordering::Relaxed) > 0;
        let cleared = self.cleared.load(Ordering::Relaxed);
        (!saves && !cleared, self.begun.load(Ordering::Relaxed))
    }
}

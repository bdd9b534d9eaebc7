//! A process of a history: what its threads do, and what they promise.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use outlive::cache::Locks;

use super::client::{Client, Found, Right};
use super::history::{End, KEYS, Life, Op};
use super::machine::View;
use super::oracle::{Read, Value};
use super::play::{Play, all_keys, key};
use super::scheduler::Task;

/// One process of a history.
#[derive(Clone)]
pub struct Actor {
    /// The history it is part of.
    pub play: Arc<Play>,
    /// The disk as it sees it.
    pub view: View,
    /// Its cache.
    pub client: Client,
    /// How often it has begun to close its cache, and how often it has finished that.
    pub closes: Arc<[AtomicU64; 2]>,
}

impl Actor {
    /// Runs `life`, and adds its other threads to `workers`.
    pub fn live(&self, life: &Life, workers: &Mutex<Vec<Task>>) {
        let (first, others) = life.threads.split_first().expect("there is one");
        for ops in others {
            let (actor, ops) = (self.clone(), ops.clone());
            let run = move || ops.into_iter().for_each(|op| actor.run(op));
            let task = self.play.machine.scheduler.spawn(self.view.process, run);
            workers.lock().unwrap_or_else(PoisonError::into_inner).push(task);
        }
        for &op in first {
            self.run(op);
        }
        let workers = workers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.play.join(&workers);
        if life.end == End::Close {
            self.run(Op::Close);
        }
        self.hear();
    }

    /// Fails the history if the user is told anything although there was no trouble.
    fn hear(&self) {
        let told = self.client.notices();
        if let Some(first) = told.first().filter(|_| self.play.quiet) {
            self.play.machine.scheduler.fail(format!("TOLD: {first}"));
        }
    }

    /// Runs one operation.
    pub fn run(&self, op: Op) {
        self.play.machine.scheduler.note(|| format!("{op:?}"));
        match op {
            Op::Call(number) => self.call(&key(number), Locks::AtOnce),
            Op::Stream(number) => self.call(&key(number), Locks::AtTheEnd),
            Op::Refresh(number) => self.refresh(&key(number)),
            Op::Give(number) => self.give(&key(number)),
            Op::Hit(number) => drop(self.hit(&key(number))),
            Op::Look(number) => self.look(&key(number)),
            Op::Forget(number) => self.delete(&[key(number)], || self.client.forget(&key(number))),
            Op::ForgetWhere => self.forget_where(),
            Op::Clear => self.clear(),
            Op::Fork(lingers) => self.fork(lingers),
            Op::CloseAll => self.play.machine.disk().close_all(self.view.process),
            Op::Save => self.save(|| self.client.save()),
            Op::Close => self.close(),
        }
    }

    /// Clears the cache. An edit that this process has not looked at yet may stay.
    fn clear(&self) {
        self.play.cleared.store(true, Ordering::Relaxed);
        let (own, edited) =
            all_keys().into_iter().partition::<Vec<_>, _>(|key| key.starts_with('k'));
        self.play.oracle.begin(&edited, &None, self.view.process, self.moment());
        self.delete(&own, || self.client.clear());
    }

    /// Goes on as the child. The parent does nothing more, but has its files open until it ends.
    fn fork(&self, lingers: bool) {
        let files = self.play.machine.disk().fork(self.view.process);
        let files = files.into_iter().map(|file| (self.view.process, file));
        self.play.parents.lock().unwrap_or_else(PoisonError::into_inner).extend(files);
        self.client.after_fork();
        if !lingers {
            self.play.end_parents(self.view.process);
        }
    }

    fn moment(&self) -> u64 {
        self.play.machine.scheduler.moment()
    }

    /// Returns whether it was killed.
    pub fn is_dead(&self) -> bool {
        self.play.machine.scheduler.is_killed(self.view.process)
    }

    /// Returns whether it could not read something, and goes on with what it knows.
    fn is_blind(&self) -> bool {
        self.play.machine.disk().blind.contains(&self.view.process)
    }

    /// Returns the number of faults that this process has met; a missing folder is one each time.
    fn struck(&self) -> u64 {
        let mut disk = self.play.machine.disk();
        let missing = u64::from(!disk.folder);
        let struck = disk.struck.entry(self.view.process).or_default();
        *struck += missing;
        *struck
    }

    fn found(&self, key: &str, value: Value, start: u64) {
        self.found_by(key, value, start, true);
    }

    /// Notes what was found; with `sees`, announcements were taken into account.
    fn found_by(&self, key: &str, value: Value, start: u64, sees: bool) {
        self.play.machine.scheduler.note(|| format!("  {key} is {value:?}"));
        let (key, process, end) = (key.to_owned(), self.view.process, self.moment());
        // What is found proves nothing if the process could not read or is dead.
        if self.is_blind() || self.is_dead() {
            return;
        }
        self.play.oracle.found(Read { key, value, process, start, end, sees });
    }

    /// Looks at a key.
    pub fn look(&self, key: &str) {
        let start = self.moment();
        self.found(key, self.client.look(key), start);
    }

    fn call(&self, key: &str, locks: Locks) {
        if self.hit(key) {
            return;
        }
        let (start, ended) = (self.moment(), self.ended_closes());
        match self.client.lead(key, false, locks) {
            Err(text) => self.found(key, Some(text), start),
            Ok(right) => self.compute(right, key, (start, ended)),
        }
    }

    /// Calls without computing; returns whether there was a result. To find none proves nothing:
    /// first results are not announced.
    fn hit(&self, key: &str) -> bool {
        let start = self.moment();
        let Found { text, sees } = self.client.hit(key);
        let is_hit = text.is_some();
        if is_hit {
            // Nobody sees an announcement that the disk did not take.
            let sees = sees && self.play.machine.disk().is_heard();
            self.found_by(key, text, start, sees);
        }
        is_hit
    }

    fn refresh(&self, key: &str) {
        let asked = (self.moment(), self.ended_closes());
        match self.client.lead(key, true, Locks::AtOnce) {
            Err(_) => unreachable!("a refresh takes no result for an answer"),
            Ok(right) => self.compute(right, key, asked),
        }
    }

    fn ended_closes(&self) -> u64 {
        self.closes[1].load(Ordering::Relaxed)
    }

    /// Runs the user's function, which takes some steps, and commits its result. The key was asked for
    /// at the moment `asked`, when so many closes had `ended`.
    fn compute(&self, right: Right, key: &str, (asked, ended): (u64, u64)) {
        let (text, begun, scheduler) =
            (self.play.result(key), self.moment(), &self.play.machine.scheduler);
        scheduler.note(|| format!("  {key} is being computed: {text}"));
        (0..self.play.steps_of_a_function()).for_each(|_| scheduler.step());
        let (keys, start) = ([key.to_owned()], self.moment());
        // A process that meets a fault may compute unknown to others, and not know of them.
        let from = Some(begun).filter(|_| self.struck() == 0);
        let (value, process) = (Some(text.clone()), self.view.process);
        self.play.oracle.begin_computed(&keys, &value, process, start, (begun, from));
        let (counts, promised) = self.client.commit(right, key, &text);
        if ended != self.closes[0].load(Ordering::Relaxed) || self.struck() > 0 {
            // A process that closes does not learn what others purge, nor do they know of it; what
            // no disk took is written again when one does.
            self.play.oracle.forgive(start);
        }
        let promised = promised && !self.is_dead();
        if counts {
            self.play.oracle.end(start, self.moment(), promised);
        } else {
            let certain = self.play.machine.disk().struck.values().all(|&struck| struck == 0);
            self.play.oracle.dropped(start, self.moment(), certain.then_some(asked));
        }
        scheduler.note(|| format!("  {key} got {text}, promised: {promised}, counts: {counts}"));
    }

    fn close(&self) {
        self.closes[0].fetch_add(1, Ordering::Relaxed);
        self.save(|| self.client.close());
        self.closes[1].fetch_add(1, Ordering::Relaxed);
    }

    fn give(&self, key: &str) {
        let (text, start) = (self.play.result(key), self.moment());
        let keys = [key.to_owned()];
        self.play.oracle.begin(&keys, &Some(text.clone()), self.view.process, start);
        let promised = self.client.put(key, &text) && !self.is_dead();
        self.end_purge(start, promised);
        self.play.machine.scheduler.note(|| format!("  {key} is given {text}: {promised}"));
    }

    /// Forgets all keys that editors do not write, by a pattern.
    fn forget_where(&self) {
        let keys: Vec<_> = (0..KEYS).map(key).collect();
        self.delete(&keys, || self.client.forget_where("k*", &keys));
    }

    /// Deletes `keys`; the deletion counts as promised if nothing goes wrong.
    fn delete(&self, keys: &[String], delete: impl FnOnce()) {
        let (start, struck) = (self.moment(), self.struck());
        let behind = self.play.oracle.is_behind(self.view.process);
        self.play.oracle.begin(keys, &None, self.view.process, start);
        delete();
        let promised = struck == self.struck() && !behind && !self.is_dead();
        self.end_purge(start, promised);
    }

    /// Notes the end of a purge. It need not outdate computations if this process has met a fault:
    /// others may learn of it too late.
    fn end_purge(&self, start: u64, promised: bool) {
        if self.struck() > 0 {
            self.play.oracle.forgive(start);
        }
        self.play.oracle.end(start, self.moment(), promised);
    }

    fn save(&self, save: impl FnOnce() -> bool) {
        let (start, struck) = (self.moment(), self.struck());
        let fold = Folding::begin(&self.play);
        let worked = save();
        drop(fold);
        let worked = worked && struck == self.struck() && !self.is_blind() && !self.is_dead();
        self.play.machine.scheduler.note(|| format!("  worked: {worked}"));
        if worked {
            self.play.oracle.saved(self.view.process, start, self.moment());
        }
    }
}

/// Counts a save while it lasts.
struct Folding<'a>(&'a Play);

impl<'a> Folding<'a> {
    fn begin(play: &'a Play) -> Self {
        play.folds.fetch_add(1, Ordering::Relaxed);
        play.begun.fetch_add(1, Ordering::Relaxed);
        Self(play)
    }
}

impl Drop for Folding<'_> {
    fn drop(&mut self) {
        self.0.folds.fetch_sub(1, Ordering::Relaxed);
    }
}

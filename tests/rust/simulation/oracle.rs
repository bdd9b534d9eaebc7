//! The oracle: what was returned, what was deleted, and what may therefore be found.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::scheduler::Process;

/// The result of a key; `None` if it has none.
pub type Value = Option<String>;

/// A step in the history of a key: it had this value from some moment on.
#[derive(Clone, Debug)]
pub struct Write {
    /// The value of the key from then on.
    pub value: Value,
    /// The process that wrote.
    pub process: Process,
    /// When the computation of this result began.
    pub begun: Option<u64>,
    /// The same, if later purges certainly outdate it.
    pub from: Option<u64>,
    /// Whether it outdates what was begun before: it forgets the key, or puts a result.
    pub purges: bool,
    /// When the write began.
    pub start: u64,
    /// When the writer went on; from then on its own process must see it.
    pub returned: u64,
    /// When it was on the disk, if it is promised; until when it may still get there, if it is not.
    pub end: u64,
    /// Whether it is promised to all processes.
    pub strong: bool,
    /// When it was asked for, if it came to nothing, and only a write since then can be why.
    pub outdated: Option<u64>,
}

/// What a process found.
#[derive(Clone, Debug)]
pub struct Read {
    /// The key.
    pub key: String,
    /// What was there.
    pub value: Value,
    /// The process that looked.
    pub process: Process,
    /// When the look began.
    pub start: u64,
    /// When the look ended.
    pub end: u64,
    /// Whether it takes announcements of other processes into account.
    pub sees: bool,
}

/// Everything that happened.
#[derive(Debug, Default)]
struct Log {
    writes: BTreeMap<String, Vec<Write>>,
    reads: Vec<Read>,
    ended: BTreeSet<Process>,
    /// When files were first removed from under a process.
    first_disturbed: Option<u64>,
    /// When files were last removed from under a process.
    disturbed: u64,
}

/// Keeps the log, and judges what was found by it.
#[derive(Debug, Default)]
pub struct Oracle(Mutex<Log>);

impl Oracle {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that `keys` are about to be written: until more is known, it may happen or not.
    pub fn begin(&self, keys: &[String], value: &Value, process: Process, start: u64) {
        self.note(keys, value, process, start, (None, None));
    }

    /// The same for a result whose computation began at `begun`; purges after `from` outdate it.
    pub fn begin_computed(
        &self,
        keys: &[String],
        value: &Value,
        process: Process,
        start: u64,
        (begun, from): (u64, Option<u64>),
    ) {
        self.note(keys, value, process, start, (Some(begun), from));
    }

    fn note(
        &self,
        keys: &[String],
        value: &Value,
        process: Process,
        start: u64,
        (begun, from): (Option<u64>, Option<u64>),
    ) {
        let (returned, end, strong) = (u64::MAX, u64::MAX, false);
        let (value, purges) = (value.clone(), begun.is_none());
        let outdated = None;
        let write =
            Write { value, process, begun, from, purges, start, returned, end, strong, outdated };
        let mut log = self.log();
        for key in keys {
            log.writes.entry(key.clone()).or_default().push(write.clone());
        }
    }

    /// Notes how the write begun at `start` ended: promised to all, or known to its process alone.
    /// What was under way when files were removed may come again, after newer writes of others.
    pub fn end(&self, start: u64, end: u64, strong: bool) {
        let mut log = self.log();
        let strong = strong && log.disturbed < start;
        for write in log.writes.values_mut().flatten().filter(|write| write.start == start) {
            (write.returned, write.strong) = (end, strong);
            write.end = if strong { end } else { u64::MAX };
        }
    }

    /// Notes that the write begun at `start` came to nothing, because it was outdated. Only a write
    /// since it was `asked` for can be why, if that is given.
    pub fn dropped(&self, start: u64, end: u64, asked: Option<u64>) {
        for write in self.log().writes.values_mut().flatten().filter(|it| it.start == start) {
            (write.end, write.outdated) = (end, asked);
        }
    }

    /// Notes that the write begun at `start` need not outdate others, nor be outdated by them.
    pub fn forgive(&self, start: u64) {
        for write in self.log().writes.values_mut().flatten().filter(|it| it.start == start) {
            (write.from, write.purges) = (None, false);
        }
    }

    /// Returns whether `process` knows something that no disk has taken yet: what it does now has
    /// to wait for that.
    pub fn is_behind(&self, process: Process) -> bool {
        let waits = |write: &Write| write.process == process && write.end == u64::MAX;
        self.log().writes.values().flatten().any(waits)
    }

    /// Notes that a save of `process` that began at `start` succeeded: what it knew by then is
    /// promised now.
    pub fn saved(&self, process: Process, start: u64, end: u64) {
        for writes in self.log().writes.values_mut() {
            let all = writes.clone();
            let is_promised = |write: &&mut Write| {
                let known = write.process == process && write.returned < start;
                // What waited for a disk goes with a purge of others, even an unpromised one.
                known && !write.strong && !all.iter().any(|other| other.may_outdate(write))
            };
            for write in writes.iter_mut().filter(is_promised) {
                (write.strong, write.end) = (true, end);
            }
        }
    }

    /// Notes that the values of `keys` were removed with their files: for good if no living process
    /// may know them.
    pub fn removed(&self, keys: &[String], moment: u64, for_good: bool) {
        let (start, returned, strong) = (moment, moment, for_good);
        let end = if for_good { moment } else { u64::MAX };
        let (value, begun, from, process) = (None, None, None, usize::MAX);
        let (purges, outdated) = (false, None);
        let write =
            Write { value, process, begun, from, purges, start, returned, end, strong, outdated };
        let mut log = self.log();
        // A living process writes its own results again, perhaps after newer ones of others.
        if !for_good {
            log.first_disturbed.get_or_insert(moment);
            log.disturbed = moment;
            let Log { writes, ended, .. } = &mut *log;
            let lives = |write: &&mut Write| !ended.contains(&write.process);
            for write in writes.values_mut().flatten().filter(lives) {
                (write.end, write.strong) = (u64::MAX, false);
            }
        }
        for key in keys {
            log.writes.entry(key.clone()).or_default().push(write.clone());
        }
    }

    /// Notes that somebody made a removed file again: what was removed with it may come back.
    pub fn revived(&self) {
        let taken = |write: &&mut Write| write.process == usize::MAX && write.value.is_none();
        for write in self.log().writes.values_mut().flatten().filter(taken) {
            (write.end, write.strong) = (u64::MAX, false);
        }
    }

    /// Notes that `process` has ended: what it has not written by now is never written.
    pub fn ended(&self, process: Process, moment: u64) {
        let mut log = self.log();
        log.ended.insert(process);
        for write in log.writes.values_mut().flatten() {
            if write.process == process && write.end == u64::MAX {
                write.end = moment;
            }
        }
    }

    /// Notes what a process found.
    pub fn found(&self, read: Read) {
        self.log().reads.push(read);
    }

    /// Returns the first result that was dropped for no reason, or else the first look that found
    /// what may not be, or missed what must be, and its end.
    pub fn fault(&self) -> Option<(u64, String)> {
        let log = self.log();
        let all: Vec<_> = log.writes.values().flatten().collect();
        let dropped = log.writes.values().find_map(|writes| {
            let lost = writes.iter().find(|write| write.is_lost(writes, &all))?;
            Some((lost.end, format!("DROPPED: {lost:?}\n{}", list(writes))))
        });
        dropped.filter(|_| log.first_disturbed.is_none()).or_else(|| log.fault_of_look())
    }
}

impl Log {
    /// Returns the same of looks alone.
    fn fault_of_look(&self) -> Option<(u64, String)> {
        self.reads.iter().find_map(|read| {
            let nothing = Vec::new();
            let writes = self.writes.get(&read.key).unwrap_or(&nothing);
            let is_allowed = is_allowed(read, writes) || self.is_disturbed(read, writes);
            (!is_allowed).then(|| (read.end, describe(read, writes)))
        })
    }

    /// Returns whether files had been removed from under processes, which may then have started
    /// again independently: nobody knows whose result is newer. Still, none may be lost.
    fn is_disturbed(&self, read: &Read, writes: &[Write]) -> bool {
        let value = read.value.is_some() && writes.iter().any(|it| it.value == read.value);
        value && self.first_disturbed.is_some_and(|first| first < read.end)
    }
}

/// Returns whether the value may be found: it was written before, and nothing certainly came after.
/// A process that was there when files were removed may have missed what was in them.
fn is_allowed(read: &Read, writes: &[Write]) -> bool {
    let removals = writes.iter().filter(|write| write.is_removal() && write.start < read.start);
    let known = removals.map(|removal| removal.start).max().unwrap_or_default();
    let seen = |write: &&Write| write.seen_by(read) < read.start && write.start >= known;
    if read.value.is_none() && !writes.iter().any(|write| seen(&write)) {
        return true;
    }
    writes.iter().any(|write| {
        let over = |later: &Write| later.follows(write) && seen(&later);
        write.value == read.value && write.start < read.end && !writes.iter().any(over)
    })
}

impl Write {
    /// Returns whether somebody outside removed the value from under a process.
    fn is_removal(&self) -> bool {
        self.process == usize::MAX && self.value.is_none() && !self.strong
    }

    /// Returns whether it came to nothing although there was no write of its key meanwhile, and no
    /// purge of another one. A process that misses the end of a generation knows what that purged,
    /// but not in which order: a purge there makes an older one look new.
    fn is_lost(&self, own: &[Self], all: &[&Self]) -> bool {
        let Some(asked) = self.outdated else { return false };
        let meanwhile = |other: &Self| {
            other.start != self.start && other.start < self.end && other.end >= asked
        };
        let was_purged = own.iter().any(|other| other.purges && other.start < asked);
        let looks_new = was_purged && all.iter().any(|it| it.purges && meanwhile(it));
        !looks_new && !own.iter().any(meanwhile)
    }

    /// Returns the moment from which on the reader must see it.
    fn seen_by(&self, read: &Read) -> u64 {
        match (self.process == read.process, self.strong) {
            (true, _) => self.returned,
            (false, true) if read.sees => self.end,
            (false, _) => u64::MAX,
        }
    }

    /// Returns whether it certainly came after `other`, or outdates the computation of that.
    fn follows(&self, other: &Self) -> bool {
        let known = if self.process == other.process { other.returned } else { other.end };
        self.start > known || self.outdates(other)
    }

    /// Returns whether it certainly outdates the computation of `other`, as a purge made meanwhile.
    fn outdates(&self, other: &Self) -> bool {
        // If no disk took it at once, others learn of it too late.
        let outright = self.strong && self.end == self.returned;
        self.purges
            && self.is_ours()
            && outright
            && other.from.is_some_and(|from| self.start > from)
    }

    /// Returns whether it may be another process's purge, which outdates the work on `other`.
    fn may_outdate(&self, other: &Self) -> bool {
        let asked = self.begun.is_none() && self.is_ours() && self.process != other.process;
        // What waited for a disk was written later than it was made, and counts as that late.
        asked && other.begun.is_some_and(|begun| self.end > begun)
    }

    /// Returns whether a process of ours wrote it.
    fn is_ours(&self) -> bool {
        self.process != usize::MAX
    }
}

fn describe(read: &Read, writes: &[Write]) -> String {
    let what = if read.value.is_none() { "LOST" } else { "WRONG" };
    format!("{what}: {read:?}\n  {} was written:\n{}", read.key, list(writes))
}

fn list(writes: &[Write]) -> String {
    let list: Vec<String> = writes.iter().map(|write| format!("    {write:?}")).collect();
    list.join("\n")
}

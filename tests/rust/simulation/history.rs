//! What a seed stands for: which processes run one after another and side by side, what their
//! threads do, and what happens to them.

use super::random::Random;

/// An operation of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Calls: a hit, or a result that is computed and kept.
    Call(usize),
    /// Calls, without waiting for a process that computes the key: it is locked at the end.
    Stream(usize),
    /// Computes and keeps a result, whatever was there.
    Refresh(usize),
    /// Puts a given result.
    Give(usize),
    /// Calls without computing: a hit table may answer.
    Hit(usize),
    /// Looks at a key, without computing.
    Look(usize),
    /// Forgets a key.
    Forget(usize),
    /// Forgets all keys that match a pattern.
    ForgetWhere,
    /// Clears the cache.
    Clear,
    /// Saves.
    Save,
    /// Closes; the next operation opens again.
    Close,
    /// Forks: the child goes on, and the parent does nothing more; whether that lives as long as
    /// the child.
    Fork(bool),
    /// Closes all descriptors, as a daemon does.
    CloseAll,
}

/// How a process ends that nobody kills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It closes its cache, as every program does at its end.
    Close,
    /// `os._exit`.
    Exit,
}

/// A process: its threads, and how it ends.
#[derive(Clone, Debug)]
pub struct Life {
    /// The operations of each thread.
    pub threads: Vec<Vec<Op>>,
    /// How it ends.
    pub end: End,
}

/// Something that happens to the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The process in this slot is killed.
    Kill(usize),
    /// The process in this slot is stopped.
    Stop(usize),
    /// The process in this slot goes on.
    Continue(usize),
    /// The disk is full, or has room again.
    Full(bool),
    /// Writes, renames and removals fail now and then, or no more.
    Broken(bool),
    /// Looks fail now and then, or no more.
    Unreadable(bool),
    /// Renames and removals fail now and then, or no more.
    Busy(bool),
    /// An editor changes an entry and puts the file in place by a rename.
    Replace(usize),
    /// An editor changes an entry and writes the file in place.
    Rewrite(usize),
    /// The power is lost and comes back.
    PowerLoss,
    /// The user deletes the cache's file.
    Delete,
    /// Somebody removes all files in the folder.
    Sweep,
    /// Somebody removes the folder, or makes it again.
    Folder(bool),
    /// A new process looks at every key.
    Observe,
}

impl Event {
    /// Returns the slot of the process that it happens to, if it is one's.
    pub fn slot(self) -> Option<usize> {
        match self {
            Self::Kill(slot) | Self::Stop(slot) | Self::Continue(slot) => Some(slot),
            _ => None,
        }
    }
}

/// Everything that a seed stands for.
#[derive(Clone, Debug)]
pub struct History {
    /// For each slot, the processes that run in it one after another.
    pub slots: Vec<Vec<Life>>,
    /// What happens to them, and after how many steps.
    pub events: Vec<(usize, Event)>,
    /// How seldom another thread runs: once in this many steps.
    pub stay: usize,
    /// The seed of the schedule and of the faults.
    pub schedule: u64,
    /// Whether every result is synced, so that it survives a power loss.
    pub synced: bool,
    /// Whether the cache's file is a mount point.
    pub mounted: bool,
    /// Whether keys cannot be locked.
    pub keyless: bool,
}

/// The number of keys.
pub const KEYS: usize = 4;

/// The kinds of trouble that a history may have.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a kind of its own")]
pub struct Troubles {
    /// Several processes use the file at the same time.
    pub processes: bool,
    /// Processes have several threads.
    pub threads: bool,
    /// Processes fork.
    pub forks: bool,
    /// Processes are killed, or exit without closing.
    pub kills: bool,
    /// Processes are stopped for a while.
    pub stops: bool,
    /// The disk is full now and then.
    pub full: bool,
    /// Operations fail.
    pub broken: bool,
    /// Reads fail.
    pub unreadable: bool,
    /// Names are busy.
    pub busy: bool,
    /// An editor is at work.
    pub edits: bool,
    /// The power is lost, and every result is synced.
    pub power: bool,
    /// Files or the whole folder are removed.
    pub removals: bool,
    /// The cache's file is a mount point: nothing can be renamed over it.
    pub mounted: bool,
    /// Processes close all descriptors.
    pub daemons: bool,
    /// Some calls lock their keys at the end only.
    pub streams: bool,
    /// Keys cannot be locked, as on macOS.
    pub keyless: bool,
}

impl History {
    /// Returns whether nothing happens that the user must be told.
    pub fn is_quiet(&self) -> bool {
        let looks = self.events.iter().all(|(_, event)| *event == Event::Observe);
        looks && self.slots.iter().flatten().all(|life| life.end == End::Close)
    }

    /// Returns the history of `seed`, with `troubles` at most.
    pub fn new(seed: u64, troubles: Troubles) -> Self {
        let random = &mut Random::new(seed);
        let troubles = troubles.some(random);
        let slots = (0..=random.below(3)).map(|_| slot(random, troubles)).collect::<Vec<_>>();
        let mut slots = if troubles.processes { slots } else { vec![slots.concat()] };
        if troubles.streams {
            let threads = slots.iter_mut().flatten().flat_map(|life| &mut life.threads);
            threads.flatten().for_each(Op::becomes_stream);
        }
        let kinds = troubles.events(slots.len());
        let count = if kinds.is_empty() { 0 } else { random.below(7) };
        let events = (0..count).map(|_| (random.below(80), random.pick(&kinds))).collect();
        Self {
            slots,
            events,
            stay: random.pick(&[2, 4, 8, 16, 50]),
            schedule: random.next(),
            synced: troubles.power,
            mounted: troubles.mounted,
            keyless: troubles.keyless,
        }
    }
}

impl Op {
    /// Makes a stream of a call of some keys.
    fn becomes_stream(&mut self) {
        if let Self::Call(key @ 0..2) = *self {
            *self = Self::Stream(key);
        }
    }
}

fn slot(random: &mut Random, troubles: Troubles) -> Vec<Life> {
    (0..=random.below(3)).map(|_| life(random, troubles)).collect()
}

fn life(random: &mut Random, troubles: Troubles) -> Life {
    let threads = (0..random.pick(&[1, 1, 2, 3])).map(|_| thread(random)).collect::<Vec<_>>();
    let mut threads = if troubles.threads { threads } else { vec![threads.concat()] };
    // With several threads, nobody can save a descriptor that another one is about to use.
    if let [only] = &mut threads[..] {
        if troubles.forks {
            only.insert(random.below(only.len() + 1), Op::Fork(random.once_in(2)));
        }
        if troubles.daemons {
            only.insert(random.below(only.len() + 1), Op::CloseAll);
        }
    }
    let exits = troubles.kills && random.once_in(4);
    Life { threads, end: if exits { End::Exit } else { End::Close } }
}

fn thread(random: &mut Random) -> Vec<Op> {
    (0..=random.below(6)).map(|_| op(random)).collect()
}

fn op(random: &mut Random) -> Op {
    let key = random.below(KEYS);
    match random.below(40) {
        0..12 => Op::Call(key),
        12..18 => Op::Hit(key),
        18..20 => Op::Refresh(key),
        20..23 => Op::Give(key),
        23..27 => Op::Forget(key),
        27 => Op::ForgetWhere,
        28 => Op::Clear,
        29 => Op::Look(key),
        30..35 => Op::Save,
        _ => Op::Close,
    }
}

impl Troubles {
    /// All kinds: the file store must bear every one.
    pub const ALL: Self = Self {
        processes: true,
        threads: true,
        forks: true,
        kills: true,
        stops: true,
        full: true,
        broken: true,
        unreadable: true,
        busy: true,
        edits: true,
        power: true,
        removals: true,
        mounted: true,
        daemons: true,
        streams: true,
        keyless: true,
    };

    /// Returns these kinds without those that came later than the seeds that failed once.
    pub fn of_old(self) -> Self {
        Self { streams: false, keyless: false, ..self }
    }

    /// Returns the kinds in `names`, separated by commas; `all` stands for all of them.
    pub fn named(names: &str) -> Self {
        let has = |name: &str| names.split(',').any(|known| known == name || known == "all");
        Self {
            processes: has("processes"),
            threads: has("threads"),
            forks: has("forks"),
            kills: has("kills"),
            stops: has("stops"),
            full: has("full"),
            broken: has("broken"),
            unreadable: has("unreadable"),
            busy: has("busy"),
            edits: has("edits"),
            power: has("power"),
            removals: has("removals"),
            mounted: has("mounted"),
            daemons: has("daemons"),
            streams: has("streams"),
            keyless: has("keyless"),
        }
    }

    /// Returns some of these kinds: a history with few of them goes deeper into each.
    fn some(self, random: &mut Random) -> Self {
        // A stream of its own: what came later changes nothing of the other kinds.
        let mut later = random.branch(7);
        let mut keep_later = |wanted: bool| later.once_in(3) && wanted;
        let mut keep = |wanted: bool| random.once_in(3) && wanted;
        let power = keep(self.power);
        let mounted = keep(self.mounted && !power);
        // What was appended in the millisecond after the folder went is appended again, which fails
        // if nothing can be written any more.
        let removals = self.removals && !power && !mounted;
        let (forks, kills, stops) = (keep(self.forks), keep(self.kills), keep(self.stops));
        let (full, broken) = (keep(self.full), keep(self.broken));
        Self {
            processes: self.processes,
            threads: self.threads,
            forks,
            kills,
            stops,
            full,
            broken,
            unreadable: keep(self.unreadable),
            busy: keep(self.busy),
            edits: keep(self.edits && !power),
            power,
            removals: keep(removals) && !full && !broken,
            mounted,
            daemons: keep(self.daemons),
            streams: keep_later(self.streams),
            keyless: keep_later(self.keyless),
        }
    }

    fn events(self, slots: usize) -> Vec<Event> {
        let mut events = vec![Event::Observe];
        let mut add = |wanted: bool, more: &[Event]| {
            if wanted {
                events.extend_from_slice(more);
            }
        };
        for slot in 0..slots {
            add(self.kills, &[Event::Kill(slot)]);
            add(self.stops, &[Event::Stop(slot), Event::Continue(slot)]);
        }
        add(self.full, &[Event::Full(true), Event::Full(true), Event::Full(false)]);
        add(self.broken, &[Event::Broken(true), Event::Broken(false)]);
        add(self.unreadable, &[Event::Unreadable(true), Event::Unreadable(false)]);
        add(self.busy, &[Event::Busy(true), Event::Busy(false)]);
        add(self.power, &[Event::PowerLoss, Event::PowerLoss]);
        add(self.removals, &[Event::Delete, Event::Sweep]);
        add(self.removals, &[Event::Folder(false), Event::Folder(true)]);
        add(self.edits, &[Event::Replace(0), Event::Replace(1), Event::Rewrite(0)]);
        events
    }
}

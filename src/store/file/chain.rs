//! The chain of journals: all generations, in order, and what they say together.

use std::io::{self, ErrorKind};

use super::trust;
use crate::store::fs::FileFingerprint;
use crate::store::journal::{Dropped, Folded, Journal, Look, Tail};
use crate::store::{Change, Purge};

/// One generation, open and read.
#[derive(Debug)]
pub struct Generation {
    /// Where more is appended, or was.
    pub journal: Journal,
    /// What it says.
    pub tail: Tail,
}

/// All generations in order.
#[derive(Debug, Default)]
pub struct Chain {
    /// The numbers in the folder, strangers' files included.
    listed: Vec<u64>,
    generations: Vec<Generation>,
}

/// What a chain says.
#[derive(Debug, Default)]
pub struct History {
    /// The changes that count, in order.
    pub changes: Vec<Change>,
    /// What was purged.
    purges: Vec<Purge>,
    /// The generation to go on with: the first that nothing ended.
    pub current: Option<Current>,
    /// How many changes, and how many bytes, the generations before it hold.
    pub older: (u64, u64),
    /// The last generation before it.
    pub finished: Option<u64>,
    /// The last checkpoint that was announced.
    pub folded: Option<Folded>,
    /// The snapshot that was in its place when that was last written down.
    base: Option<FileFingerprint>,
    /// Whether it began when there was no snapshot.
    begins: bool,
    /// What could not be read.
    pub dropped: Vec<Dropped>,
}

/// The generation that is being written to.
#[derive(Debug)]
pub struct Current {
    /// The open file.
    pub journal: Journal,
    /// How many changes it holds.
    pub changes: u64,
}

impl Generation {
    /// Reads an open journal.
    pub fn read(mut journal: Journal) -> io::Result<Self> {
        let tail = match journal.look()? {
            Look::New(tail) => tail,
            Look::Same => Tail::default(),
            Look::Gone => return Err(ErrorKind::NotFound.into()),
        };
        if tail.changes.is_empty() && journal.holds_text()? {
            return Err(trust::no_journal());
        }
        Ok(Self { journal, tail })
    }

    /// Whether it goes on, as far as it was read, and somebody has written there since.
    pub fn has_grown(&self) -> bool {
        !self.tail.sealed && !self.tail.later && !self.journal.is_quiet()
    }

    /// Whether nothing more is to be written there. If it has no seal but `next` is in use, its seal
    /// is damaged, or whoever came could not write there.
    fn is_ended(&self, next: Option<&Self>) -> bool {
        let is_passed = next.is_some_and(|next| next.journal.bytes() > 0);
        self.tail.sealed || self.tail.later || is_passed
    }
}

impl Chain {
    /// A chain of `generations`, in order, of those whose numbers are `listed`.
    pub fn new(listed: Vec<u64>, generations: Vec<Generation>) -> Self {
        Self { listed, generations }
    }

    /// The number of the last generation.
    pub fn last(&self) -> Option<u64> {
        self.generations.last().map(|generation| generation.journal.generation)
    }

    /// Whether the snapshot that was found is known; that there is none is nothing to know.
    pub fn accounts_for(&self, found: Option<FileFingerprint>) -> bool {
        found.is_none_or(|snapshot| self.knows(snapshot))
    }

    /// Whether one of them has this number.
    pub fn holds(&self, number: u64) -> bool {
        self.generations.iter().any(|it| it.journal.generation == number)
    }

    /// Whether a folder that holds the generations `found` still holds these, and no more.
    pub fn is_still(&self, found: &[u64]) -> bool {
        found == self.listed && self.generations.iter().all(|it| it.journal.is_still_named())
    }

    /// Whether nobody has written in one of them since.
    pub fn is_quiet(&self) -> bool {
        self.generations.iter().all(|it| it.journal.is_quiet())
    }

    /// Whether a snapshot stood there when somebody wrote in one of them.
    pub fn knew_snapshot(&self) -> bool {
        self.generations.iter().any(|generation| generation.tail.base.is_some())
    }

    /// Whether a later version wrote in one of them.
    pub fn is_later(&self) -> bool {
        self.generations.iter().any(|generation| generation.tail.later)
    }

    /// Whether `snapshot` comes from a checkpoint of this chain, or is what it began with.
    pub fn knows(&self, snapshot: FileFingerprint) -> bool {
        self.generations.iter().any(|Generation { tail, .. }| {
            tail.base == Some(snapshot) || tail.folded.iter().any(|it| it.snapshot == snapshot)
        })
    }

    /// Leaves out the generations that `snapshot` holds already.
    pub fn without_folded(mut self, snapshot: Option<FileFingerprint>) -> Self {
        let holds = |Generation { tail, .. }: &Generation| {
            tail.folded.iter().any(|folded| Some(folded.snapshot) == snapshot)
        };
        let first = self.generations.iter().rposition(holds).unwrap_or_default();
        self.generations.drain(..first);
        self
    }

    /// What the generations say together.
    pub fn history(self) -> History {
        let mut history = History::default();
        let mut generations = self.generations.into_iter().peekable();
        while let Some(generation) = generations.next() {
            let ended = generation.is_ended(generations.peek());
            history.add(generation, ended);
        }
        history
    }
}

impl History {
    /// Whether the user deleted the cache, given the snapshot that stands there and the one that was
    /// known before: then nothing of this counts.
    pub fn is_void(
        &self,
        snapshot: Option<FileFingerprint>,
        known: Option<FileFingerprint>,
    ) -> bool {
        snapshot.is_none() && (self.base.is_some() || known.is_some() && !self.begins)
    }

    /// What was purged, for the cache.
    pub fn take_purges(&mut self) -> Vec<Purge> {
        std::mem::take(&mut self.purges)
    }

    fn add(&mut self, generation: Generation, ended: bool) {
        let Generation { journal, mut tail } = generation;
        self.purges.append(&mut tail.purges);
        if tail.begins || tail.void {
            self.changes.clear();
            (self.older, self.base, self.folded) = ((0, 0), None, None);
            self.begins = true;
        }
        self.dropped.extend(journal.dropped(&tail));
        let counted = if tail.void { Vec::new() } else { tail.changes };
        let changes = counted.len() as u64;
        self.changes.extend(counted);
        self.folded = tail.folded.last().copied().or(self.folded);
        self.base = if tail.void { None } else { tail.base.or(self.base) };
        if self.current.is_some() {
            return;
        }
        if ended {
            self.finished = Some(journal.generation);
            self.older = (self.older.0 + changes, self.older.1 + journal.bytes());
        } else {
            self.current = Some(Current { journal, changes });
        }
    }
}

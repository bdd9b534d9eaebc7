//! The chain of journals: all generations in order, and what they say together.

use std::cmp::Ordering;
use std::io::{self, ErrorKind};

use super::purged::KNOWN;
use super::trust;
use crate::store::fs::FileFingerprint;
use crate::store::journal::{Dropped, Folded, Journal, Look, Purged, Tail};
use crate::store::{Affected, Change, KeyStripes, Missed, Purge};

/// One generation that was opened and read.
#[derive(Debug)]
pub struct Generation {
    /// The open file, to which more may be appended.
    pub journal: Journal,
    /// What was read.
    pub tail: Tail,
}

/// All generations in order.
#[derive(Debug, Default)]
pub struct Chain {
    /// The numbers of all journals in the folder, files of other programs included.
    listed: Vec<u64>,
    generations: Vec<Generation>,
    /// Where the purges begin that are news, if this process has read any.
    unheard: Option<Position>,
    /// What was purged in those that were left out, as far as it is news.
    purges: Vec<Purge>,
}

/// A byte of a generation.
#[derive(Clone, Copy, Debug)]
pub struct Position {
    /// The number of the generation.
    pub generation: u64,
    /// The byte.
    pub byte: u64,
}

/// What a chain says.
#[derive(Debug, Default)]
pub struct History {
    /// The changes that count, in order.
    pub changes: Vec<Change>,
    /// What was purged, as far as it is news.
    purges: Vec<Purge>,
    /// What generations purged.
    purged: Vec<Purged>,
    /// The generation to go on with: the first that was not ended.
    pub current: Option<Current>,
    /// How many changes and how many bytes the generations before it hold.
    pub older: (u64, u64),
    /// The number of the last generation before it.
    pub finished: Option<u64>,
    /// The last checkpoint that was announced.
    pub folded: Option<Folded>,
    /// The snapshot that was in place when one was last recorded.
    base: Option<FileFingerprint>,
    /// Whether the chain began without a snapshot.
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

    /// Returns whether it was not ended, as far as it was read, and has grown since.
    pub fn has_grown(&self) -> bool {
        !self.tail.sealed && !self.tail.later && !self.journal.is_quiet()
    }

    /// Returns the purges from `position` on; all if there is none.
    fn purges_since(&self, position: Option<Position>) -> impl Iterator<Item = Purge> {
        let number = self.journal.generation;
        let from = position.map_or(0, |it| match number.cmp(&it.generation) {
            Ordering::Less => u64::MAX,
            Ordering::Equal => it.byte,
            Ordering::Greater => 0,
        });
        self.journal.purges_since(from).cloned()
    }

    /// Returns whether nothing more is to be appended to it. Without a seal it has ended if `next`
    /// is in use: the seal is damaged, or could not be written.
    fn is_ended(&self, next: Option<&Self>) -> bool {
        let is_passed = next.is_some_and(|next| next.journal.bytes() > 0);
        self.tail.sealed || self.tail.later || is_passed
    }
}

impl Chain {
    /// Makes a chain of `generations`, in order; `listed` has the numbers of all files.
    pub fn new(listed: Vec<u64>, generations: Vec<Generation>) -> Self {
        Self { listed, generations, unheard: None, purges: Vec::new() }
    }

    /// Takes what is purged before `position` for known: told again, it would outdate what was begun
    /// since.
    pub fn heard_up_to(self, position: Option<Position>) -> Self {
        Self { unheard: position, ..self }
    }

    /// The number of the first generation.
    pub fn first(&self) -> Option<u64> {
        self.generations.first().map(|generation| generation.journal.generation)
    }

    /// The number of the last generation.
    pub fn last(&self) -> Option<u64> {
        self.generations.last().map(|generation| generation.journal.generation)
    }

    /// Returns whether the snapshot that was found is known. A missing snapshot needs no account.
    pub fn accounts_for(&self, found: Option<FileFingerprint>) -> bool {
        found.is_none_or(|snapshot| self.knows(snapshot))
    }

    /// Returns whether one of the generations has this number.
    pub fn holds(&self, number: u64) -> bool {
        self.generations.iter().any(|it| it.journal.generation == number)
    }

    /// Returns what was purged from `position` on in generations that are not in this chain any more.
    pub fn missed_since(&self, position: Option<Position>) -> Missed {
        let ends = position.zip(self.first().zip(self.last()));
        let gone = match ends.map(|(position, ends)| (position.generation, ends)) {
            Some((next, (first, last))) if first <= next && next <= last + 1 => 0..0,
            Some((next, (first, _))) if next < first && first - next < KNOWN => next..first,
            _ => 0..u64::MAX,
        };
        let is_read = |it: &Purged| {
            position.is_some_and(|read| it.generation == read.generation && it.last < read.byte)
        };
        let mut told = KeyStripes::default();
        let all = self.generations.iter().flat_map(|it| &it.tail.purged);
        for purged in all.filter(|it| gone.contains(&it.generation) && !is_read(it)) {
            told.add(Affected::Stripes(purged.stripes));
        }
        Missed { told, is_unknown: gone.end == u64::MAX }
    }

    /// Returns whether `found`, the numbers in the folder now, are the ones that were listed.
    pub fn is_still(&self, found: &[u64]) -> bool {
        found == self.listed && self.generations.iter().all(|it| it.journal.is_still_named())
    }

    /// Returns whether no generation has grown since it was read.
    pub fn is_quiet(&self) -> bool {
        self.generations.iter().all(|it| it.journal.is_quiet())
    }

    /// Returns whether one of them records that there was a snapshot.
    pub fn knew_snapshot(&self) -> bool {
        self.generations.iter().any(|generation| generation.tail.base.is_some())
    }

    /// Returns whether a later version wrote to one of them.
    pub fn is_later(&self) -> bool {
        self.generations.iter().any(|generation| generation.tail.later)
    }

    /// Returns whether `snapshot` comes from a checkpoint of this chain, or is what it began with.
    pub fn knows(&self, snapshot: FileFingerprint) -> bool {
        self.generations.iter().any(|Generation { tail, .. }| {
            tail.base == Some(snapshot) || tail.folded.iter().any(|it| it.snapshot == snapshot)
        })
    }

    /// Removes the generations that `snapshot` holds already. Their purges are kept: a snapshot says
    /// nothing of what was being computed meanwhile.
    pub fn without_folded(mut self, snapshot: Option<FileFingerprint>) -> Self {
        let holds = |Generation { tail, .. }: &Generation| {
            tail.folded.iter().any(|folded| Some(folded.snapshot) == snapshot)
        };
        let first = self.generations.iter().rposition(holds).unwrap_or_default();
        let (folded, unheard) = (self.generations.drain(..first), self.unheard);
        for generation in folded {
            self.purges.extend(generation.purges_since(unheard));
        }
        self
    }

    /// Returns what the generations say together.
    pub fn history(self) -> History {
        let mut history = History { purges: self.purges, ..History::default() };
        let mut generations = self.generations.into_iter().peekable();
        while let Some(generation) = generations.next() {
            let ended = generation.is_ended(generations.peek());
            history.purges.extend(generation.purges_since(self.unheard));
            history.add(generation, ended);
        }
        history
    }
}

impl History {
    /// Returns whether the user deleted the cache, judged by the snapshot in place and the one
    /// known before: then nothing of this history counts.
    pub fn is_void(
        &self,
        snapshot: Option<FileFingerprint>,
        known: Option<FileFingerprint>,
    ) -> bool {
        snapshot.is_none() && (self.base.is_some() || known.is_some() && !self.begins)
    }

    /// Takes the purges, for the cache.
    pub fn take_purges(&mut self) -> Vec<Purge> {
        std::mem::take(&mut self.purges)
    }

    /// Returns what generations purged.
    pub fn purged(&self) -> &[Purged] {
        &self.purged
    }

    fn add(&mut self, generation: Generation, ended: bool) {
        let Generation { journal, tail } = generation;
        self.purged.extend(&tail.purged);
        self.purged.extend(journal.purged());
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

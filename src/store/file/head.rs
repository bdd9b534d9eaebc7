//! The head of the chain: the journal that is appended to, and where it stands.

use std::io::{self, ErrorKind};

use super::Durability;
use super::chain::Position;
use super::generations::Generations;
use crate::error::Result;
use crate::store::journal::{Journal, Record, Tail};
use crate::sync::Arc;

/// The generation to append to, if there is one, and the last one before it.
#[derive(Debug)]
pub struct Head {
    generations: Arc<Generations>,
    durability: Durability,
    journal: Option<Journal>,
    /// The generation whose name is certain to survive a loss of power.
    named: Option<u64>,
    /// The last generation that was ended and read.
    finished: Option<u64>,
}

impl Head {
    /// The head before anything was read.
    pub fn new(generations: Arc<Generations>, durability: Durability) -> Self {
        Self { generations, durability, journal: None, named: None, finished: None }
    }

    /// All journals of the cache.
    pub fn generations(&self) -> &Generations {
        &self.generations
    }

    /// The generation to append to.
    pub fn journal(&self) -> Option<&Journal> {
        self.journal.as_ref()
    }

    /// The generation to append to.
    pub fn journal_mut(&mut self) -> Option<&mut Journal> {
        self.journal.as_mut()
    }

    /// The last generation that was ended and read.
    pub fn finished(&self) -> Option<u64> {
        self.finished
    }

    /// The number behind that.
    pub fn next(&self) -> u64 {
        self.finished.map_or(0, |finished| finished + 1)
    }

    /// The size of the generation to append to, as far as it was read.
    pub fn bytes(&self) -> u64 {
        self.journal.as_ref().map_or(0, Journal::bytes)
    }

    /// Returns whether there is a generation that may be written.
    pub fn is_writable(&self) -> bool {
        self.journal.as_ref().is_some_and(|journal| journal.writable)
    }

    /// Returns whether there is a generation, to which nobody appended.
    pub fn is_quiet(&self) -> bool {
        self.journal.as_ref().is_some_and(Journal::is_quiet)
    }

    /// Returns whether there is a generation that had a name at the last look.
    pub fn is_named(&self) -> bool {
        self.journal.as_ref().is_some_and(|journal| journal.is_named)
    }

    /// Returns whether the open journal is not the one at its path, although it was not ended.
    pub fn is_moved(&self) -> bool {
        let fs = &*self.generations.folder().fs;
        // NOTE: the journal is looked at again after its path: it may have been folded meanwhile.
        self.journal.as_ref().is_some_and(|it| !it.is_in_place(fs) && it.is_quiet())
    }

    /// Returns the generation in which unknown changes begin.
    pub fn expected(&self) -> Option<u64> {
        let current = self.journal.as_ref().map(|journal| journal.generation);
        current.or_else(|| self.finished.map(|_| self.next()))
    }

    /// Returns where everything begins that this process has not read, if it has read anything.
    pub fn unheard(&self) -> Option<Position> {
        let at =
            |journal: &Journal| Position { generation: journal.generation, byte: journal.bytes() };
        let next = |_| Position { generation: self.next(), byte: 0 };
        self.journal.as_ref().map(at).or_else(|| self.finished.map(next))
    }

    /// Goes on with `journal`.
    pub fn set(&mut self, journal: Option<Journal>) {
        self.journal = journal;
    }

    /// Goes on with `journal` behind `finished`.
    pub fn adopt(&mut self, finished: Option<u64>, journal: Option<Journal>) {
        self.finished = finished.or(self.finished);
        self.journal = journal;
    }

    /// Gives up the generations up to `last`.
    pub fn give_up(&mut self, last: Option<u64>) {
        self.finished = last.max(self.finished);
        self.journal = None;
    }

    /// Counts the generation as ended and read; returns how many bytes it has, if there is one.
    pub fn finish(&mut self) -> Option<u64> {
        let journal = self.journal.take()?;
        self.finished = Some(journal.generation);
        Some(journal.bytes())
    }

    /// Goes on with the generation behind the last one that was ended.
    pub fn open_next(&mut self) -> io::Result<()> {
        self.journal = Some(self.generations.open_ours(self.next())?);
        Ok(())
    }

    /// Begins a chain with the record `first`.
    pub fn begin(&mut self, first: &Record) -> io::Result<()> {
        self.journal = Some(self.generations.begin(first, self.finished)?);
        Ok(())
    }

    /// Makes the generation behind `last`, which is sealed then.
    pub fn make_next(&self, last: u64) -> Result<Journal> {
        let next = self.generations.make(last + 1)?;
        if self.durability == Durability::Fsync {
            // If a loss of power removed the successor of a sealed journal, the chain would end
            // there.
            self.generations.folder().sync()?;
        }
        Ok(next)
    }

    /// Makes the next generation, behind one that was not passed on.
    pub fn pass_on(&mut self) -> Result<()> {
        let mut next = self.generations.make(self.next())?;
        let passed = self.generations.append(&mut next, &Record::Passing);
        passed.map_err(self.generations.wrong())?;
        self.journal = Some(next);
        Ok(())
    }

    /// Seals the generation; returns what others had appended before. `None` if there is none.
    pub fn seal(&mut self) -> Option<io::Result<Tail>> {
        let journal = self.journal.as_mut()?;
        Some(self.generations.append(journal, &Record::Seal { void: false }))
    }

    /// Opens the journal again after the program closed its descriptor, or this process closed it
    /// while idle. Returns `false` if it was removed.
    pub fn reopen(&mut self) -> io::Result<bool> {
        let Some(journal) = &mut self.journal else { return Ok(true) };
        match journal.reopen(&*self.generations.folder().fs) {
            Ok(reopened) => *journal = reopened,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    /// Returns the head for the child of a fork, with a handle of its own; without a journal, and
    /// `false`, if it cannot be opened again.
    pub fn child(&mut self, generations: Arc<Generations>) -> (Self, bool) {
        let journal = self.journal.take();
        let fs = &*self.generations.folder().fs;
        let reopened = journal.as_ref().map(|journal| journal.reopen(fs)).transpose();
        let is_open = reopened.is_ok();
        let mut child = Self::new(generations, self.durability);
        child.finished = self.finished;
        child.journal = reopened.ok().flatten();
        (child, is_open)
    }

    /// With `Fsync`, makes what was appended survive a loss of power.
    pub fn sync(&self) -> io::Result<()> {
        match (&self.journal, self.durability) {
            (Some(journal), Durability::Fsync) => journal.sync(),
            _ => Ok(()),
        }
    }

    /// With `Fsync`, makes the name of the generation survive a loss of power: the process that made
    /// it may have died before it could, or have failed.
    pub fn sync_name(&mut self) -> Result<()> {
        let current = self.journal.as_ref().map(|journal| journal.generation);
        if self.durability == Durability::Fsync && self.named != current {
            self.generations.folder().sync()?;
            self.named = current;
        }
        Ok(())
    }

    /// With `Fsync`, makes what was found in the journal survive a loss of power: a process that
    /// finds a key forgotten does not forget it again, although the one that did may not have
    /// synced.
    pub fn sync_found(&mut self) -> Result<()> {
        if self.durability == Durability::Flush || self.journal.is_none() {
            return Ok(());
        }
        self.sync_name()?;
        self.sync().map_err(self.generations.wrong())
    }
}

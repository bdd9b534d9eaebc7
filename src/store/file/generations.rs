//! The generations of a cache's journal: found, read, made, ended, removed.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};

use super::Durability;
use super::chain::{Chain, Generation};
use super::folder::Folder;
use super::paths::{Sibling, micros};
use super::trust;
use crate::error::{Error, Result};
use crate::store::journal::{Journal, Record, Tail, encode};
use crate::sync::{Arc, Mutex, rank};

/// How often the folder is read again while others save; beyond that it is no save that disturbs.
const LOOKS: u32 = 1000;

/// How many numbers are tried for a new generation: another program's file may have one.
const NUMBERS: u64 = 8;

/// The journals of one cache. Deciding which of them count is left to `Chain`.
#[derive(Debug)]
pub struct Generations {
    folder: Arc<Folder>,
    durability: Durability,
    /// The numbers of other programs' files that have names like journals.
    strangers: Mutex<BTreeSet<u64>, { rank::LEAF }>,
}

impl Generations {
    /// The journals in `folder`. Does no I/O.
    pub fn new(folder: Arc<Folder>, durability: Durability) -> Self {
        Self { folder, durability, strangers: Mutex::default() }
    }

    /// The folder that holds them.
    pub fn folder(&self) -> &Arc<Folder> {
        &self.folder
    }

    /// Returns the numbers of the journals in the folder, in order.
    pub fn list(&self) -> io::Result<Vec<u64>> {
        let names = match self.folder.names() {
            Err(error) if is_absent(&error) => Vec::new(),
            names => names?,
        };
        let siblings = names.iter().filter_map(|name| self.folder.paths().sibling(name));
        let mut generations: Vec<u64> = siblings
            .filter_map(|sibling| match sibling {
                Sibling::Journal(generation) => Some(generation),
                Sibling::Temporary | Sibling::Damaged => None,
            })
            .collect();
        generations.sort_unstable();
        // Of a file with our name and one with another spelling of it, where those are two.
        generations.dedup();
        Ok(generations)
    }

    /// Opens an existing generation.
    pub fn open(&self, generation: u64) -> io::Result<Journal> {
        let path = self.folder.paths().journal(generation);
        let handle = self.folder.fs.open_append(&path);
        let (handle, writable) = match handle {
            // A file that may not be written can still be read.
            Err(error) if is_denied(&error) => (self.folder.fs.open_read(&path)?, false),
            handle => (handle?, true),
        };
        trust::check(&handle.status()?, self.folder.like().as_ref(), self.folder.fs.user())?;
        Journal::new(handle, path, generation, self.folder.charset, writable)
    }

    /// Opens an existing generation that was not read when the folder was: another program may have
    /// made a file of this name since.
    pub fn open_ours(&self, generation: u64) -> io::Result<Journal> {
        let journal = self.open(generation)?;
        if journal.holds_text()? {
            Generation::read(self.open(generation)?)?; // it may be ours, and damaged
        }
        Ok(journal)
    }

    /// Makes a generation, or opens the one that a failed save left.
    fn make_exactly(&self, generation: u64) -> io::Result<Journal> {
        let path = self.folder.paths().journal(generation);
        match self.folder.fs.create_new(&path, self.folder.journal_like().as_ref()) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => self.open_ours(generation),
            handle => Journal::new(handle?, path, generation, self.folder.charset, true),
        }
    }

    /// Opens and reads all generations. If one disappears meanwhile, a save removed it, and all are
    /// read again; likewise if one was read before its last records came and the next one after it
    /// was in use.
    pub fn read_all(&self) -> io::Result<Chain> {
        let mut left = LOOKS;
        loop {
            left -= 1;
            let numbers = self.list()?;
            let opened = numbers.iter().filter_map(|&number| self.read(number));
            match opened.collect::<io::Result<Vec<Generation>>>() {
                Err(error) if error.kind() == ErrorKind::NotFound && left > 0 => {}
                Ok(read) if left > 0 && is_passed_too_early(&read) => {}
                generations => return Ok(Chain::new(numbers, generations?)),
            }
        }
    }

    /// Opens one generation and reads it; `None` if it is another program's.
    fn read(&self, number: u64) -> Option<io::Result<Generation>> {
        match self.open(number).and_then(Generation::read) {
            Err(error) if trust::is_stranger(&error) => {
                self.pass_by(number, &error);
                None
            }
            read => Some(read),
        }
    }

    /// Makes a generation with this number, or a higher one if another program's file has it.
    pub fn make(&self, number: u64) -> Result<Journal> {
        let mut made = self.make_exactly(number);
        for next in number + 1..number + NUMBERS {
            if made.as_ref().is_ok_and(|journal| journal.writable) {
                break;
            }
            made = made.or_else(|error| {
                if trust::is_stranger(&error) { self.make_exactly(next) } else { Err(error) }
            });
        }
        made.map_err(self.wrong())
    }

    /// Makes the first journal of a chain, with a number above `finished`. It appears together with
    /// its `first` record, which says what the chain begins with: everything else is appended
    /// behind that.
    pub fn begin(&self, first: &Record, finished: Option<u64>) -> io::Result<Journal> {
        let (folder, paths) = (&*self.folder, self.folder.paths());
        let taken = self.list()?.last().map_or(0, |last| last + 1);
        let number = finished.map_or(0, |finished| finished + 1).max(taken).max(micros());
        let temporary = paths.temporary();
        let handle = folder.fs.create_new(&temporary, folder.journal_like().as_ref())?;
        let journal = Journal::new(handle, paths.journal(number), number, folder.charset, true);
        let placed = journal.and_then(|mut journal| {
            self.append(&mut journal, first)?;
            folder.fs.rename(&temporary, &journal.path)?;
            Ok(journal)
        });
        if placed.is_err() {
            drop(folder.fs.remove(&temporary));
        }
        placed
    }

    /// Appends a record to a journal, whatever it says. Returns what others had appended before it.
    pub fn append(&self, journal: &mut Journal, record: &Record) -> io::Result<Tail> {
        journal.buffer.clear();
        encode(&mut journal.buffer, record, self.folder.charset)?;
        let before = journal.append()?.map(|tail| *tail).unwrap_or_default();
        if self.durability == Durability::Fsync {
            journal.sync()?;
        }
        Ok(before)
    }

    /// Seals all generations of a cache that the user deleted, so that a process about to append
    /// there looks for another.
    pub fn end_all(&self) -> Result<()> {
        let wrong = self.wrong();
        for number in self.list().map_err(&wrong)? {
            let Ok(mut journal) = self.open_ours(number) else { continue };
            if journal.writable {
                self.append(&mut journal, &Record::Seal { void: true }).map_err(&wrong)?;
            }
        }
        Ok(())
    }

    /// Removes generations up to `last`, oldest first, and stops at the first that cannot be
    /// removed: those behind it say that it counts no more, and must stay.
    pub fn remove_to(&self, last: u64) -> io::Result<()> {
        for generation in self.list()?.into_iter().filter(|number| *number <= last) {
            if self.is_strangers(generation) {
                continue;
            }
            self.folder.remove(&self.folder.paths().journal(generation))?;
        }
        Ok(())
    }

    /// Returns whether a generation is another program's file, which may be there since a moment ago.
    fn is_strangers(&self, number: u64) -> bool {
        if self.strangers.lock().contains(&number) {
            return true;
        }
        match self.open_ours(number) {
            Err(error) if trust::is_stranger(&error) => self.pass_by(number, &error),
            _ => return false,
        }
        true
    }

    /// Notes and tells that a file with the name of a generation is another program's.
    fn pass_by(&self, number: u64, why: &io::Error) {
        self.strangers.lock().insert(number);
        self.folder.tell_stranger(&self.folder.paths().journal(number), why);
    }

    /// Returns a function that makes an error of the cache of one met while writing a journal.
    pub fn wrong(&self) -> impl Fn(io::Error) -> Error {
        self.folder.journal_error("write the journal of")
    }
}

/// Returns whether a generation that has grown since would be taken for ended, as the next one is
/// in use.
fn is_passed_too_early(generations: &[Generation]) -> bool {
    let mut pairs = generations.windows(2);
    pairs.any(|pair| pair[1].journal.bytes() > 0 && pair[0].has_grown())
}

fn is_denied(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
}

/// Returns whether the error says that there is no folder.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

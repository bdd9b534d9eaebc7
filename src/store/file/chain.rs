//! Reading: the whole chain of journals, and what others appended since.

use std::io::{self, ErrorKind};

use super::Inner;
use super::names::Kind;
use super::state::State;
use crate::error::Result;
use crate::store::fs::FileFingerprint;
use crate::store::journal::{Journal, Look, Tail};
use crate::store::{Change, Loaded, News};

/// All generations, open, in order, each with what it says.
type Chain = Vec<(Journal, Tail)>;

/// How often the folder is read while others fold; more often, and it is no fold that disturbs.
const LOOKS: u32 = 1000;

impl Inner {
    /// Reads everything and starts from there.
    pub fn load(&self, state: &mut State) -> Loaded {
        // The journals first: what a fold takes out of them meanwhile is in the snapshot then.
        let mut chain = self.open_chain().unwrap_or_else(|error| {
            self.tell_unread(&Self::error("read the journal of", &self.names().snapshot, error));
            Chain::new()
        });
        state.broken = None;
        state.lost = false;
        state.pending.clear();
        let found = self.read_snapshot(state);
        state.snapshot = found.fingerprint;
        let foreign = found.fingerprint.is_some() && !forget_folded(&mut chain, found.fingerprint);
        let changes = self.adopt(state, chain);
        Loaded {
            items: found.items.after(changes),
            modified: found.fingerprint.map(FileFingerprint::time),
            foreign,
        }
    }

    /// Takes in what others appended; trouble is told, not returned.
    pub fn catch_up_or_tell(&self, state: &mut State) {
        if let Err(error) = self.catch_up(state) {
            self.tell_unread(&Self::error("read the journal of", &self.names().snapshot, error));
        }
    }

    /// Takes in what others appended, through as many generations as there are.
    pub fn catch_up(&self, state: &mut State) -> io::Result<()> {
        if state.broken.is_some() {
            return Ok(());
        }
        if state.lost {
            state.pending = vec![News::Replaced(self.load(state))];
            return Ok(());
        }
        if state.announced.is_some() {
            state.settle(self.fingerprint());
        }
        let Some(journal) = &mut state.journal else { return self.look_around(state) };
        match journal.look()? {
            Look::Same => Ok(()),
            Look::New(tail) => self.take_in(state, tail),
            Look::Gone => {
                self.start_over(state);
                Ok(())
            }
        }
    }

    /// Looks whether somebody has begun to write, or has been here and gone.
    fn look_around(&self, state: &mut State) -> io::Result<()> {
        if self.fs.status(&self.names().lock).is_ok() {
            return self.rejoin(state);
        }
        if self.fingerprint() != state.snapshot {
            state.pending = vec![News::Replaced(self.load(state))];
        }
        Ok(())
    }

    /// Adds what the current generation says to the news, and goes on to the next if it is sealed.
    pub fn take_in(&self, state: &mut State, tail: Tail) -> io::Result<()> {
        let sealed = tail.sealed;
        self.take_in_one(state, tail);
        if sealed { self.follow(state) } else { Ok(()) }
    }

    /// Adds what the current generation says to the news.
    pub fn take_in_one(&self, state: &mut State, tail: Tail) {
        if let Some(journal) = state.journal.as_ref().filter(|_| tail.dropped > 0) {
            self.tell_dropped(&journal.path, tail.dropped, tail.changes.len());
        }
        if let Some(fingerprint) = tail.folded {
            state.announce(fingerprint);
            state.settle(self.fingerprint());
        }
        state.changes += tail.changes.len() as u64;
        state.pending.extend(tail.changes.into_iter().map(News::Change));
    }

    /// Goes on with the generation behind the current one, which is sealed.
    fn follow(&self, state: &mut State) -> io::Result<()> {
        state.finish_generation();
        let next = state.finished.map_or(0, |generation| generation + 1);
        match self.open_generation(next, false) {
            Ok(journal) => {
                state.journal = Some(journal);
                self.catch_up(state)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => self.rejoin(state),
            Err(error) => Err(error),
        }
    }

    /// Finds the generation to go on with when the thread was lost. If the snapshot is the one that
    /// we know, the journals hold all that is new; else everything is read again.
    pub fn rejoin(&self, state: &mut State) -> io::Result<()> {
        let mut chain = self.open_chain()?;
        let snapshot = self.fingerprint();
        state.settle(snapshot);
        let last = chain.last().map(|(journal, _)| journal.generation);
        if snapshot != state.snapshot {
            state.pending = vec![News::Replaced(self.load(state))];
        } else if last.is_some() && last != state.finished {
            forget_folded(&mut chain, snapshot);
            let changes = self.adopt(state, chain);
            state.pending.extend(changes.into_iter().map(News::Change));
        }
        Ok(())
    }

    /// The journal was taken away under us: if the folder is still there, somebody wants a fresh
    /// start; if it is not, what is in memory is all there is.
    fn start_over(&self, state: &mut State) {
        state.journal = None;
        state.unsaved += 1;
        // The lock file has gone with it, or will be made again.
        *self.lock.lock() = None;
        if self.fs.status(&self.names().folder).is_ok() {
            state.pending = vec![News::Replaced(self.load(state))];
        } else {
            let folder = self.names().folder.display();
            let text = format!("{folder} was removed: results stay in this process");
            self.tell("folder", text);
        }
    }

    /// What stands at the snapshot's place.
    pub fn fingerprint(&self) -> Option<FileFingerprint> {
        self.fs.status(&self.names().snapshot).ok().map(|status| status.fingerprint)
    }

    /// Opens one generation.
    pub fn open_generation(&self, generation: u64, create: bool) -> io::Result<Journal> {
        let (path, charset) = (self.names().journal(generation), self.options.charset);
        Journal::open(&*self.fs, path, generation, create, charset)
    }

    /// The generations in the folder, in order.
    pub fn generations(&self) -> io::Result<Vec<u64>> {
        let names = match self.fs.list(&self.names().folder) {
            Err(error) if is_absent(&error) => Vec::new(),
            names => names?,
        };
        let kinds = names.iter().filter_map(|name| self.names().kind(name));
        let mut generations: Vec<u64> = kinds
            .filter_map(|kind| match kind {
                Kind::Journal(generation) => Some(generation),
                Kind::Temporary | Kind::Damaged => None,
            })
            // A folder or a pipe of that name is somebody else's.
            .filter(|number| {
                let status = self.fs.status(&self.names().journal(*number));
                status.is_ok_and(|status| status.regular)
            })
            .collect();
        generations.sort_unstable();
        Ok(generations)
    }

    /// Opens and reads all generations. If one disappears meanwhile, a fold took it: look again.
    fn open_chain(&self) -> io::Result<Chain> {
        let mut left = LOOKS;
        loop {
            let opened = self.generations()?.into_iter().map(|number| self.open_read(number));
            left -= 1;
            match opened.collect() {
                Err(error) if error.kind() == ErrorKind::NotFound && left > 0 => {}
                chain => return chain,
            }
        }
    }

    /// Opens one generation and reads it.
    fn open_read(&self, generation: u64) -> io::Result<(Journal, Tail)> {
        let mut journal = self.open_generation(generation, false)?;
        let tail = match journal.look()? {
            Look::New(tail) => tail,
            Look::Same => Tail::default(),
            Look::Gone => return Err(ErrorKind::NotFound.into()),
        };
        Ok((journal, tail))
    }

    /// Makes the first generation that is not sealed the current one; returns all changes.
    fn adopt(&self, state: &mut State, chain: Chain) -> Vec<Change> {
        let mut all = Vec::new();
        state.journal = None;
        state.announced = None;
        (state.changes, state.older_changes, state.older_bytes) = (0, 0, 0);
        for (journal, tail) in chain {
            if tail.dropped > 0 {
                self.tell_dropped(&journal.path, tail.dropped, tail.changes.len());
            }
            let changes = tail.changes.len() as u64;
            all.extend(tail.changes);
            if state.journal.is_some() {
                continue;
            }
            if let Some(fingerprint) = tail.folded {
                state.announce(fingerprint);
            }
            state.changes = changes;
            state.journal = Some(journal);
            if tail.sealed {
                state.finish_generation();
            }
        }
        all
    }

    /// Begins a chain, or joins the one that somebody else has begun. `false` if that must wait
    /// until another process has finished what it does with the files.
    pub fn begin_chain(&self, state: &mut State) -> Result<bool> {
        let names = self.names();
        let wrong = |error| Self::error("write the journal of", &names.snapshot, error);
        let guard = if state.folding {
            None
        } else {
            let taken = crate::store::lock::CheckpointGuard::take(&*self.fs, &names.fold);
            let Some(guard) = taken.map_err(wrong)? else { return Ok(false) };
            Some(guard)
        };
        self.rejoin(state).map_err(wrong)?;
        if state.journal.is_none() {
            let first = super::names::micros();
            let number = state.finished.map_or(first, |finished| first.max(finished + 1));
            state.journal = Some(self.open_generation(number, true).map_err(wrong)?);
            if self.options.durability == super::Durability::Fsync {
                self.fs.sync_folder(&names.folder).map_err(wrong)?;
            }
        }
        drop(guard);
        Ok(true)
    }
}

/// Whether there is no folder to look into.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Leaves out the generations that the snapshot holds already; says whether it comes from a fold.
fn forget_folded(chain: &mut Chain, snapshot: Option<FileFingerprint>) -> bool {
    let holds = |(_, tail): &(Journal, Tail)| snapshot.is_some() && tail.folded == snapshot;
    let first = chain.iter().rposition(holds);
    chain.drain(..first.unwrap_or_default());
    first.is_some()
}

//! Appending: one write, and a look at what others wrote before it.

use std::io;

use super::state::State;
use super::{A_MOMENT, Durability, Inner};
use crate::error::Result;
use crate::stepping;
use crate::store::Change;
use crate::store::journal::{Record, encode};

impl Inner {
    /// Takes `change` down; what fails is kept in mind for the next save, and told once.
    pub fn append(&self, change: &Change) -> Result<()> {
        let record = Record::Change(change.clone());
        let result = self.append_waiting(&record);
        if let Err(error) = &result {
            self.state.lock().unsaved += 1;
            self.tell_unwritable(error);
        }
        result
    }

    fn append_waiting(&self, record: &Record) -> Result<()> {
        loop {
            self.writable()?;
            // NOTE: before the state's lock, as it may wait for a process that closes.
            self.presence()?;
            let mut state = self.state.lock();
            if self.append_once(&mut state, record)? {
                if let Record::Change(change) = record {
                    state.changes += 1;
                    state.supersede(change);
                }
                return Ok(());
            }
            drop(state);
            stepping::sleep(A_MOMENT);
        }
    }

    /// An error if there is nothing to write to.
    fn writable(&self) -> Result<()> {
        let why = if self.options.read_only {
            Some("the cache was opened for reading only")
        } else {
            self.state.lock().broken
        };
        let source = |why| io::Error::new(io::ErrorKind::ReadOnlyFilesystem, why);
        let wrong = |why| Self::error("keep new results in", &self.names().snapshot, source(why));
        why.map_or(Ok(()), |why| Err(wrong(why)))
    }

    /// Appends `record` where it counts; `false` if that must wait for another process.
    pub fn append_once(&self, state: &mut State, record: &Record) -> Result<bool> {
        loop {
            if state.journal.is_none() && !self.begin_chain(state)? {
                return Ok(false);
            }
            let Some(journal) = &mut state.journal else { return Ok(false) };
            journal.buffer.clear();
            let path = &self.names().snapshot;
            let wrong = |error| Self::error("write the journal of", path, error);
            encode(&mut journal.buffer, record, self.options.charset).map_err(wrong)?;
            let before = journal.append().map_err(wrong)?;
            if self.options.durability == Durability::Fsync {
                journal.sync().map_err(wrong)?;
            }
            let Some(tail) = before else { return Ok(true) };
            let counts = !tail.sealed;
            self.take_in(state, tail).map_err(wrong)?;
            if counts {
                return Ok(true);
            }
        }
    }
}

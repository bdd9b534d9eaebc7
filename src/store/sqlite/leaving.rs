//! Leaving: the log is moved into the database, and the last process leaves nothing else behind.

use rusqlite::config::DbConfig;

use super::connection;
use super::database::Database;
use super::state::{Purpose, State};
use crate::error::Result;
use crate::store::file::{Permit, erase_copies};

/// The length of the log, in bytes, at which a save should move it before a writer has to.
const LONG_LOG: u64 = 1 << 20;

impl Database {
    /// Returns whether a save is due soon.
    pub fn wants_checkpoint(&self) -> bool {
        self.state.lock().logged >= LONG_LOG
    }

    /// Writes what waits, and moves as much of the log into the database as no reader needs.
    pub fn save(&self) -> Result<()> {
        self.settle()?;
        {
            let mut state = self.state.lock();
            if state.only_reads || state.opened.is_none() {
                return Ok(());
            }
            state.logged = 0;
        }
        self.read(|connection| {
            connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
        });
        Ok(())
    }

    /// Leaves the database to other processes; the last one leaves only the database itself behind.
    /// The next use opens it again. While another process is in the way, this one stays.
    pub fn leave(&self) -> Result<()> {
        let settled = self.settle();
        if matches!(&settled, Err(error) if error.is_busy()) {
            return settled;
        }
        if let Some(permit) = self.permit()? {
            let is_alone = self.locks.keep_others_out();
            let mut state = self.state.lock();
            self.detach(&mut state);
            if is_alone && !state.only_reads {
                self.locks.remove(&self.folder);
            }
            self.locks.leave();
            drop((state, permit));
        } else {
            self.detach(&mut self.state.lock());
        }
        settled
    }

    /// Leaves at once; whatever is beside the database is left to others.
    pub fn abandon(&self) {
        self.detach(&mut self.state.lock());
        self.locks.leave();
    }

    /// Returns the right to clear up if there may be something to clear: this process wrote, or a
    /// killed one left its lock file.
    fn permit(&self) -> Result<Option<Permit>> {
        if self.locks.is_present() {
            return self.locks.permit(&self.folder).map(Some);
        }
        let may_clear_up = {
            let state = self.state.lock();
            !state.only_reads && state.opened.is_some()
        };
        if !may_clear_up || !self.locks.are_made(&self.folder) {
            return Ok(None);
        }
        Ok(self.locks.try_permit(&self.folder))
    }

    /// Closes all connections. If no other process has one, SQLite moves the whole log into the
    /// database and removes its own files.
    fn detach(&self, state: &mut State) {
        let is_ours = !state.only_reads && state.opened.is_some();
        if is_ours && !connection::are_intact(&self.folder.paths().snapshot) {
            self.pool.close();
        }
        let writer = || self.pool.take_writer().or_else(|| self.connect(false).ok());
        let last = is_ours.then(writer).flatten();
        self.pool.close();
        if let Some(last) = last {
            // What cannot be done here is left to the next process.
            let _ = last.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false);
        }
        state.opened = None;
        state.logged = 0;
        state.closed = state.backlog.is_empty();
    }

    /// Removes forgotten results from free pages, from the log and from copies of damaged
    /// databases.
    pub fn erase(&self) {
        erase_copies(&self.folder);
        let mut state = self.state.lock();
        let Ok(_alone) = self.alone(super::state::A_WHILE) else { return };
        if state.opened.is_none()
            || state.only_reads
            || !self.ready(&mut state, Purpose::Read).unwrap_or(false)
        {
            return;
        }
        let writer = self.pool.take_writer().map_or_else(|| self.connect(state.only_reads), Ok);
        let erased = writer.and_then(|writer| {
            writer.execute_batch("VACUUM")?;
            writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            self.pool.keep_writer(writer);
            Ok(())
        });
        drop(state);
        self.folder.tell_failure(&erased.map_err(|error| self.wrong("erase from", &error)));
    }
}

//! The log is moved into the database, and the last process leaves nothing but that.

use rusqlite::config::DbConfig;

use super::database::Database;
use super::state::{Purpose, State};
use crate::error::Result;
use crate::store::file::{Permit, erase_copies};

/// From so many bytes on somebody should move the log into the database, before a writer has to.
const LONG_LOG: u64 = 1 << 20;

impl Database {
    /// Whether somebody should save soon.
    pub fn wants_checkpoint(&self) -> bool {
        self.state.lock().logged >= LONG_LOG
    }

    /// Writes what waits, and moves as much of the log into the database as nobody reads.
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

    /// Leaves the database to others; if there are none, only the database itself is left. The next use
    /// opens it again. While another process is in the way, this one stays.
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

    /// Leaves at once, and whatever lies beside the database to others.
    pub fn abandon(&self) {
        self.detach(&mut self.state.lock());
        self.locks.leave();
    }

    /// The right to clear up, if there may be something: this process wrote, or one left its lock file
    /// behind that was killed.
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

    /// Closes all connections; if no other process has one, SQLite moves all of the log into the database
    /// and removes what it keeps beside.
    fn detach(&self, state: &mut State) {
        let is_ours = !state.only_reads && state.opened.is_some();
        let last = if is_ours { self.pool.take_writer() } else { None };
        self.pool.close();
        if let Some(last) = last {
            // Who comes next does what cannot be done here.
            let _ = last.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false);
        }
        state.opened = None;
        state.logged = 0;
        state.closed = state.backlog.is_empty();
    }

    /// Removes what was forgotten from free pages, from the log and from copies of damaged databases.
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

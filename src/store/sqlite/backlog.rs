//! Writing: one transaction for a change and for those that could not be written before it.

use bytes::Bytes;
use rusqlite::Connection;

use super::changes::{self, Kind, Logged};
use super::connection;
use super::database::Database;
use super::state::{Purpose, State, Waiting};
use super::transaction::take_down;
use crate::error::{Error, Result};
use crate::store::fs::{Taken, is_lost};
use crate::store::lock::{Affected, LockFile, WriteGuard};
use crate::store::{Cause, Change, ExternalChange, LastUse, Purge};

use std::thread;
use std::time::{Duration, Instant};

/// The largest key and text together, in bytes: SQLite takes no row of a gigabyte.
const LARGEST: usize = 900_000_000;

/// How long a change waits for other processes, each of which writes one change.
const MOMENT: Duration = Duration::from_millis(3);
/// How long a process that writes something small is in the way.
const SHORT: Duration = Duration::from_micros(30);

impl Database {
    /// Writes `change`, whose function has no limit.
    pub fn append_alone(&self, change: Change, cause: Cause) -> Result<bool> {
        self.append(Waiting::new(change, cause), &|_| None, &mut Vec::new())
    }

    /// Writes a change; one that fails is kept for the next time, and reported once. Returns `false`
    /// if it is the result of a computation that was outdated. The keys of what goes under a limit
    /// are added to `gone`.
    pub fn append(
        &self,
        waiting: Waiting,
        last_use: LastUse<'_>,
        gone: &mut Vec<Bytes>,
    ) -> Result<bool> {
        if is_too_large(&waiting.change) {
            let error = self.refused(std::io::ErrorKind::FileTooLarge.into());
            self.folder.tell_unwritable(&error);
            return Err(error);
        }
        let mut state = self.state.lock();
        state.backlog.push(waiting);
        let result = self.write_fitting(&mut state, last_use, gone);
        drop(state);
        if result.is_ok() {
            self.writing.is_stuck(false);
        }
        self.folder.tell_failure(&result);
        result
    }

    /// Writes what waited for another process, if that is out of the way.
    pub fn settle(&self) -> Result<()> {
        let mut state = self.state.lock();
        if state.backlog.is_empty() {
            return Ok(());
        }
        let result = self.write(&mut state).map(drop);
        drop(state);
        let busy = matches!(&result, Err(error) if error.is_busy());
        let result = if self.writing.is_stuck(busy) { Err(self.stuck()) } else { result };
        self.folder.tell_failure(&result);
        result
    }

    /// Outdates the computations of other processes that `purge` concerns, if there are any.
    pub fn outdate(&self, purge: &Purge) -> Result<()> {
        let is_wanted = {
            let state = self.state.lock();
            !state.only_reads && state.opened.is_some()
        };
        if !is_wanted || self.locks.is_alone() {
            return Ok(());
        }
        if let Some(change) = purge.as_change() {
            return self.append_alone(change, Cause::Given).map(drop);
        }
        let (kind, pattern) = match purge {
            Purge::Fitting(pattern) => (Kind::Fitting, pattern.to_vec()),
            Purge::Tagged { pattern, tag } => (Kind::Tagged, changes::tagged(pattern, tag)),
            Purge::Key(_) | Purge::All => return Ok(()),
        };
        let written = self.change(|connection, state, logged| {
            logged.last = changes::add(connection, state.writer, kind, Some(&pattern))?;
            logged.affected.push(None);
            Ok(())
        });
        self.folder.tell_failure(&written);
        written
    }

    /// Runs `step` in a transaction of its own, while nobody else writes.
    pub(super) fn change<T>(
        &self,
        run: impl Fn(&Connection, &State, &mut Logged) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let mut state = self.state.lock();
        if state.only_reads {
            return Err(self.read_only());
        }
        let _alone = self.alone(MOMENT)?;
        self.ready(&mut state, Purpose::Write)?;
        let mut logged = Logged::default();
        let done = self.transact(&state, |connection, state| {
            let (news, last) = changes::news(connection, state.seen, state.writer)?;
            logged.last = last;
            let result = run(connection, state, &mut logged)?;
            Ok((news, result))
        });
        let (news, result) = done.map_err(|error| self.wrong("write", &error))?;
        state.pending.extend(news);
        state.seen = logged.last;
        self.announce(&logged.affected);
        Ok(result)
    }

    /// Writes everything that waits; what goes under limits is news for the cache.
    pub(super) fn write(&self, state: &mut State) -> Result<bool> {
        let mut gone = Vec::new();
        let written = self.write_fitting(state, &|_| None, &mut gone);
        let news = |key: &Bytes| ExternalChange::Outdated(Some(key.clone()));
        state.pending.extend(gone.iter().map(news));
        state.gone = gone;
        written
    }

    fn write_fitting(
        &self,
        state: &mut State,
        last_use: LastUse<'_>,
        gone: &mut Vec<Bytes>,
    ) -> Result<bool> {
        if state.only_reads {
            // The changes keep waiting; none of them was asked for.
            return Err(self.read_only());
        }
        let _alone = self.alone(MOMENT)?;
        self.ready(state, Purpose::Write)?;
        state.note_newest();
        let now = self.use_now(state);
        let run =
            |connection: &Connection, state: &State| take_down(connection, state, now, last_use);
        let done = match self.transact(state, run) {
            Err(error) if connection::is_damage(&error) => {
                self.set_aside(state, &error)?;
                self.transact(state, run)
            }
            done => done,
        };
        let done = done.map_err(|error| self.wrong("write", &error))?;
        state.backlog.clear();
        state.uses.clear();
        state.pending.extend(done.news);
        state.seen = done.logged.last;
        state.logged += done.bytes;
        gone.append(&mut state.gone);
        gone.extend(done.gone);
        self.announce(&done.logged.affected);
        Ok(done.kept)
    }

    /// Keeps other processes from writing; waits for them no longer than `patience`.
    pub(super) fn alone(&self, patience: Duration) -> Result<Option<WriteGuard>> {
        let begun = Instant::now();
        let path = &self.folder.paths().lock;
        let wrong = |source| Error::Io { doing: "lock", path: path.clone(), source };
        let mut joined = self.locks.try_join(&self.folder)?;
        loop {
            let taken = match joined.as_ref().map(LockFile::take_writing) {
                Some(Err(error)) if is_lost(&error) => {
                    joined = self.locks.rejoin(&self.folder)?;
                    continue;
                }
                Some(taken) => taken.map_err(wrong)?,
                None => (Taken::Busy, None),
            };
            match taken {
                (Taken::Busy, _) if begun.elapsed() < patience => thread::sleep(SHORT),
                (Taken::Busy, _) => return Err(self.busy()),
                (_, guard) => return Ok(guard),
            }
            if joined.is_none() {
                joined = self.locks.try_join(&self.folder)?;
            }
        }
    }

    /// Runs one transaction on the connection that writes; if that is cut off, on another.
    fn transact<T>(
        &self,
        state: &State,
        mut run: impl FnMut(&Connection, &State) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        match self.transact_once(state, &mut run) {
            Err(error) if connection::is_cut_off(&error) => {
                self.pool.close();
                self.transact_once(state, &mut run)
            }
            done => done,
        }
    }

    fn transact_once<T>(
        &self,
        state: &State,
        run: impl FnOnce(&Connection, &State) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let open = || {
            let connection = self.connect(state.only_reads)?;
            connection::become_writer(&connection).map(|()| connection)
        };
        let connection = self.pool.take_writer().map_or_else(open, Ok)?;
        let step = |sql| connection.prepare_cached(sql).and_then(|mut it| it.execute([])).map(drop);
        // NOTE: a transaction that begins by reading may not write any more once somebody else has.
        let done = step("BEGIN IMMEDIATE").and_then(|()| {
            let done = run(&connection, state).and_then(|done| step("COMMIT").map(|()| done));
            if done.is_err() && !connection.is_autocommit() {
                // If the rollback fails, too, the connection is closed with everything it has
                // begun.
                let _ = step("ROLLBACK");
            }
            done
        });
        if connection.is_autocommit() {
            self.pool.keep_writer(connection);
        }
        done
    }

    fn announce(&self, affected: &[Option<Bytes>]) {
        match affected {
            [] => {}
            [Some(key)] => self.locks.announce(&self.folder, Affected::Key(key)),
            _ => self.locks.announce(&self.folder, Affected::All),
        }
    }

    /// The error while another process is at work for a moment.
    pub(super) fn busy(&self) -> Error {
        self.refused(std::io::ErrorKind::WouldBlock.into())
    }

    fn stuck(&self) -> Error {
        let why = "another process, which seems to be stopped, is in the way";
        self.refused(std::io::Error::new(std::io::ErrorKind::TimedOut, why))
    }

    fn read_only(&self) -> Error {
        self.refused(std::io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn refused(&self, source: std::io::Error) -> Error {
        Error::Io { doing: "write", path: self.folder.paths().snapshot.clone(), source }
    }
}

fn is_too_large(change: &Change) -> bool {
    matches!(change, Change::Put(item) if item.key.len() + item.text.len() > LARGEST)
}

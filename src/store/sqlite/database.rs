//! A database as one process uses it.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::SqliteOptions;
use super::changes;
use super::connection::{self, Kind};
use super::pool::Pool;
use super::state::{A_WHILE, Purpose, State};
use super::telling::failure;
use crate::error::{Error, Result};
use crate::stepping;
use crate::store::file::{Durability, Folder, Locks, Obstacle};
use crate::store::fs::FileFingerprint;
use crate::store::{Change, ExternalChange, Items, Loaded};
use crate::sync::{Arc, Mutex, forks, rank};

/// What one process has open of a database.
pub struct Database {
    pub(super) folder: Folder,
    pub(super) options: SqliteOptions,
    pub(super) locks: Arc<Locks>,
    pub(super) pool: Arc<Pool>,
    pub(super) state: Mutex<State, { rank::FILE }>,
    /// Another process that keeps this one from writing.
    pub(super) writing: Obstacle,
    /// Whether it is read as a file that nobody changes.
    is_immutable: AtomicBool,
    clock: OnceLock<Box<dyn Fn() -> u64 + Send + Sync>>,
    /// How many forks preceded the process that it belongs to.
    forks: AtomicU64,
}

/// How long a file is assumed to be in its place.
const CERTAIN: Duration = Duration::from_millis(1);

/// Why another program's database, or a later version's, is left alone.
const UNKNOWN: &str = "it is not a cache that this version knows";

impl Database {
    /// A database that has nothing open yet.
    pub fn new(folder: Folder, options: SqliteOptions) -> Self {
        Self {
            folder,
            options,
            locks: Arc::new(Locks::new(options.map)),
            pool: Pool::new(),
            state: Mutex::new(State { writer: new_writer(), ..State::default() }),
            writing: Obstacle::default(),
            is_immutable: AtomicBool::new(false),
            clock: OnceLock::new(),
            forks: AtomicU64::new(forks::count()),
        }
    }

    /// In the child of a fork: leaves the locks to the parent. The connections were closed before.
    pub fn leave_parent(&self) {
        let now = forks::count();
        if self.forks.swap(now, Ordering::AcqRel) != now {
            self.locks.forget();
            self.state.lock().writer = new_writer();
        }
    }

    /// Sets whether nothing may be changed from now on.
    pub fn set_read_only(&self, only: bool) {
        let mut state = self.state.lock();
        if std::mem::replace(&mut state.only_reads, only) != only {
            // Open connections were opened for the other purpose.
            self.pool.close();
            state.opened = None;
        }
    }

    /// Takes the numbers of uses from `clock`.
    pub fn count_uses(&self, clock: Box<dyn Fn() -> u64 + Send + Sync>) {
        let _ = self.clock.set(clock);
    }

    /// Returns the number of a use made now.
    pub(super) fn use_now(&self, state: &State) -> i64 {
        let now = self.clock.get().map_or(0, |clock| clock());
        state.uses_before + now.cast_signed()
    }

    /// Opens the database, and makes it if there is none; returns what memory begins with.
    pub fn load(&self) -> Loaded {
        let mut state = self.state.lock();
        if !state.only_reads {
            self.folder.make();
        }
        let ready = self.ready(&mut state, Purpose::Read);
        state.pending.clear();
        drop(state);
        let salt = match ready {
            Ok(true) => self.read(changes::salt).flatten(),
            Ok(false) => None,
            Err(error) => {
                self.folder.tell_unwritable(&error);
                None
            }
        };
        Loaded { items: Items::Listed(salt.into_iter().collect()), ..Loaded::default() }
    }

    /// Makes sure that the database is open, and is the one at its path; returns `false` if there
    /// is none and none is made.
    pub(super) fn ready(&self, state: &mut State, purpose: Purpose) -> Result<bool> {
        state.closed = false;
        if state.opened.is_some() && !connection::are_intact(&self.folder.paths().snapshot) {
            self.pool.close();
        }
        let now = stepping::instant();
        let is_certain = |seen: Instant| now.duration_since(seen) < CERTAIN;
        if purpose == Purpose::Read
            && state.opened.is_some()
            && state.seen_in_place.is_some_and(is_certain)
        {
            return Ok(true);
        }
        let there = self.folder.fingerprint();
        if let (Some(opened), Some(there)) = (&state.opened, &there)
            && opened.is_same_file(*there)
            && !self.has_changed_hands()
        {
            state.seen_in_place = Some(now);
            self.note_log(state);
            return Ok(true);
        }
        let is_replaced = |opened: FileFingerprint| there.is_none_or(|it| !opened.is_same_file(it));
        if state.opened.is_some_and(is_replaced) {
            self.part_from_old(state);
        }
        self.pool.close();
        if state.unusable && there.is_some() {
            return Err(self.unusable());
        }
        if there.is_none() && (state.only_reads || purpose == Purpose::Read) {
            state.forget_all();
            return Ok(false);
        }
        self.open(state)?;
        state.seen_in_place = Some(now);
        Ok(true)
    }

    fn open(&self, state: &mut State) -> Result<()> {
        self.folder.tell_network();
        let connection = if state.only_reads {
            self.connect(state.only_reads).map_err(|error| self.wrong("open", &error))?
        } else {
            self.make_or_mend(state)?
        };
        let kind = connection::kind(&connection).map_err(|error| self.wrong("open", &error))?;
        if kind != Kind::Ours {
            state.unusable = true;
            self.folder.tell_kind(kind);
            return Err(self.unusable());
        }
        match self.begin(state, &connection) {
            Err(error) if connection::is_damage(&error) && !state.only_reads => {
                drop(connection);
                let _alone = self.alone(A_WHILE)?;
                self.set_aside(state, &error)
            }
            begun => {
                begun.map_err(|error| self.wrong("open", &error))?;
                self.pool.keep_writer(connection);
                Ok(())
            }
        }
    }

    /// Begins with what is in the database now.
    pub(super) fn begin(&self, state: &mut State, connection: &Connection) -> rusqlite::Result<()> {
        let history = connection::history(connection)?;
        let last = changes::last(connection)?;
        if state.history.is_some_and(|known| known != history) {
            // Another database is there: nothing that was known holds.
            state.pending.push(ExternalChange::Change(Change::Clear));
            let salt = changes::salt(connection)?;
            let salt = salt.map(|salt| ExternalChange::Change(Change::Put(salt)));
            state.pending.extend(salt);
        }
        if state.history != Some(history) {
            (state.history, state.seen) = (Some(history), last);
        }
        let latest = "SELECT max((SELECT max(used) FROM entry WHERE function = function.id)) \
                      FROM function";
        let latest = connection.query_row(latest, [], |row| row.get::<_, Option<i64>>(0))?;
        let now = self.clock.get().map_or(0, |clock| clock()).cast_signed();
        state.uses_before = state.uses_before.max(latest.unwrap_or(0) + 1 - now);
        state.opened = self.folder.fingerprint();
        state.log = None;
        self.note_log(state);
        state.unusable = false;
        connection::become_writer(connection)
    }

    /// Opens a connection.
    pub(super) fn connect(&self, only_reads: bool) -> rusqlite::Result<Connection> {
        let path = &self.folder.paths().snapshot;
        if !only_reads {
            let fsync = self.options.durability == Durability::Fsync;
            let opened = connection::open(path, fsync).and_then(|connection| {
                connection::checkpoint_itself(&connection)?;
                Ok(connection)
            });
            match opened {
                Err(error) if connection::is_forbidden(&error) => {}
                opened => return opened,
            }
        }
        // NOTE: a database that nobody has open has no log. Where none can be made it is readable
        // only as a file that nobody changes.
        let immutable = !self.has_log();
        self.is_immutable.store(immutable, Ordering::Release);
        connection::open_read_only(path, immutable)
    }

    /// Returns whether another process, whose changes would not be noticed, has opened the
    /// database.
    fn has_changed_hands(&self) -> bool {
        self.is_immutable.load(Ordering::Acquire) && self.has_log()
    }

    fn has_log(&self) -> bool {
        self.folder.fs.status(&self.folder.paths().beside("-wal")).is_ok()
    }

    /// Lends a connection to a reader; `None` if there is nothing to read, or it cannot be read.
    pub(super) fn read<T>(
        &self,
        mut use_it: impl FnMut(&Connection) -> rusqlite::Result<T>,
    ) -> Option<T> {
        let read = match self.try_read(&mut use_it)? {
            Err(error) if connection::is_cut_off(&error) => self.try_read(&mut use_it)?,
            read => read,
        };
        match read {
            Err(error) if connection::is_damage(&error) && self.mend(&error) => {
                self.try_read(&mut use_it)?.map_err(|error| self.tell_unread(&error)).ok()
            }
            read => read.map_err(|error| self.tell_unread(&error)).ok(),
        }
    }

    pub(super) fn tell_unread(&self, error: &rusqlite::Error) {
        self.folder.tell_unread(&self.wrong("read", error));
    }

    /// Lends a connection once; `None` if there is nothing to read, or it cannot be opened.
    pub(super) fn try_read<T>(
        &self,
        use_it: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Option<rusqlite::Result<T>> {
        let only_reads = {
            let mut state = self.state.lock();
            match self.ready(&mut state, Purpose::Read) {
                Ok(true) => state.only_reads,
                Ok(false) => return None,
                Err(error) => {
                    drop(state);
                    self.folder.tell_unread(&error);
                    return None;
                }
            }
        };
        let open = || self.connect(only_reads);
        Some(self.pool.read(open, use_it))
    }

    /// Returns whether it is open and a look at it would wait for nobody.
    pub fn is_quick(&self) -> bool {
        let is_open = self.state.try_lock().is_some_and(|state| state.opened.is_some())
            && connection::are_intact(&self.folder.paths().snapshot);
        is_open && self.pool.try_read(connection::is_free).unwrap_or(false)
    }

    /// Returns whether it was closed and not used since.
    pub fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// Makes an error of what SQLite reported, for the user.
    pub(super) fn wrong(&self, doing: &'static str, error: &rusqlite::Error) -> Error {
        let path = self.folder.paths().snapshot.clone();
        // SQLite calls that an error of the disk.
        let is_other = self.folder.fs.status(&path).is_ok_and(|status| !status.regular);
        let source =
            if is_other { io::Error::other("it is no regular file") } else { failure(error) };
        Error::Io { doing, path, source }
    }

    /// Why it cannot be read or written at this moment.
    pub fn trouble(&self) -> Option<&'static str> {
        let state = self.state.lock();
        let is_open = || state.opened.is_some() || state.closed;
        if state.unusable {
            Some(UNKNOWN)
        } else if !is_open() && self.folder.fingerprint().is_some() {
            Some("it cannot be opened")
        } else {
            (state.waiting().len() > 0).then_some("no disk has taken all results")
        }
    }

    fn unusable(&self) -> Error {
        let why = io::Error::other(UNKNOWN);
        let path = self.folder.paths().snapshot.clone();
        Error::Io { doing: "use", path, source: why }
    }
}

/// Returns a number that no other process has.
fn new_writer() -> i64 {
    i64::from_ne_bytes(crate::store::lock::new_stamp())
}

//! Making room: entries that go under a limit, and entries that are of no use any more.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::changes::{self, Kind, Logged};
use super::database::Database;
use super::entries::{self, Place};
use super::state::{Lifetime, State, Waiting};
use crate::key::name_of;
use crate::store::{Change, LastUse, Room};

/// How many entries are dropped in one transaction.
const SLICE: usize = 500;
/// How many transactions follow each other at most: others want to write, too.
const SLICES: usize = 20;

const SIZE: &str = "SELECT coalesce(sum(entries), 0), coalesce(sum(bytes), 0) FROM function";
const SIZE_OF: &str = "SELECT entries, bytes FROM function WHERE id = ?1";
const OLDEST: &str = "SELECT id, function, size, key, used FROM entry WHERE id IN (SELECT \
                      (SELECT id FROM entry WHERE function = function.id ORDER BY used LIMIT 1) \
                      FROM function) ORDER BY used, id LIMIT 1";
const OLDEST_OF: &str =
    "SELECT id, function, size, key, used FROM entry WHERE function = ?1 ORDER BY used, id LIMIT 1";
const USE: &str = "UPDATE entry SET used = ?2 WHERE id = ?1";
const USE_OF: &str = "UPDATE entry SET used = ?3 WHERE hash = ?1 AND key = ?2 AND used < ?3";
const IS_OVER: &str = "SELECT EXISTS(SELECT 1 FROM entry WHERE function = ?1 AND expires < ?2)";
const EXPIRED: &str = "SELECT id, function, size, key, created FROM entry \
                       WHERE function = ?1 AND expires < ?2 LIMIT 500";
const UNSTAMP: &str = "UPDATE entry SET expires = ?2 WHERE id = ?1";

/// An entry that may be dropped.
struct Candidate {
    place: Place,
    key: Bytes,
    used: i64,
}

impl Database {
    /// Drops the least recently used entries until the rest fits into `room`; returns their keys.
    pub fn make_fit(
        &self,
        name: Option<&[u8]>,
        room: Room,
        newest: Option<&[u8]>,
        last_use: LastUse<'_>,
    ) -> Vec<Bytes> {
        let fits = |connection: &Connection| {
            let share = share(connection, name)?;
            Ok(!share.map_or(Ok(false), |share| is_exceeded_by(connection, share, room))?)
        };
        if self.read(fits) != Some(false) {
            return Vec::new();
        }
        let gone = self.change(|connection, state, logged| {
            make_fit(connection, state, (name, room), newest, last_use, logged)
        });
        self.folder.tell_failure(&gone);
        gone.unwrap_or_default()
    }

    /// Records when entries were last used. A failure costs nothing but the order.
    pub fn note_uses(&self, uses: &[(Bytes, u64)]) {
        for slice in uses.chunks(SLICE) {
            let noted = self.change(|connection, state, _| note_uses(connection, state, slice));
            if noted.is_err() {
                return;
            }
        }
    }

    /// Records how long results of a function are of use, and whether it has a clock of its own.
    pub fn expire(&self, name: &[u8], seconds: Option<f64>, own_clock: bool) {
        let lifetimes = &mut self.state.lock().lifetimes;
        let newest = own_clock.then_some(f64::NEG_INFINITY);
        match seconds {
            Some(seconds) => lifetimes.insert(name.to_vec(), Lifetime { seconds, newest }),
            None => lifetimes.remove(name),
        };
    }

    /// Drops entries that are of no use any more; returns their keys.
    pub fn drop_expired(&self, now: f64) -> Vec<Bytes> {
        let lifetimes: Vec<_> = {
            let state = self.state.lock();
            if state.only_reads || state.opened.is_none() {
                return Vec::new();
            }
            state.lifetimes.iter().map(|(name, lifetime)| (name.clone(), *lifetime)).collect()
        };
        let mut gone = Vec::new();
        for (name, lifetime) in lifetimes {
            let now = lifetime.newest.unwrap_or(now);
            for _ in 0..SLICES {
                if self.read(|connection| has_expired(connection, &name, now)) != Some(true) {
                    break;
                }
                let slice = self.change(|it, _, _| drop_slice(it, &name, now, lifetime.seconds));
                let Ok(slice) = slice else { return gone };
                gone.extend(slice);
            }
        }
        gone
    }
}

/// Records when entries were last used.
pub fn note_uses(connection: &Connection, state: &State, uses: &[(Bytes, u64)]) -> Result<()> {
    if uses.is_empty() {
        return Ok(());
    }
    let mut note = connection.prepare_cached(USE_OF)?;
    for (key, last_use) in uses {
        let last = state.uses_before + last_use.cast_signed();
        note.execute(params![entries::hash(key), &key[..], last])?;
    }
    Ok(())
}

impl State {
    /// Records when the newest results of functions with clocks of their own were made.
    pub(super) fn note_newest(&mut self) {
        let Self { backlog, lifetimes, .. } = self;
        if lifetimes.is_empty() {
            return;
        }
        for Waiting { change, .. } in backlog.iter() {
            if let Change::Put(item) = change
                && let Some(created) = item.created
                && let Some(lifetime) = name_of(&item.key).and_then(|name| lifetimes.get_mut(name))
            {
                lifetime.newest = lifetime.newest.map(|newest| newest.max(created));
            }
        }
    }
}

/// An entry that seems to be of no use: its row, its key, and when it was made.
type Old = (Place, Bytes, Option<f64>);

fn has_expired(connection: &Connection, name: &[u8], now: f64) -> Result<bool> {
    let Some(function) = entries::function(connection, Some(name))? else { return Ok(false) };
    connection.prepare_cached(IS_OVER)?.query_row(params![function, now], |row| row.get(0))
}

fn expired(connection: &Connection, name: &[u8], now: f64) -> Result<Vec<Old>> {
    let Some(function) = entries::function(connection, Some(name))? else { return Ok(Vec::new()) };
    let mut expired = connection.prepare_cached(EXPIRED)?;
    let row = |row: &Row<'_>| Ok((Place::of_row(row)?, key_of(row)?, row.get(4)?));
    expired.query_map(params![function, now], row)?.collect()
}

fn drop_slice(connection: &Connection, name: &[u8], now: f64, lifetime: f64) -> Result<Vec<Bytes>> {
    let mut gone = Vec::new();
    for (place, key, created) in expired(connection, name, now)? {
        let expires = created.map(|created| created + lifetime);
        // NOTE: the expiry recorded with the entry may hold no longer.
        if expires.is_some_and(|expires| expires < now) {
            entries::delete(connection, place)?;
            gone.push(key);
        } else {
            connection.prepare_cached(UNSTAMP)?.execute(params![place.id, expires])?;
        }
    }
    Ok(gone)
}

/// The entries that are counted: those of the function with this number, or all.
type Shared = Option<i64>;

/// Returns the share of the function with this `name`, or of all; `None` for an unknown function.
fn share(connection: &Connection, name: Option<&[u8]>) -> Result<Option<Shared>> {
    match name {
        None => Ok(Some(None)),
        Some(_) => Ok(entries::function(connection, name)?.map(Some)),
    }
}

/// Returns whether the entries of a share take more than `room`.
fn is_exceeded_by(connection: &Connection, share: Shared, room: Room) -> Result<bool> {
    let size = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
    let (entries, bytes) = match share {
        None => connection.prepare_cached(SIZE)?.query_row([], size)?,
        Some(function) => connection.prepare_cached(SIZE_OF)?.query_row([function], size)?,
    };
    Ok(is_exceeded(room, entries, bytes))
}

fn is_exceeded(room: Room, entries: i64, bytes: i64) -> bool {
    let most = |most: u64| i64::try_from(most).unwrap_or(i64::MAX);
    room.maxsize.is_some_and(|maxsize| entries > most(maxsize as u64))
        || room.max_bytes.is_some_and(|max_bytes| bytes > most(max_bytes))
}

/// Drops the least recently used entries of a share until the rest has room, and returns their
/// keys; other processes are told.
pub fn make_fit(
    connection: &Connection,
    state: &State,
    (name, room): (Option<&[u8]>, Room),
    newest: Option<&[u8]>,
    last_use: LastUse<'_>,
    logged: &mut Logged,
) -> Result<Vec<Bytes>> {
    let before = state.uses_before;
    let last_use = |key: &[u8]| last_use(key).map(|used| before + used.cast_signed());
    let gone = evict(connection, (name, room), newest, &last_use)?;
    for key in &gone {
        logged.last = changes::add(connection, state.writer, Kind::Outdated, Some(key))?;
        logged.affected.push(Some(key.clone()));
    }
    Ok(gone)
}

fn evict(
    connection: &Connection,
    (name, room): (Option<&[u8]>, Room),
    newest: Option<&[u8]>,
    last_use: &dyn Fn(&[u8]) -> Option<i64>,
) -> Result<Vec<Bytes>> {
    let mut gone = Vec::new();
    if let Some(newest) = newest
        && let Some(place) = entries::find(connection, newest)?
        && is_exceeded(room, 1, place.size)
    {
        entries::delete(connection, place)?;
        gone.push(Bytes::copy_from_slice(newest));
    }
    let Some(share) = share(connection, name)? else { return Ok(gone) };
    while is_exceeded_by(connection, share, room)? {
        let Some(oldest) = oldest(connection, share)? else { break };
        if let Some(used) = last_use(&oldest.key).filter(|&used| used > oldest.used) {
            connection.prepare_cached(USE)?.execute(params![oldest.place.id, used])?;
        } else {
            entries::delete(connection, oldest.place)?;
            gone.push(oldest.key);
        }
    }
    Ok(gone)
}

fn oldest(connection: &Connection, share: Shared) -> Result<Option<Candidate>> {
    let candidate = |row: &Row<'_>| {
        Ok(Candidate { place: Place::of_row(row)?, key: key_of(row)?, used: row.get(4)? })
    };
    let oldest = match share {
        None => connection.prepare_cached(OLDEST)?.query_row([], candidate),
        Some(function) => connection.prepare_cached(OLDEST_OF)?.query_row([function], candidate),
    };
    oldest.optional()
}

/// Returns the key, which is the column after the place.
fn key_of(row: &Row<'_>) -> Result<Bytes> {
    Ok(Bytes::copy_from_slice(row.get_ref(3)?.as_blob()?))
}

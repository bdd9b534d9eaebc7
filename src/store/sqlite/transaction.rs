//! A transaction: what waits is written, and made to fit, in one step.

use bytes::Bytes;
use rusqlite::Connection;

use super::changes::{self, Kind, Logged};
use super::entries;
use super::room::{self, make_fit};
use super::state::{State, Waiting};
use crate::key::name_of;
use crate::store::{Cause, Change, ExternalChange, Item, LastUse};
use crate::value::check::check;

/// The outcome of a transaction.
#[derive(Debug, Default)]
pub struct Done {
    /// What other processes did before it.
    pub news: Vec<ExternalChange>,
    /// What other processes are told of it.
    pub logged: Logged,
    /// The keys of what went under limits.
    pub gone: Vec<Bytes>,
    /// Whether the last of the changes was written.
    pub kept: bool,
    /// About how many bytes were written.
    pub bytes: u64,
}

/// Writes everything that waits in one transaction, and makes it fit. `now` is the number of a use
/// made now.
pub fn take_down(
    connection: &Connection,
    state: &State,
    now: i64,
    last_use: LastUse<'_>,
) -> rusqlite::Result<Done> {
    let (news, last) = changes::news(connection, state.seen, state.writer)?;
    let logged = Logged { last, affected: Vec::new() };
    let mut done = Done { news, logged, kept: true, ..Done::default() };
    room::note_uses(connection, state, &state.uses)?;
    for Waiting { change, cause, packed, room } in &state.backlog {
        done.kept =
            !(*cause == Cause::Computed && done.news.iter().any(|news| news.outdates(change)));
        if !done.kept {
            continue;
        }
        let logged = match change {
            Change::Put(item) => {
                let packed = packed.as_deref();
                done.bytes += (item.key.len() + packed.unwrap_or(&item.text).len() + 200) as u64;
                put(connection, state, (item, packed), *cause, now)?
            }
            Change::Remove(key) => remove(connection, key, *cause)?,
            Change::Clear => {
                entries::delete_all(connection)?;
                Some((Kind::Cleared, None))
            }
        };
        if let Some((kind, key)) = logged {
            let row = key.as_ref().map(|key| &key[..]);
            done.logged.last = changes::add(connection, state.writer, kind, row)?;
            done.logged.affected.push(key);
        }
        if let (Some(room), Some(newest)) = (room, change.key()) {
            let (share, newest) = ((name_of(newest), *room), Some(&newest[..]));
            let logged = &mut done.logged;
            done.gone.extend(make_fit(connection, state, share, newest, last_use, logged)?);
        }
    }
    Ok(done)
}

/// What to tell other processes.
type Row = Option<(Kind, Option<Bytes>)>;

fn put(
    connection: &Connection,
    state: &State,
    (item, packed): (&Item, Option<&[u8]>),
    cause: Cause,
    now: i64,
) -> rusqlite::Result<Row> {
    if changes::keep_salt(connection, item)? {
        return Ok(Some((Kind::Salted, None)));
    }
    if !item.sound && check(&item.text).is_err() {
        // What came from elsewhere and is not JSON is of no use to anybody.
        return Ok(None);
    }
    let place = entries::find(connection, &item.key)?;
    let lifetime = name_of(&item.key).and_then(|name| state.lifetimes.get(name));
    let expires = lifetime.zip(item.created).map(|(lifetime, created)| created + lifetime.seconds);
    entries::put(connection, item, packed, place, now, expires)?;
    let kind = if cause == Cause::Given { Kind::Purged } else { Kind::Outdated };
    let is_news = place.is_some() || cause == Cause::Given;
    Ok(is_news.then(|| (kind, Some(item.key.clone()))))
}

fn remove(connection: &Connection, key: &Bytes, cause: Cause) -> rusqlite::Result<Row> {
    let place = entries::find(connection, key)?;
    if let Some(place) = place {
        entries::delete(connection, place)?;
    }
    Ok(match cause {
        Cause::Given => Some((Kind::Purged, Some(key.clone()))),
        _ => place.map(|_| (Kind::Outdated, Some(key.clone()))),
    })
}

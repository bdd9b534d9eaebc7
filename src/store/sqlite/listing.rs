//! The entries of a database, with the changes that wait to be written to it.

use bytes::Bytes;
use rusqlite::{Connection, Result, Row, params};

use super::database::Database;
use super::entries::{self, Read};
use crate::key::name_of;
use crate::store::Item;
use crate::store::known::Known;
use crate::store::pending::{applied, last_of, notes_of};

const KEYS: &str = "SELECT key FROM entry ORDER BY id";
const KEYS_OF: &str = "SELECT key FROM entry WHERE function = ?1 ORDER BY id";
const KEYS_BEFORE: &str = "SELECT key FROM entry WHERE created < ?1 ORDER BY id";
const KEYS_OF_BEFORE: &str =
    "SELECT key FROM entry WHERE function = ?1 AND created < ?2 ORDER BY id";
const NOTES: &str = "SELECT key, others FROM entry WHERE others IS NOT NULL ORDER BY id";
const COUNT: &str = "SELECT coalesce(sum(entries), 0) FROM function";
const COUNT_OF: &str = "SELECT coalesce(sum(entries), 0) FROM function WHERE name = ?1";

impl Database {
    /// Returns the entry of `key`.
    pub fn get(&self, key: &[u8]) -> Option<Item> {
        let read = || self.read(|connection| entries::get(connection, key));
        match self.waiting(key).or_else(read)? {
            Read::Item(item) => Some(item),
            Read::Nothing => None,
            Read::Damaged => {
                self.folder.tell_bad_row(key);
                None
            }
        }
    }

    /// Returns whether there is an entry of `key`.
    pub fn contains(&self, key: &[u8]) -> bool {
        match self.waiting(key) {
            Some(waiting) => matches!(waiting, Read::Item(_)),
            None => self.read(|connection| entries::find(connection, key)).flatten().is_some(),
        }
    }

    /// Returns what the last waiting change that concerns `key` makes of it.
    fn waiting(&self, key: &[u8]) -> Option<Read> {
        let state = self.state.lock();
        last_of(state.waiting(), key).map(|known| match known {
            Known::Item(item) => Read::Item(item),
            Known::Nothing => Read::Nothing,
        })
    }

    /// Returns the number of entries, of the function with this name if one is given.
    pub fn count(&self, name: Option<&[u8]>) -> usize {
        if !self.state.lock().backlog.is_empty() {
            return self.keys(name, None).len();
        }
        let count = |connection: &Connection| match name {
            None => connection.prepare_cached(COUNT)?.query_row([], |row| row.get::<_, i64>(0)),
            Some(name) => {
                connection.prepare_cached(COUNT_OF)?.query_row([name], |row| row.get::<_, i64>(0))
            }
        };
        self.read(count).and_then(|count| usize::try_from(count).ok()).unwrap_or(0)
    }

    /// Returns the keys, of one function or made before a time if that is given.
    pub fn keys(&self, name: Option<&[u8]>, before: Option<f64>) -> Vec<Bytes> {
        let keys = self.read(|connection| keys(connection, name, before)).unwrap_or_default();
        let is_meant = |item: &Item| {
            let old = before.is_none_or(|before| item.created.is_some_and(|it| it < before));
            old && (name.is_none() || name_of(&item.key) == name)
        };
        let state = self.state.lock();
        applied(state.waiting(), keys, is_meant)
    }

    /// Returns what tags or later versions added to entries.
    pub fn notes(&self) -> Vec<(Bytes, Bytes)> {
        let notes = |connection: &Connection| {
            let mut notes = connection.prepare_cached(NOTES)?;
            let pair = notes.query_map([], |row| {
                let blob = |at: usize| Ok::<_, rusqlite::Error>(row.get_ref(at)?.as_blob()?);
                Ok((Bytes::copy_from_slice(blob(0)?), Bytes::copy_from_slice(blob(1)?)))
            });
            pair?.collect()
        };
        let mut notes: Vec<(Bytes, Bytes)> = self.read(notes).unwrap_or_default();
        let state = self.state.lock();
        notes.extend(notes_of(state.waiting()));
        notes
    }
}

fn keys(connection: &Connection, name: Option<&[u8]>, before: Option<f64>) -> Result<Vec<Bytes>> {
    let function = entries::function(connection, name)?;
    let Some(function) = function.or(name.is_none().then_some(0)) else { return Ok(Vec::new()) };
    let key = |row: &Row<'_>| Ok(Bytes::copy_from_slice(row.get_ref(0)?.as_blob()?));
    let mut keys = connection.prepare_cached(match (name, before) {
        (None, None) => KEYS,
        (Some(_), None) => KEYS_OF,
        (None, Some(_)) => KEYS_BEFORE,
        (Some(_), Some(_)) => KEYS_OF_BEFORE,
    })?;
    match (name, before) {
        (None, None) => keys.query_map([], key)?.collect(),
        (Some(_), None) => keys.query_map([function], key)?.collect(),
        (None, Some(before)) => keys.query_map([before], key)?.collect(),
        (Some(_), Some(before)) => keys.query_map(params![function, before], key)?.collect(),
    }
}

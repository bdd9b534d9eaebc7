//! Rows of the table of entries.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::check::{Check, crc};
use super::packing;
use crate::key::name_of;
use crate::store::{Code, Item, Notes};
use crate::sync::Arc;

/// The result of reading a key.
#[derive(Debug)]
pub enum Read {
    /// Nothing.
    Nothing,
    /// An entry.
    Item(Item),
    /// An entry that differs from what was written.
    Damaged,
}

/// An existing row.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The number of the row.
    pub id: i64,
    function: i64,
    /// The length of its text, in bytes.
    pub size: i64,
}

impl Place {
    /// Reads the first three columns: number, function, size.
    pub fn of_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self { id: row.get(0)?, function: row.get(1)?, size: row.get(2)? })
    }
}

const GET: &str = "SELECT created, timed, took, code, others, crc, size, text FROM entry \
                   WHERE hash = ?1 AND key = ?2";
const NUMBERED: &str = "SELECT created, timed, took, code, others, crc, size, text, key FROM entry \
                        WHERE id = ?1";
const FIND: &str = "SELECT id, function, size FROM entry WHERE hash = ?1 AND key = ?2";
const FUNCTION: &str = "SELECT id FROM function WHERE name = ?1";
const NEW_FUNCTION: &str = "INSERT INTO function(name, entries, bytes) VALUES (?1, 0, 0)";
const COUNT: &str = "UPDATE function SET entries = entries + ?2, bytes = bytes + ?3 WHERE id = ?1";
const INSERT: &str = "INSERT INTO entry(hash, function, used, size, created, timed, expires, took, \
                      code, others, crc, key, text) \
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
const UPDATE: &str = "UPDATE entry SET used = ?2, size = ?3, created = ?4, timed = ?5, expires = ?6, \
                      took = ?7, code = ?8, others = ?9, crc = ?10, text = ?11 WHERE id = ?1";
const DELETE: &str = "DELETE FROM entry WHERE id = ?1";

/// Returns the number by which a key is found: its length and checksum. The key is compared, too.
pub fn hash(key: &[u8]) -> i64 {
    let length = u32::try_from(key.len()).unwrap_or(u32::MAX);
    (u64::from(length) << 32 | u64::from(crc32fast::hash(key))).cast_signed()
}

/// Returns the entry of `key`.
pub fn get(connection: &Connection, key: &[u8]) -> Result<Read> {
    let mut get = connection.prepare_cached(GET)?;
    let read = get.query_row(params![hash(key), key], |row| read(row, key)).optional()?;
    Ok(read.unwrap_or(Read::Nothing))
}

/// The key of the entry with the number `id`, and what stands under it; `None` if there is none.
pub fn numbered(connection: &Connection, id: i64) -> Result<Option<(Bytes, Read)>> {
    let mut get = connection.prepare_cached(NUMBERED)?;
    let both = get.query_row([id], |row| {
        let key = row.get_ref(8)?.as_blob_or_null()?.unwrap_or_default();
        Ok((Bytes::copy_from_slice(key), read(row, key)?))
    });
    both.optional()
}

/// Returns what `row` holds of `key`. Its columns begin with those of [`GET`].
pub fn read(row: &Row<'_>, key: &[u8]) -> Result<Read> {
    let blob = |at: usize| Ok::<_, rusqlite::Error>(row.get_ref(at)?.as_blob_or_null()?);
    let (created, took) = (row.get::<_, Option<f64>>(0)?, row.get::<_, Option<f64>>(2)?);
    let (code, others, stored) = (blob(3)?, blob(4)?, blob(7)?.unwrap_or_default());
    let Some(text) = packing::unpacked(stored, row.get(6)?) else { return Ok(Read::Damaged) };
    let check = Check { key, text: &text, created, took, code, others };
    if i64::from(crc(&check)) != row.get::<_, i64>(5)? {
        return Ok(Read::Damaged);
    }
    let others = others.map(|others| Arc::new(Bytes::copy_from_slice(others)));
    Ok(Read::Item(Item {
        key: Bytes::copy_from_slice(key),
        text: text.into_owned().into(),
        sound: true,
        created,
        timed: row.get(1)?,
        notes: Notes { took, code: code.and_then(Code::new), others },
    }))
}

/// Returns the row of `key`, if there is one.
pub fn find(connection: &Connection, key: &[u8]) -> Result<Option<Place>> {
    let mut find = connection.prepare_cached(FIND)?;
    find.query_row(params![hash(key), key], Place::of_row).optional()
}

/// Returns the number of the function with this name; 0 stands for entries that no function made.
pub fn function(connection: &Connection, name: Option<&[u8]>) -> Result<Option<i64>> {
    let name = name.unwrap_or_default();
    connection.prepare_cached(FUNCTION)?.query_row([name], |row| row.get(0)).optional()
}

fn function_of(connection: &Connection, key: &[u8]) -> Result<i64> {
    let name = name_of(key);
    if let Some(id) = function(connection, name)? {
        return Ok(id);
    }
    connection.prepare_cached(NEW_FUNCTION)?.execute([name.unwrap_or_default()])?;
    Ok(connection.last_insert_rowid())
}

/// Writes `item`, over the row at `place` if its key has one; in place of its text that text
/// `packed`, if it is given. `used` is the number of its last use; it is of no use after `expires`.
pub fn put(
    connection: &Connection,
    item: &Item,
    packed: Option<&[u8]>,
    place: Option<Place>,
    used: i64,
    expires: Option<f64>,
) -> Result<()> {
    let Item { key, text, created, timed, notes, .. } = item;
    let code = notes.code.as_ref().map(|code| &code.as_bytes()[..]);
    let (took, others) = (notes.took, notes.others.as_ref().map(|others| &others[..]));
    let check = Check { key, text, created: *created, took, code, others };
    let (crc, size) = (i64::from(crc(&check)), length(text));
    let stored = packed.unwrap_or(text);
    if let Some(Place { id, function, size: old }) = place {
        let mut update = connection.prepare_cached(UPDATE)?;
        let row = params![id, used, size, created, timed, expires, took, code, others, crc, stored];
        update.execute(row)?;
        return count(connection, function, 0, size - old);
    }
    let function = function_of(connection, key)?;
    let mut insert = connection.prepare_cached(INSERT)?;
    insert.execute(params![
        hash(key),
        function,
        used,
        size,
        created,
        timed,
        expires,
        took,
        code,
        others,
        crc,
        &key[..],
        stored
    ])?;
    count(connection, function, 1, size)
}

/// Deletes an entry.
pub fn delete(connection: &Connection, place: Place) -> Result<()> {
    connection.prepare_cached(DELETE)?.execute([place.id])?;
    count(connection, place.function, -1, -place.size)
}

/// Deletes all entries.
pub fn delete_all(connection: &Connection) -> Result<()> {
    connection.execute_batch(
        "DELETE FROM entry; DELETE FROM function; DELETE FROM meta WHERE name = 'salt'",
    )
}

fn count(connection: &Connection, function: i64, entries: i64, bytes: i64) -> Result<()> {
    connection.prepare_cached(COUNT)?.execute(params![function, entries, bytes]).map(drop)
}

fn length(text: &[u8]) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

//! What is known of entries without their texts: an index has it, so that a list of a database is
//! not a walk through all of its pages.

use std::cell::Cell;
use std::collections::HashMap;

use bytes::Bytes;
use rusqlite::{Connection, Result, Row, Statement};

use super::connection::{is_cut_off, is_damage};
use super::database::Database;
use super::entries::{self, Read};
use crate::store::{Draw, Item, Outline};

const OUTLINES: &str = "SELECT id, size, created, took, function FROM entry";
const OUTLINES_OF: &str = "SELECT id, size, created, took, function FROM entry WHERE function = ?1";
const WITH_KEYS: &str = "SELECT id, size, created, took, function, key FROM entry";
const WITH_KEYS_OF: &str =
    "SELECT id, size, created, took, function, key FROM entry WHERE function = ?1";

impl Database {
    /// Draws all entries, or those of one function. `false` if something waits to be written, or
    /// nothing can be read.
    pub fn outlines(&self, name: Option<&[u8]>, keys: bool, draw: Draw<'_>) -> bool {
        if !self.state.lock().backlog.is_empty() {
            return false;
        }
        let drawn = Cell::new(false);
        let mut draw = |outline: &Outline<'_>| {
            drawn.set(true);
            draw(outline);
        };
        let mut read = |connection: &Connection| outlines(connection, name, keys, &mut draw);
        let first = self.try_read(&mut read);
        let cut_off = matches!(&first, Some(Err(error)) if is_cut_off(error));
        match if cut_off && !drawn.get() { self.try_read(read) } else { first } {
            Some(Ok(())) => true,
            Some(Err(error)) => {
                if !(is_damage(&error) && self.mend(&error)) {
                    self.tell_unread(&error);
                }
                false
            }
            None => false,
        }
    }

    /// The entries with these numbers. What is not as it was written is left out, and told.
    pub fn numbered(&self, numbers: &[i64]) -> Vec<Item> {
        let read = |connection: &Connection| {
            let found =
                numbers.iter().filter_map(|&id| entries::numbered(connection, id).transpose());
            found.collect::<Result<Vec<(Bytes, Read)>>>()
        };
        let mut items = Vec::with_capacity(numbers.len());
        for (key, read) in self.read(read).unwrap_or_default() {
            match read {
                Read::Item(item) => items.push(item),
                Read::Nothing => {}
                Read::Damaged => self.folder.tell_bad_row(&key),
            }
        }
        items
    }
}

fn outlines(
    connection: &Connection,
    name: Option<&[u8]>,
    keys: bool,
    draw: Draw<'_>,
) -> Result<()> {
    let Some(name) = name else {
        let mut all = connection.prepare_cached(if keys { WITH_KEYS } else { OUTLINES })?;
        return draw_all(&mut all, [], &names(connection)?, keys, draw);
    };
    let Some(function) = entries::function(connection, Some(name))? else { return Ok(()) };
    let mut all = connection.prepare_cached(if keys { WITH_KEYS_OF } else { OUTLINES_OF })?;
    let names = HashMap::from([(function, name.to_vec())]);
    draw_all(&mut all, [function], &names, keys, draw)
}

fn draw_all(
    statement: &mut Statement<'_>,
    given: impl rusqlite::Params,
    names: &HashMap<i64, Vec<u8>>,
    keys: bool,
    draw: Draw<'_>,
) -> Result<()> {
    let mut rows = statement.query(given)?;
    while let Some(row) = rows.next()? {
        let name = names.get(&row.get(4)?).map_or(&[][..], |name| name);
        draw(&Outline {
            number: row.get(0)?,
            name,
            key: if keys { key(row)? } else { &[] },
            size: u64::try_from(row.get::<_, i64>(1)?).unwrap_or_default(),
            created: row.get(2)?,
            took: row.get(3)?,
        });
    }
    Ok(())
}

fn key<'r>(row: &'r Row<'_>) -> Result<&'r [u8]> {
    Ok(row.get_ref(5)?.as_blob_or_null()?.unwrap_or_default())
}

/// The names of all functions, by their numbers.
fn names(connection: &Connection) -> Result<HashMap<i64, Vec<u8>>> {
    let mut names = connection.prepare_cached("SELECT id, name FROM function")?;
    names.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

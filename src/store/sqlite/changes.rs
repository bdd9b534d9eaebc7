//! What processes tell each other in a database: the entries that were replaced or removed.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use crate::store::snapshot::{salt_item, salt_of};
use crate::store::{Change, ExternalChange, Item, Purge};

/// How many rows are kept: a process that has read none of them takes everything for changed.
const KEPT: i64 = 10_000;
/// How many more rows there may be before they are dropped.
const SLACK: i64 = 1_000;

/// The part of a transaction that other processes are told of.
#[derive(Debug, Default)]
pub struct Logged {
    /// The number of the last row about changes.
    pub last: i64,
    /// The functions whose results were replaced or removed; `None` for all.
    pub affected: Vec<Option<Bytes>>,
}

/// The meaning of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The entry of a key was replaced or removed.
    Outdated = 1,
    /// Likewise; and computations of the key that began before are outdated.
    Purged = 2,
    /// Likewise for all keys that fit a pattern.
    Fitting = 3,
    /// Everything was removed.
    Cleared = 4,
    /// There is a salt.
    Salted = 5,
    /// Any entry may have changed.
    All = 6,
    /// As with a pattern; but of results that are there already, only those with a tag.
    Tagged = 7,
}

impl Kind {
    fn of(number: i64) -> Self {
        let known = [
            Self::Outdated,
            Self::Purged,
            Self::Fitting,
            Self::Cleared,
            Self::Salted,
            Self::Tagged,
        ];
        let found = known.into_iter().find(|&kind| kind as i64 == number);
        found.unwrap_or(Self::All)
    }
}

/// Adds a row.
pub fn add(connection: &Connection, writer: i64, kind: Kind, key: Option<&[u8]>) -> Result<i64> {
    let mut add =
        connection.prepare_cached("INSERT INTO change(writer, kind, key) VALUES (?1, ?2, ?3)")?;
    add.execute(params![writer, kind as i64, key])?;
    let number = connection.last_insert_rowid();
    if number % SLACK == 0 {
        // NOTE: the last row stays, because the numbers continue from it.
        let mut prune = connection.prepare_cached("DELETE FROM change WHERE n < ?1")?;
        prune.execute([number - KEPT])?;
    }
    Ok(number)
}

/// Returns the number of the last row.
pub fn last(connection: &Connection) -> Result<i64> {
    let mut last = connection.prepare_cached("SELECT max(n) FROM change")?;
    last.query_row([], |row| row.get::<_, Option<i64>>(0)).map(Option::unwrap_or_default)
}

/// Returns what others than `writer` reported after the row `seen`, and the number of the last row.
pub fn news(connection: &Connection, seen: i64, writer: i64) -> Result<(Vec<ExternalChange>, i64)> {
    let mut rows = connection
        .prepare_cached("SELECT n, writer, kind, key FROM change WHERE n > ?1 ORDER BY n")?;
    let (mut found, mut last) = (Vec::new(), seen);
    let row = |row: &Row<'_>| {
        let key = row.get_ref(3)?.as_blob_or_null()?.map(Bytes::copy_from_slice);
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?, key))
    };
    for row in rows.query_map([seen], row)? {
        let (number, by, kind, key) = row?;
        if number > last + 1 && last == seen {
            found.extend(everything());
        }
        last = number;
        if by != writer {
            take(connection, Kind::of(kind), key, &mut found)?;
        }
    }
    Ok((found, last))
}

/// Returns the news for a process that cannot know what has changed.
pub fn everything() -> [ExternalChange; 2] {
    [ExternalChange::Purge(Purge::All), ExternalChange::Outdated(None)]
}

fn take(
    connection: &Connection,
    kind: Kind,
    key: Option<Bytes>,
    found: &mut Vec<ExternalChange>,
) -> Result<()> {
    match (kind, key) {
        (Kind::Outdated, Some(key)) => found.push(ExternalChange::Outdated(Some(key))),
        (Kind::Purged, Some(key)) => {
            found.push(ExternalChange::Purge(Purge::Key(key.clone())));
            found.push(ExternalChange::Outdated(Some(key)));
        }
        (Kind::Fitting, Some(pattern)) => {
            found.push(ExternalChange::Purge(Purge::Fitting(pattern)));
        }
        (Kind::Tagged, Some(both)) => {
            found.extend(untagged(&both).map(ExternalChange::Purge));
        }
        (Kind::Cleared, _) => {
            found.push(ExternalChange::Purge(Purge::All));
            found.push(ExternalChange::Change(Change::Clear));
        }
        (Kind::Salted, _) => {
            let salt = salt(connection)?.map(|salt| ExternalChange::Change(Change::Put(salt)));
            found.extend(salt);
        }
        _ => found.extend(everything()),
    }
    Ok(())
}

/// Returns a pattern and a tag as one row holds them: the length of the tag in four bytes, both.
pub fn tagged(pattern: &[u8], tag: &[u8]) -> Vec<u8> {
    let length = u32::try_from(tag.len()).unwrap_or(u32::MAX).to_le_bytes();
    [&length, tag, pattern].concat()
}

fn untagged(both: &Bytes) -> Option<Purge> {
    let length = u32::from_le_bytes(*both.first_chunk()?) as usize;
    let (tag, pattern) = both.get(size_of::<u32>()..)?.split_at_checked(length)?;
    let (tag, pattern) = (Bytes::copy_from_slice(tag), Bytes::copy_from_slice(pattern));
    Some(Purge::Tagged { pattern, tag })
}

/// Returns the salt of the digests of secrets, if there is one yet.
pub fn salt(connection: &Connection) -> Result<Option<Item>> {
    let mut salt = connection.prepare_cached("SELECT value FROM meta WHERE name = 'salt'")?;
    let text: Option<String> = salt.query_row([], |row| row.get(0)).optional()?;
    Ok(text.map(|text| salt_item(&text)))
}

/// Stores the salt if `item` holds one; returns whether it does.
pub fn keep_salt(connection: &Connection, item: &Item) -> Result<bool> {
    let Some(salt) = salt_of(item) else { return Ok(false) };
    let mut keep = connection.prepare_cached("INSERT OR REPLACE INTO meta VALUES ('salt', ?1)")?;
    keep.execute([salt]).map(|_| true)
}

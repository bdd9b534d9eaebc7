//! What processes tell each other in a database: which entries were replaced or removed.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use crate::store::snapshot::{salt_item, salt_of};
use crate::store::{Change, ExternalChange, Item, Purge};

/// So many rows are kept: who has read none of the last ones takes everything for changed.
const KEPT: i64 = 10_000;
/// Rows are dropped when so many more are there.
const SLACK: i64 = 1_000;

/// What a row of the table says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The entry of a key is another one, or gone.
    Outdated = 1,
    /// The same, and computations of the key that began before are outdated.
    Purged = 2,
    /// So are computations of all keys that fit a pattern.
    Fitting = 3,
    /// Everything is gone.
    Cleared = 4,
    /// There is a salt.
    Salted = 5,
    /// All entries may be others.
    All = 6,
}

impl Kind {
    fn of(number: i64) -> Self {
        let known = [Self::Outdated, Self::Purged, Self::Fitting, Self::Cleared, Self::Salted];
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
        // NOTE: the last row stays, from whose number the next one counts on.
        let mut prune = connection.prepare_cached("DELETE FROM change WHERE n < ?1")?;
        prune.execute([number - KEPT])?;
    }
    Ok(number)
}

/// The number of the last row.
pub fn last(connection: &Connection) -> Result<i64> {
    let mut last = connection.prepare_cached("SELECT max(n) FROM change")?;
    last.query_row([], |row| row.get::<_, Option<i64>>(0)).map(Option::unwrap_or_default)
}

/// What others than `writer` said behind the row `seen`, and the number of the last row.
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

/// What must be taken for changed if nobody knows what was.
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

/// What digests of secrets are keyed with, if there is anything yet.
pub fn salt(connection: &Connection) -> Result<Option<Item>> {
    let mut salt = connection.prepare_cached("SELECT value FROM meta WHERE name = 'salt'")?;
    let text: Option<String> = salt.query_row([], |row| row.get(0)).optional()?;
    Ok(text.map(|text| salt_item(&text)))
}

/// Keeps the salt that `item` stands for; whether it stands for one.
pub fn keep_salt(connection: &Connection, item: &Item) -> Result<bool> {
    let Some(salt) = salt_of(item) else { return Ok(false) };
    let mut keep = connection.prepare_cached("INSERT OR REPLACE INTO meta VALUES ('salt', ?1)")?;
    keep.execute([salt]).map(|_| true)
}

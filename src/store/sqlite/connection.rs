//! Connections to a database, and the tables of a new one.

use std::fmt::Write;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Error, ErrorCode, OpenFlags, Result};

/// The application id that tells a cache from other programs' databases ("outl").
pub const APPLICATION: i32 = 0x6f75_746c;
/// The version of the tables; a database with a higher one is left alone.
pub const VERSION: i32 = 1;

/// How many prepared statements a connection keeps.
const STATEMENTS: usize = 40;
/// The length of the log, in bytes, at which a writer moves it into the database itself.
const LONGEST_LOG: u32 = 4 << 20;
/// The length, in bytes, to which the log file is cut after it was emptied.
const LOG_KEPT: u32 = 16 << 20;

/// How long a connection waits while a log is recovered, or the database is closed.
const RECOVERY: Duration = Duration::from_secs(5);
/// How long a writer waits for programs that do not use the lock file.
const OTHERS: Duration = Duration::from_millis(20);

const TABLES: &str = "
    CREATE TABLE entry(
        id INTEGER PRIMARY KEY, hash INTEGER NOT NULL, function INTEGER NOT NULL, used INTEGER NOT NULL,
        size INTEGER NOT NULL, created REAL, timed INTEGER NOT NULL, expires REAL, took REAL, code BLOB,
        others BLOB, crc INTEGER NOT NULL, key BLOB NOT NULL, text BLOB NOT NULL);
    CREATE INDEX entry_hash ON entry(hash);
    CREATE INDEX entry_used ON entry(function, used);
    CREATE INDEX entry_outline ON entry(function, created, size, took);
    CREATE INDEX entry_expires ON entry(expires) WHERE expires IS NOT NULL;
    CREATE TABLE function(
        id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, entries INTEGER NOT NULL,
        bytes INTEGER NOT NULL);
    CREATE TABLE change(n INTEGER PRIMARY KEY, writer INTEGER NOT NULL, kind INTEGER NOT NULL, key BLOB);
    CREATE TABLE meta(name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
    INSERT INTO meta VALUES ('history', random());
";

/// The owner of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing is in it.
    Empty,
    /// A cache.
    Ours,
    /// A cache of a later version.
    Later,
    /// Another program's.
    Foreign,
}

/// Opens the database at `path` for reading and writing.
pub fn open(path: &Path, fsync: bool) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    set_up(&connection)?;
    connection.pragma_update(None, "synchronous", if fsync { "FULL" } else { "NORMAL" })?;
    // Apple's plain sync leaves the data in the drive's cache; elsewhere this changes nothing.
    connection.pragma_update(None, "fullfsync", fsync)?;
    connection.pragma_update(None, "journal_size_limit", LOG_KEPT)?;
    Ok(connection)
}

/// Opens it for reading only; if `immutable`, as a file that never changes.
pub fn open_read_only(path: &Path, immutable: bool) -> Result<Connection> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = if immutable {
        flags |= OpenFlags::SQLITE_OPEN_URI;
        Connection::open_with_flags(uri(path), flags)?
    } else {
        Connection::open_with_flags(path, flags)?
    };
    set_up(&connection)?;
    Ok(connection)
}

fn set_up(connection: &Connection) -> Result<()> {
    connection.busy_timeout(RECOVERY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // The contents of a database are not trusted: it may come from anywhere.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")
}

/// Returns the path as SQLite reads it in a URI.
fn uri(path: &Path) -> String {
    let mut uri = "file:".to_owned();
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' => uri.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => uri.push(byte.into()),
            _ => {
                // Writing to a String cannot fail.
                let _ = write!(uri, "%{byte:02x}");
            }
        }
    }
    uri + "?immutable=1"
}

/// Returns whose database it is.
pub fn kind(connection: &Connection) -> Result<Kind> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    if number("application_id")? == APPLICATION {
        return Ok(if number("user_version")? > VERSION { Kind::Later } else { Kind::Ours });
    }
    let tables = "SELECT count(*) FROM sqlite_schema";
    let tables: i64 = connection.query_row(tables, [], |row| row.get(0))?;
    Ok(if tables == 0 { Kind::Empty } else { Kind::Foreign })
}

/// Makes the tables of an empty database.
pub fn found(connection: &Connection, page_size: u32) -> Result<()> {
    connection.pragma_update(None, "page_size", page_size)?;
    turn_to_wal(connection)?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let made = connection.execute_batch(TABLES).and_then(|()| {
        connection.pragma_update(None, "application_id", APPLICATION)?;
        connection.pragma_update(None, "user_version", VERSION)
    });
    match made {
        Ok(()) => connection.execute_batch("COMMIT"),
        Err(error) => {
            // The database is still empty; the next process tries again.
            let _ = connection.execute_batch("ROLLBACK");
            Err(error)
        }
    }
}

/// SQLite does not wait at this step, not even for readers that only look for tables.
fn turn_to_wal(connection: &Connection) -> Result<()> {
    let begun = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && begun.elapsed() < RECOVERY =>
            {
                std::thread::sleep(Duration::from_millis(1));
            }
            turned => return turned,
        }
    }
}

/// Returns whether a look waits for nobody.
pub fn is_free(connection: &Connection) -> bool {
    let look = || {
        connection.busy_timeout(Duration::ZERO)?;
        let mut look = connection.prepare_cached("SELECT 1 FROM meta LIMIT 1")?;
        look.query_row([], |_| Ok(()))
    };
    let is_free = look().is_ok();
    connection.busy_timeout(RECOVERY).is_ok() && is_free
}

/// Makes the connection wait for other programs as long as a writer does.
pub fn become_writer(connection: &Connection) -> Result<()> {
    connection.busy_timeout(OTHERS)
}

/// Makes a writer move the log into the database when it is long.
pub fn checkpoint_itself(connection: &Connection) -> Result<()> {
    let size: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    connection.pragma_update(None, "wal_autocheckpoint", LONGEST_LOG / size.max(1))
}

/// Returns the number that tells one database from its successor at the same path.
pub fn history(connection: &Connection) -> Result<i64> {
    let history = "SELECT value FROM meta WHERE name = 'history'";
    connection.prepare_cached(history)?.query_row([], |row| row.get(0))
}

/// Returns whether `error` says that writing is forbidden.
pub fn is_forbidden(error: &Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::DiskFull
        )
    )
}

/// Returns whether `error` says that the database is damaged.
pub fn is_damage(error: &Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Returns whether the program has closed none of the files of the database at this path.
type Look = fn(&Path) -> bool;

static LOOK: OnceLock<Look> = OnceLock::new();

/// Looks by `look`, from now on, whether the files of a database are still its own.
pub fn look_at_files_by(look: Look) {
    let _ = LOOK.set(look);
}

/// Returns whether idle connections to the database at `path` may be used.
pub fn are_intact(path: &Path) -> bool {
    LOOK.get().is_none_or(|look| look(path))
}

/// Returns whether `error` is one of the disk, or the program closed a file of the database: then
/// another connection reads and writes it.
pub fn is_cut_off(error: &Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is promised to survive a loss of power is synced as far as the system can.
    #[test]
    fn durability_asks_for_the_whole_sync() {
        let file = tempfile::NamedTempFile::new().expect("tests need a temporary folder");
        for fsync in [true, false] {
            let connection = open(file.path(), fsync).expect("an empty file is a database");
            let asked =
                |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
            assert_eq!(asked("fullfsync"), Ok(i32::from(fsync)));
            assert_eq!(asked("synchronous"), Ok(if fsync { 2 } else { 1 }));
        }
    }
}

//! Damage: an unusable database is set aside whole, and what can be read of it goes into a new one.

use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Error, Result};

use super::connection::{self, Kind, found};
use super::database::Database;
use super::entries::Read;
use super::state::State;
use super::{entries, packing, state};
use crate::error::Result as CacheResult;
use crate::stepping;
use crate::store::Item;

/// The files of a database, by the suffix of their names.
const PARTS: [&str; 3] = ["", "-wal", "-shm"];

impl Database {
    /// Opens the database, makes one if there is none, and mends one that is damaged.
    pub(super) fn make_or_mend(&self, state: &mut State) -> CacheResult<Connection> {
        if self.folder.fingerprint().is_some()
            && let Ok(connection) = self.connect(state.only_reads)
            && let Ok(kind) = connection::kind(&connection)
            && kind != Kind::Empty
            // Something beyond the header must be readable.
            && (kind != Kind::Ours || connection::history(&connection).is_ok())
        {
            return Ok(connection);
        }
        let _alone = self.alone(state::A_WHILE)?;
        self.make_or_mend_alone(state)
    }

    fn make_or_mend_alone(&self, state: &mut State) -> CacheResult<Connection> {
        let path = &self.folder.paths().snapshot;
        if self.folder.fingerprint().is_none() {
            // A log without its database would be taken for the log of the new one.
            for part in &PARTS[1..] {
                drop(self.folder.remove(&self.folder.paths().beside(part)));
            }
            let wrong =
                |source| crate::error::Error::Io { doing: "make", path: path.clone(), source };
            drop(self.folder.fs.create_new(path, None).map_err(wrong)?);
        }
        let opened = self.connect(state.only_reads).and_then(|connection| {
            if connection::kind(&connection)? == Kind::Empty {
                found(&connection, self.options.page_size)?;
            }
            connection::history(&connection)?;
            Ok(connection)
        });
        match opened {
            Err(error) if connection::is_damage(&error) && self.is_a_cache() => {
                self.set_aside(state, &error)?;
                let new = self.pool.take_writer().map_or_else(|| self.connect(false), Ok);
                new.map_err(|error| self.wrong("open", &error))
            }
            opened => opened.map_err(|error| self.wrong("open", &error)),
        }
    }

    /// Returns whether a damaged file was a cache. A text file that the user named by mistake was
    /// not.
    fn is_a_cache(&self) -> bool {
        let path = &self.folder.paths().snapshot;
        let mut start = [0; 72];
        // NOTE: nothing in this process has the file open; its locks would be lost.
        let read = self.folder.fs.open_read(path).and_then(|file| file.read_piece(0, &mut start));
        let is_ours = start[68..72] == connection::APPLICATION.to_be_bytes();
        read.is_ok_and(|length| length == start.len())
            && (is_ours || start.starts_with(b"SQLite format 3\0"))
    }

    /// Sets the database aside because a reader met damage; returns whether there is one to read.
    pub(super) fn mend(&self, error: &Error) -> bool {
        let mut state = self.state.lock();
        if state.only_reads {
            return false;
        }
        let Ok(_alone) = self.alone(state::A_WHILE) else { return false };
        let (opened, there) = (state.opened, self.folder.fingerprint());
        match (opened, there) {
            // Another thread or process has done so meanwhile.
            (Some(opened), Some(there)) if !opened.is_same_file(there) => true,
            _ => self.set_aside(&mut state, error).is_ok(),
        }
    }

    /// Renames the database and everything that belongs to it, and copies what can be read into a
    /// new one. The caller keeps other processes from writing.
    pub(super) fn set_aside(&self, state: &mut State, error: &Error) -> CacheResult<()> {
        self.pool.close();
        let kept = self.rename().map_err(|source| crate::error::Error::Io {
            doing: "set aside",
            path: self.folder.paths().snapshot.clone(),
            source,
        })?;
        let mut new = self.make_or_mend_alone(state)?;
        let saved = salvage(&kept, &mut new, self.use_now(state));
        self.begin(state, &new).map_err(|error| self.wrong("open", &error))?;
        self.pool.keep_writer(new);
        let kept = format!(
            "the database as it was is kept as {}: look there for what is missing, or delete it",
            kept.display()
        );
        self.folder.tell_set_aside(&error.to_string(), saved.unwrap_or(0), &kept);
        Ok(())
    }

    fn rename(&self) -> std::io::Result<PathBuf> {
        let (paths, now) = (self.folder.paths(), stepping::now());
        let names = (0..).map(|n| paths.damaged(now, n));
        let is_free = |name: &PathBuf| self.folder.fs.status(name).is_err();
        let name = names.into_iter().find(is_free).expect("there are enough numbers");
        for part in PARTS {
            let (from, to) = (paths.beside(part), with(&name, part));
            let renamed = self.folder.fs.rename(&from, &to);
            if part.is_empty() {
                renamed?;
            }
        }
        Ok(name)
    }
}

fn with(name: &Path, part: &str) -> PathBuf {
    let mut name = name.as_os_str().to_owned();
    name.push(part);
    name.into()
}

/// Copies what can be read of the database at `path` into `new`; returns the number of entries.
fn salvage(path: &Path, new: &mut Connection, used: i64) -> Result<usize> {
    let old = connection::open_read_only(path, false)
        .or_else(|_| connection::open_read_only(path, true))?;
    // SQLite reads a file that is shorter than it says only if its schema may be mended by hand.
    old.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false)?;
    old.pragma_update(None, "writable_schema", true)?;
    let transaction = new.transaction()?;
    let mut count = 0;
    for id in ids(&old) {
        // Rows that cannot be read, or not as they were written, are lost.
        if let Ok(Some(item)) = item(&old, id)
            && entries::find(&transaction, &item.key)?.is_none()
        {
            let packed = packing::packed(&item.text);
            entries::put(&transaction, &item, packed.as_deref(), None, used, None)?;
            count += 1;
        }
    }
    if let Ok(Some(salt)) = super::changes::salt(&old) {
        super::changes::keep_salt(&transaction, &salt)?;
    }
    transaction.commit()?;
    Ok(count)
}

/// Returns the numbers of all rows that can be found, through the table or through an index.
fn ids(old: &Connection) -> Vec<i64> {
    let mut found = std::collections::BTreeSet::new();
    for sql in [
        "SELECT id FROM entry NOT INDEXED ORDER BY id",
        "SELECT id FROM entry NOT INDEXED ORDER BY id DESC",
        "SELECT id FROM entry INDEXED BY entry_hash",
        "SELECT id FROM entry INDEXED BY entry_used",
        "SELECT id FROM entry INDEXED BY entry_outline",
    ] {
        let Ok(mut ids) = old.prepare(sql) else { continue };
        let Ok(rows) = ids.query_map([], |row| row.get::<_, i64>(0)) else { continue };
        found.extend(rows.map_while(Result::ok));
    }
    found.into_iter().collect()
}

/// Returns the entry with the number `id`, if it is as it was written.
fn item(old: &Connection, id: i64) -> Result<Option<Item>> {
    Ok(match entries::numbered(old, id)? {
        Some((_, Read::Item(item))) => Some(item),
        Some((_, Read::Nothing | Read::Damaged)) | None => None,
    })
}

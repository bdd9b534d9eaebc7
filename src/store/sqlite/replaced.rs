//! A database that somebody replaces or removes while it is in use.
//!
//! SQLite finds a log by the name of its database, and takes one that its predecessor left for the
//! log of the new database: pages of the old one would then stand in the new one.

use super::database::Database;
use super::state::{A_WHILE, State};
use crate::store::fs::FileFingerprint;

/// What belongs to a database that is in use, by the suffix of its name.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

impl Database {
    /// Notes which log belongs to the open database.
    pub(super) fn note_log(&self, state: &mut State) {
        let closings = self.pool.closings();
        if !state.only_reads && state.log.is_none_or(|(_, seen)| seen != closings) {
            state.log = self.log().map(|log| (log, closings));
        }
    }

    /// Leaves a database that is not at its path any more: what stands in its log is moved into it,
    /// wherever it is now, and the log is not left to its successor.
    pub(super) fn part_from_old(&self, state: &mut State) {
        if state.only_reads {
            return;
        }
        // Whether or not others can be kept out: the folder may be gone, too.
        let _alone = self.alone(A_WHILE);
        if let Some(old) = self.pool.take_writer() {
            // Results that cannot be moved there are only in this process.
            let _ = old.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        }
        let is_old =
            |log: FileFingerprint| state.log.is_some_and(|(known, _)| known.is_same_file(log));
        if self.log().is_some_and(is_old) {
            for part in BESIDE {
                drop(self.folder.remove(&self.folder.paths().beside(part)));
            }
        }
        state.log = None;
    }

    fn log(&self) -> Option<FileFingerprint> {
        let status = self.folder.fs.status(&self.folder.paths().beside("-wal"));
        status.ok().map(|status| status.fingerprint)
    }
}

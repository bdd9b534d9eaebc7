//! Notices about a database.

use std::io::{self, ErrorKind};

use rusqlite::{Error, ErrorCode};

use super::connection::Kind;
use crate::key::shown;
use crate::store::file::Folder;

/// Returns what SQLite reports, as an error of the system.
pub fn failure(error: &Error) -> io::Error {
    let kind = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => ErrorKind::WouldBlock,
        Some(ErrorCode::DiskFull) => ErrorKind::StorageFull,
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            ErrorKind::PermissionDenied
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => ErrorKind::InvalidData,
        _ => ErrorKind::Other,
    };
    io::Error::new(kind, error.to_string())
}

impl Folder {
    /// Reports a database that cannot be used.
    pub(super) fn tell_kind(&self, kind: Kind) {
        let why = match kind {
            Kind::Later => "it was written by a later version of outlive",
            _ => "it is another program's database",
        };
        self.tell_unusable(why, None);
    }

    /// Reports a database on the disk of another machine.
    pub(super) fn tell_network(&self) {
        let paths = self.paths();
        let Some(kind) = self.fs.network(&paths.folder) else { return };
        let text = format!(
            "{} is on a network drive ({kind}): a database there may be damaged, and is not shared as \
             soon as programs on two machines use it; put it on a local disk, or share results on a \
             server, Cache(\"redis://host/0\")",
            paths.snapshot.display()
        );
        self.tell("network", text);
    }

    /// Reports an entry that differs from what was written.
    pub(super) fn tell_bad_row(&self, key: &[u8]) {
        self.tell_row(&format!("the entry of {}: its checksum is wrong", shown(key)));
    }

    /// Reports that an entry is not used because of `why`.
    pub(super) fn tell_row(&self, why: &str) {
        let name = self.paths().snapshot.display();
        let text = format!("{name} is damaged: {why}; it is not used and will be made anew");
        self.tell("row", text);
    }

    /// Reports that a damaged database was set aside, and how many results were read from it.
    pub(super) fn tell_set_aside(&self, why: &str, results: usize, kept: &str) {
        self.tell_damaged(why, results, &format!("; {kept}"));
    }
}

//! Whose files beside a snapshot are believed: everybody who may write in a folder can put files
//! there.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};

use crate::store::fs::Status;

const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;

/// The reason why a file is not ours to read.
#[derive(Debug)]
struct Stranger(&'static str);

impl fmt::Display for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Stranger {}

/// Fails unless a file with this `status` beside `snapshot` is ours; `user` is this process's.
pub fn check(status: &Status, snapshot: Option<&Status>, user: Option<u32>) -> io::Result<()> {
    let why = if !status.regular {
        "it is no regular file"
    } else if !is_believed(status, snapshot, user) {
        "it belongs to somebody who may not write the cache"
    } else {
        return Ok(());
    };
    Err(io::Error::other(Stranger(why)))
}

/// The error for another program's file that has the name of a journal.
pub fn no_journal() -> io::Error {
    io::Error::other(Stranger("it is no journal"))
}

/// Returns whether `error` says that a file is not ours, so that it is skipped.
pub fn is_stranger(error: &io::Error) -> bool {
    let refused = error.get_ref().is_some_and(<dyn Error + Send + Sync>::is::<Stranger>);
    // A folder, a file that may not even be read, a symbolic link, a device or a socket.
    let forbidden = [ErrorKind::IsADirectory, ErrorKind::PermissionDenied].contains(&error.kind());
    refused || forbidden || is_link(error)
}

/// Returns whether only users who may write `snapshot` can have written the file.
fn is_believed(status: &Status, snapshot: Option<&Status>, user: Option<u32>) -> bool {
    let Some((owner, group)) = status.owner else { return true };
    let snapshots = snapshot.and_then(|snapshot| snapshot.owner);
    if owner == 0 || Some(owner) == user || Some(owner) == snapshots.map(|(owner, _)| owner) {
        return true;
    }
    let Some(snapshot) = snapshot else { return false };
    let shared =
        snapshot.mode & GROUP_WRITES != 0 && snapshots.is_some_and(|(_, own)| own == group);
    let open = status.mode & OTHERS_WRITE != 0 && snapshot.mode & OTHERS_WRITE == 0;
    shared && !open
}

/// `O_NOFOLLOW` says `ELOOP`, FreeBSD `EMLINK`; a socket or a pipe without a reader `ENXIO`.
#[cfg(unix)]
fn is_link(error: &io::Error) -> bool {
    let links = [nix::libc::ELOOP, nix::libc::EMLINK, nix::libc::ENXIO];
    error.raw_os_error().is_some_and(|number| links.contains(&number))
}

#[cfg(not(unix))]
fn is_link(_: &io::Error) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fs::FileFingerprint;

    fn status(owner: u32, group: u32, mode: u32) -> Status {
        let fingerprint = FileFingerprint { device: 1, inode: 1, size: 0, modified: 0 };
        Status { fingerprint, regular: true, links: 1, mode, owner: Some((owner, group)) }
    }

    /// A file beside the snapshot is believed if its owner is this user, root, the snapshot's
    /// owner, or in the group that may write the snapshot; nobody else may be able to write it.
    #[test]
    fn believed_files() {
        let (private, shared) = (status(7, 70, 0o600), status(7, 70, 0o664));
        let believed = |file: Status, snapshot| is_believed(&file, snapshot, Some(5));
        for owner in [0, 5, 7] {
            assert!(believed(status(owner, 1, 0o600), Some(&private)), "{owner}");
        }
        assert!(believed(status(5, 1, 0o600), None) && !believed(status(9, 70, 0o600), None));
        assert!(!believed(status(9, 70, 0o660), Some(&private)));
        assert!(believed(status(9, 70, 0o660), Some(&shared)));
        assert!(!believed(status(9, 71, 0o660), Some(&shared)));
        assert!(!believed(status(9, 70, 0o666), Some(&shared)));
    }
}

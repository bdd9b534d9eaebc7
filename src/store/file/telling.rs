//! Notices about the files: whole sentences that name the file and say what was kept.

use std::fmt::Display;
use std::io;
use std::path::Path;

use super::folder::Folder;
use crate::error::{Error, Result};
use crate::store::journal::Dropped;
use crate::store::lock::NoPage;

impl Folder {
    /// Adds the notice `text`, once for each subject that it is `about`.
    pub fn tell(&self, about: &str, text: String) {
        self.notices.lock().add(about, text);
    }

    /// Reports a change that could not be written.
    pub fn tell_unwritable(&self, error: &Error) {
        let text = format!(
            "{error}: new results stay in this process until that works, and are lost if it ends before"
        );
        self.tell(if is_forbidden(error) { "forbidden" } else { "append" }, text);
    }

    /// Reports a change that could not be written, unless another process is in the way: then it
    /// will be.
    pub fn tell_failure<T>(&self, result: &Result<T>) {
        if let Err(error) = result
            && !error.is_busy()
        {
            self.tell_unwritable(error);
        }
    }

    /// Reports that the folder could not be made: nothing can be written there, which is not
    /// reported again.
    pub(super) fn tell_no_folder(&self, error: &Error) {
        self.tell_unwritable(error);
        let mut notices = self.notices.lock();
        for about in ["forbidden", "append", "save", "folder"] {
            notices.mute(about);
        }
    }

    /// Reports that the snapshot could not be written; `unwritten` results are in no journal
    /// either.
    pub fn tell_unsaved(&self, error: &Error, unwritten: usize) {
        let others = match unwritten {
            0 => String::new(),
            1 => {
                "; 1 result that is in neither is lost when this process ends, unless a later save \
                  succeeds"
                    .to_owned()
            }
            many => format!(
                "; {many} results that are in neither are lost when this process ends, unless a later \
                 save succeeds"
            ),
        };
        let text = format!(
            "{error}: the file and its journals are as they were, nothing that is in them is lost{others}"
        );
        self.tell(if is_forbidden(error) { "forbidden" } else { "save" }, text);
    }

    /// Reports a journal or a folder that could not be read.
    pub fn tell_unread(&self, error: &Error) {
        let about = if is_forbidden(error) { "forbidden" } else { "read" };
        self.tell(about, format!("{error}: what it holds is not used"));
    }

    /// Reports that no file can be used.
    pub fn tell_unusable(&self, why: &str, error: Option<io::Error>) {
        let name = self.paths().snapshot.display();
        let cause = error.map_or_else(String::new, |error| format!(" ({error})"));
        let text = format!("{name}: {why}{cause}; it is not touched, results stay in this process");
        // Results that cannot be kept there are the same subject: one notice is enough.
        self.tell("forbidden", text);
    }

    /// Reports that the folder is gone.
    pub fn tell_folder_removed(&self) {
        let folder = self.paths().folder.display();
        let text = format!("{folder} was removed: results stay in this process until it is back");
        self.tell("folder", text);
    }

    /// Reports a file beside the snapshot that is not ours.
    pub fn tell_stranger(&self, path: &Path, error: &io::Error) {
        let text = format!("{}: {error}; it is not used and not touched", path.display());
        self.tell(&text.clone(), text);
    }

    /// Reports that a later version wrote here.
    pub fn tell_later(&self) {
        let text = format!(
            "{} or a journal of it was written by a later version of outlive: that is left as it is \
             and not used; new results are kept in a journal beside it, for the later version too",
            self.paths().snapshot.display()
        );
        self.tell("later", text);
    }

    /// Reports that locks are not supported here.
    pub fn tell_no_locks(&self) {
        let text = format!(
            "the file system of {} has no locks: only one process at a time should use the file",
            self.paths().snapshot.display()
        );
        self.tell("locks", text);
    }

    /// Reports that this process does not see the page that the others share.
    pub fn tell_no_page(&self, why: &NoPage) {
        let why: &dyn Display = match why {
            NoPage::Unsupported => return,
            NoPage::NotOurs(why) => why,
            // The next write to the journal fails for the same reason, and says more.
            NoPage::Unwritable(error) if is_full(error) => return,
            NoPage::Unwritable(error) => error,
        };
        let text = format!(
            "{}: {why}; what another process forgets or replaces is noticed at the next call that \
             looks into the file, not before",
            self.paths().lock.display()
        );
        self.tell("page", text);
    }

    /// Reports a journal that was partly unreadable.
    pub fn tell_dropped(&self, dropped: &Dropped) {
        let text = format!(
            "{}: {} bytes were damaged or only half written and were dropped; the other {} results \
             and changes in it are used",
            dropped.path.display(),
            dropped.bytes,
            dropped.kept
        );
        self.tell(&text.clone(), text);
    }

    /// Reports a damaged snapshot; `kept` says where its copy is.
    pub fn tell_damaged(&self, damage: &str, results: usize, kept: &str) {
        let name = self.paths().snapshot.display();
        let results = match results {
            1 => "1 result was".to_owned(),
            many => format!("{many} results were"),
        };
        let text = format!("{name} is damaged: {damage}; {results} read from it{kept}");
        self.tell(&text.clone(), text);
    }

    /// Reports a snapshot that holds nothing, not even an empty object.
    pub fn tell_empty(&self) {
        let text = format!("{} is empty: starting afresh", self.paths().snapshot.display());
        self.tell(&text.clone(), text);
    }

    /// Reports that a copy of the snapshot was kept because of `why`.
    pub fn tell_quarantined(&self, why: &str, kept: &str) {
        let text = format!("{}: {why}{kept}", self.paths().snapshot.display());
        self.tell(&text.clone(), text);
    }
}

/// Returns whether the disk is full, or a quota or limit is reached.
fn is_full(error: &io::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// Returns whether the place may only be read, or the path leads nowhere: then one notice is enough
/// for reading, appending and saving.
fn is_forbidden(error: &Error) -> bool {
    use std::io::ErrorKind::{NotADirectory, PermissionDenied, ReadOnlyFilesystem};
    let Error::Io { source, .. } = error else { return false };
    is_circle(source)
        || matches!(source.kind(), PermissionDenied | ReadOnlyFilesystem | NotADirectory)
}

/// Returns whether a path is a loop of links: the kind of that error has no stable name.
#[cfg(unix)]
pub(super) fn is_circle(error: &io::Error) -> bool {
    error.raw_os_error() == Some(nix::libc::ELOOP)
}

#[cfg(not(unix))]
pub(super) fn is_circle(_: &io::Error) -> bool {
    false
}

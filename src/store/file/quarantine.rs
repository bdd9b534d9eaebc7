//! Copies of damaged snapshots, under names that say what they are.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

use super::folder::Folder;
use super::paths::Sibling;
use crate::stepping;
use crate::store::fs::FileFingerprint;
use crate::store::snapshot::read::Snapshot;

/// The damaged snapshots that this process has seen.
#[derive(Debug, Default)]
pub struct Quarantine {
    /// The snapshot that has been copied, or that holds nothing worth a copy.
    kept: Option<FileFingerprint>,
    /// The snapshot to be copied before it is written over.
    owed: Option<FileFingerprint>,
}

impl Quarantine {
    /// Reports damage, and keeps a copy of the file unless it is only read. Returns whether the
    /// snapshot has to be written anew.
    pub fn judge(
        &mut self,
        folder: &Folder,
        fingerprint: FileFingerprint,
        read: &Snapshot,
        only_reads: bool,
    ) -> bool {
        let is_empty = fingerprint.size == 0;
        if read.damage.is_none() && !is_empty {
            return false;
        }
        if self.kept == Some(fingerprint) {
            return true;
        }
        self.kept = Some(fingerprint);
        self.owed = (only_reads && !is_empty).then_some(fingerprint);
        match &read.damage {
            Some(damage) if !is_empty => {
                let copy = where_kept(folder, only_reads);
                folder.tell_damaged(&damage.to_string(), read.items.len(), &copy);
            }
            _ => folder.tell_empty(),
        }
        true
    }

    /// Returns whether a copy of `snapshot` is to be made now; `true` only once.
    pub fn owes_copy_of(&mut self, snapshot: Option<FileFingerprint>) -> bool {
        self.owed.take().is_some_and(|damaged| snapshot == Some(damaged))
    }
}

/// Keeps a copy of the snapshot because of `why`, and reports it.
pub fn keep(folder: &Folder, why: &str, only_reads: bool) {
    let kept = where_kept(folder, only_reads);
    folder.tell_quarantined(why, &kept);
}

/// Keeps a copy; returns where it is and what to do with it, for a notice.
fn where_kept(folder: &Folder, only_reads: bool) -> String {
    if only_reads {
        return "; the file is left as it is".to_owned();
    }
    match keep_copy(folder) {
        Ok(copy) => format!(
            "; the file as it was is kept as {}: look there for what is missing, or delete it",
            copy.display()
        ),
        Err(error) => format!("; no copy of the file could be kept ({error})"),
    }
}

/// Copies the snapshot as it is now to a name that says what it is.
fn keep_copy(folder: &Folder) -> io::Result<PathBuf> {
    // A process that ended before it could save has made this copy; each run would add another.
    if let Some(copy) = equal_copy(folder) {
        return Ok(copy);
    }
    let (paths, now) = (folder.paths(), stepping::now());
    let mut n = 0;
    loop {
        let copy = paths.damaged(now, n);
        match folder.fs.copy(&paths.snapshot, &copy) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => n += 1,
            result => return result.map(|()| copy),
        }
    }
}

/// Removes all copies, and reports those that cannot be removed: the user wants their content gone.
pub fn erase(folder: &Folder) {
    let paths = folder.paths();
    for name in folder.names().unwrap_or_default() {
        let copy = paths.folder.join(&name);
        if paths.sibling(&name) == Some(Sibling::Damaged)
            && let Err(error) = folder.fs.remove(&copy)
        {
            let text = format!("{} could not be removed ({error}): it is kept", copy.display());
            folder.tell(&text.clone(), text);
        }
    }
}

/// Returns an existing copy of the file as it is now.
fn equal_copy(folder: &Folder) -> Option<PathBuf> {
    let paths = folder.paths();
    let found = folder.names().ok()?;
    let copies = found.iter().filter(|name| paths.sibling(name) == Some(Sibling::Damaged));
    copies.map(|name| paths.folder.join(name)).find(|copy| folder.holds_snapshot(copy))
}

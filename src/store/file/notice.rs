//! What the user is told: each trouble once, in whole sentences that name the file.

use std::collections::HashSet;
use std::path::Path;

use super::Inner;
use crate::error::Error;

/// Notices that wait to be fetched, and what was told already.
#[derive(Debug, Default)]
pub struct Notices {
    waiting: Vec<String>,
    told: HashSet<String>,
}

impl Notices {
    /// Keeps `text` for the user, unless something `about` the same was told before.
    fn add(&mut self, about: &str, text: String) {
        if self.told.insert(about.to_owned()) {
            self.waiting.push(text);
        }
    }

    /// All notices since the last call.
    pub fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.waiting)
    }

    /// For the child of a fork: what was told stays told, what waits is the parent's to tell.
    pub fn child(&self) -> Self {
        Self { waiting: Vec::new(), told: self.told.clone() }
    }
}

impl Inner {
    /// Tells the user `text`, once for each thing that it is `about`.
    pub fn tell(&self, about: &str, text: String) {
        self.notices.lock().add(about, text);
    }

    /// A change could not be written down.
    pub fn tell_unwritable(&self, error: &Error) {
        let text = format!(
            "{error}: new results stay in this process and are written at the next save that works"
        );
        self.tell(if is_forbidden(error) { "forbidden" } else { "append" }, text);
    }

    /// The snapshot could not be written.
    pub fn tell_unsaved(&self, error: &Error) {
        let text = format!(
            "{error}: the file and its journals are as they were, nothing that is in them is lost; \
             the next save tries again"
        );
        self.tell(if is_forbidden(error) { "forbidden" } else { "save" }, text);
    }

    /// A journal or a folder could not be read.
    pub fn tell_unread(&self, error: &Error) {
        self.tell("read", format!("{error}: what it holds is not used"));
    }

    /// There are no locks here.
    pub fn tell_no_locks(&self) {
        let text = format!(
            "the file system of {} has no locks: only one process at a time should use the file",
            self.names().snapshot.display()
        );
        self.tell("locks", text);
    }

    /// Part of a journal was unreadable.
    pub fn tell_dropped(&self, journal: &Path, bytes: usize, kept: usize) {
        let text = format!(
            "{}: {bytes} bytes were damaged or only half written and were dropped; the other \
             {kept} results and changes in it are used",
            journal.display()
        );
        self.tell(&text.clone(), text);
    }
}

/// Whether the place may only be read: then one notice is enough for appends and saves.
fn is_forbidden(error: &Error) -> bool {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    let Error::Io { source, .. } = error else { return false };
    matches!(source.kind(), PermissionDenied | ReadOnlyFilesystem)
}

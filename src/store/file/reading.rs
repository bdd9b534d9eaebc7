//! Reading the disk: the chain of journals, and the snapshot that belongs to it.

use std::io::{self, ErrorKind};

use super::chain::Chain;
use super::folder::Folder;
use super::generations::Generations;
use super::phase::{PROTECTED, Phase};
use super::quarantine::Quarantine;
use super::replace;
use super::snapshot_file::{self, Contents, Found};
use super::telling::is_circle;
use crate::store::Format;
use crate::store::fs::FileFingerprint;
use crate::store::snapshot::somebody_elses;

/// How often everything is read again while others save; beyond that it is no save that disturbs.
const LOOKS: u32 = 100;

/// What was read.
#[derive(Debug, Default)]
pub struct Reading {
    /// The phase that follows: whether there is something to work with.
    pub phase: Phase,
    /// The format of the snapshot, if there is one that says so.
    pub format: Option<Format>,
    /// Whether a later version wrote the snapshot.
    pub is_later: bool,
    /// The journals and the snapshot, unless one of them cannot be read.
    pub files: Option<(Chain, Found)>,
}

impl Reading {
    /// The reading of files that cannot be used.
    fn unusable(phase: Phase) -> Self {
        Self { phase, ..Self::default() }
    }
}

/// Reads the files of one cache; problems become notices.
#[derive(Debug)]
pub struct FileReader<'a> {
    generations: &'a Generations,
    quarantine: &'a mut Quarantine,
    /// Whether nothing may be created in the folder while reading.
    only_reads: bool,
}

impl<'a> FileReader<'a> {
    /// A reader that passes damaged snapshots to `quarantine`.
    pub fn new(
        generations: &'a Generations,
        quarantine: &'a mut Quarantine,
        only_reads: bool,
    ) -> Self {
        Self { generations, quarantine, only_reads }
    }

    /// Reads everything. If the snapshot has just disappeared, waits until it is certain that it
    /// stays away; `was_there` says that this process knew it.
    pub fn read(&mut self, was_there: bool) -> Reading {
        let read = self.read_now();
        let Some((chain, found)) = &read.files else { return read };
        // git, for example, removes a file and creates it again a moment later.
        let is_gone = found.fingerprint.is_none() && (was_there || chain.knew_snapshot());
        if is_gone && self.folder().brings_snapshot_back() { self.read_now() } else { read }
    }

    fn folder(&self) -> &'a Folder {
        self.generations.folder()
    }

    /// Reads the journals, then the snapshot: whatever a save removes from the journals meanwhile
    /// is in the snapshot then. If other journals are there by now, or if they do not know the
    /// snapshot and have grown, everything is read once more.
    fn read_now(&mut self) -> Reading {
        let mut left = LOOKS;
        loop {
            let chain = match self.generations.read_all() {
                Ok(chain) => chain,
                Err(error) => {
                    let wrong = self.folder().journal_error("read the journal of");
                    self.folder().tell_unread(&wrong(error));
                    return Reading::default();
                }
            };
            let (mut read, found) = self.read_snapshot();
            let Some(found) = found else { return read };
            let found = self.or_whole(&chain, found);
            left -= 1;
            let is_known = chain.accounts_for(found.fingerprint);
            let is_still = || self.generations.list().is_ok_and(|found| chain.is_still(&found));
            if left == 0 || is_still() && (is_known || chain.is_quiet()) {
                read.files = Some((chain, found));
                return read;
            }
        }
    }

    /// Returns what was found, or the whole copy beside it if the journals know that instead: its
    /// writer died before it had written the copy over the snapshot, or before it could say so. If
    /// a later version wrote the copy, the copy counts.
    fn or_whole(&self, chain: &Chain, found: Found) -> Found {
        let folder = self.folder();
        let unknown = |placed: &FileFingerprint| chain.last().is_some() && !chain.knows(*placed);
        let Some(placed) = found.fingerprint.filter(unknown) else { return found };
        let whole = folder.fs.status(&folder.paths().whole);
        let whole = whole.map(|status| status.fingerprint).ok();
        let Some(whole) = whole.filter(|&whole| chain.knows(whole)) else { return found };
        if whole.modified < placed.modified {
            let is_copy = replace::is_written_over(folder, placed);
            let whole = Some(whole).filter(|_| is_copy).or(found.whole);
            return Found { whole, ..found };
        }
        match snapshot_file::read_whole(folder) {
            Ok(Some((read_as, read))) if read_as == whole => {
                Found { items: read.items, whole: Some(whole), ..found }
            }
            _ => found,
        }
    }

    /// Reads the snapshot. Something that is no file, or may not be read, is left alone from now
    /// on.
    fn read_snapshot(&mut self) -> (Reading, Option<Found>) {
        let folder = self.folder();
        let Contents { fingerprint, read, whole } = match snapshot_file::read_steadily(folder) {
            Ok(Some(found)) => found,
            Ok(None) => {
                let why = "the cache's path is no regular file";
                return self.leave_alone(Phase::Unusable(why), why, None);
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let empty = Reading { phase: Phase::Following, ..Reading::default() };
                return (empty, Some(Found::default()));
            }
            Err(error) => {
                let why = "the file cannot be read";
                let for_good = error.kind() == ErrorKind::PermissionDenied || is_circle(&error);
                let phase = if for_good { Phase::Unusable(why) } else { Phase::Unknown };
                return self.leave_alone(phase, why, Some(error));
            }
        };
        if let Some(what) = somebody_elses(&folder.paths().snapshot, &read) {
            let (why, what) =
                ("the file is no cache", format!("it looks like somebody else's: {what}"));
            return self.leave_alone(Phase::Unusable(why), why, Some(io::Error::other(what)));
        }
        let protected = Phase::Unusable(PROTECTED);
        let phase = if folder.is_write_protected() { protected } else { Phase::Following };
        let (format, is_later) = (read.format, read.later.is_some());
        let only_reads = self.only_reads;
        let mut judge = || self.quarantine.judge(folder, fingerprint, &read, only_reads);
        let rewrite = whole.is_some() || judge();
        let found = Found { items: read.items, fingerprint: Some(fingerprint), rewrite, whole };
        (Reading { phase, format, is_later, files: None }, Some(found))
    }

    /// Reports why no file can be used, and goes on without one.
    fn leave_alone(
        &self,
        phase: Phase,
        why: &'static str,
        error: Option<io::Error>,
    ) -> (Reading, Option<Found>) {
        self.folder().tell_unusable(why, error);
        (Reading::unusable(phase), None)
    }
}

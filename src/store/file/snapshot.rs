//! Reading the snapshot: with patience while somebody rewrites it, and with care for what is damaged.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Inner;
use super::names::Kind;
use super::state::State;
use crate::stepping;
use crate::store::Items;
use crate::store::fill::fill;
use crate::store::fs::{FileFingerprint, Status};
use crate::store::snapshot::read::{Reader, Snapshot};

/// How often a file is read again that changes while it is read.
const TRIES: u32 = 20;
/// The pause before it is.
const PAUSE: Duration = Duration::from_millis(10);
/// A file that was last written to longer ago has no writer at work.
const RECENT: Duration = Duration::from_secs(2);
/// How often a file is looked at that may have one.
const LOOKS: u32 = 30;

/// What stands at the snapshot's place.
#[derive(Debug, Default)]
pub struct Found {
    /// Its entries.
    pub items: Items,
    /// Its state; `None` if there is none.
    pub fingerprint: Option<FileFingerprint>,
}

impl Inner {
    /// Reads the snapshot. What is no file, or may not be read, is left alone from now on.
    pub fn read_snapshot(&self, state: &mut State) -> Found {
        state.format = None;
        match self.read_steadily() {
            Ok(Some((fingerprint, read))) => {
                if read.later.is_some() {
                    let why = "the file was written by a later version of outlive";
                    return self.leave_alone(state, why, None);
                }
                state.format = read.format;
                self.judge(state, fingerprint, &read);
                if self.is_write_protected() {
                    state.broken = Some("the file is write-protected");
                }
                Found { items: read.items, fingerprint: Some(fingerprint) }
            }
            Ok(None) => self.leave_alone(state, "the cache's path is no regular file", None),
            Err(error) if error.kind() == ErrorKind::NotFound => Found::default(),
            Err(error) => self.leave_alone(state, "the file cannot be read", Some(error)),
        }
    }

    /// Whether the snapshot's mode lets nobody write. A rename would get around it, but is not meant.
    fn is_write_protected(&self) -> bool {
        let status = self.fs.status(&self.names().snapshot);
        status.is_ok_and(|status| status.mode != 0 && status.mode & 0o222 == 0)
    }

    /// Reads a file that stays the same meanwhile; `None` if there is something else than a file.
    fn read_steadily(&self) -> io::Result<Option<(FileFingerprint, Snapshot)>> {
        let mut left = TRIES;
        loop {
            let Some((fingerprint, read)) = self.read_once()? else { return Ok(None) };
            left -= 1;
            // A foreign writer empties the file first: what looks damaged may be half written.
            if left == 0 || (read.damage.is_none() && fingerprint.size > 0) {
                return Ok(Some((fingerprint, read)));
            }
            if !self.changes_soon(fingerprint) {
                return Ok(Some((fingerprint, read)));
            }
        }
    }

    /// Whether somebody is at work on the snapshot: one that was written to a moment ago is watched
    /// for a while, because a busy machine may hold its writer up.
    fn changes_soon(&self, fingerprint: FileFingerprint) -> bool {
        let age = stepping::now().duration_since(fingerprint.time());
        let looks = if age.is_ok_and(|age| age > RECENT) { 1 } else { LOOKS };
        (0..looks).any(|_| {
            stepping::sleep(PAUSE);
            self.fingerprint() != Some(fingerprint)
        })
    }

    fn read_once(&self) -> io::Result<Option<(FileFingerprint, Snapshot)>> {
        let path = &self.names().snapshot;
        // Before it is opened: to open a device may do something.
        if !self.fs.status(path)?.regular {
            return Ok(None);
        }
        let file = self.fs.open_read(path)?;
        let mut before = file.status()?;
        for _ in 0..TRIES {
            let mut reader = Reader::default();
            let piece = |start, into: &mut [u8]| file.read_piece(start, into);
            let bytes = fill(before.fingerprint.size, piece, |text| reader.advance(text))?;
            let after = file.status()?;
            if whole(&bytes, &after) && after.fingerprint == before.fingerprint {
                return Ok(before.regular.then(|| (before.fingerprint, reader.finish(&bytes))));
            }
            before = after;
            stepping::sleep(PAUSE);
        }
        Err(io::Error::other("it changes all the time"))
    }

    /// Tells what is damaged, and sees to it that the file is kept and written anew.
    fn judge(&self, state: &mut State, fingerprint: FileFingerprint, read: &Snapshot) {
        let empty = fingerprint.size == 0;
        let Some(damage) = read
            .damage
            .as_ref()
            .map(ToString::to_string)
            .or_else(|| empty.then(|| "it is empty".to_owned()))
        else {
            return;
        };
        state.rewrite = true;
        if state.kept == Some(fingerprint) {
            return;
        }
        state.kept = Some(fingerprint);
        let only_reads = self.only_reads.load(Ordering::Relaxed);
        state.owes_copy = (only_reads && !empty).then_some(fingerprint);
        let copy = if empty { String::new() } else { self.where_kept() };
        let name = self.names().snapshot.display();
        let kept = match read.items.len() {
            1 => "1 result was".to_owned(),
            many => format!("{many} results were"),
        };
        let text = if empty {
            format!("{name} is empty: starting afresh")
        } else {
            format!("{name} is damaged: {damage}; {kept} read from it{copy}")
        };
        self.tell(&text.clone(), text);
    }

    /// Keeps a copy and says where, and what to do with it.
    fn where_kept(&self) -> String {
        if self.only_reads.load(Ordering::Relaxed) {
            return "; the file is left as it is".to_owned();
        }
        match self.keep_copy() {
            Ok(copy) => format!(
                "; the file as it was is kept as {}: look there for what is missing, or delete it",
                copy.display()
            ),
            Err(error) => format!("; no copy of the file could be kept ({error})"),
        }
    }

    /// Copies the snapshot as it is now to a name that tells what it is.
    fn keep_copy(&self) -> io::Result<PathBuf> {
        // A process that ended before it could save has made one: each run would add another.
        if let Some(copy) = self.equal_copy() {
            return Ok(copy);
        }
        let (names, now) = (self.names(), stepping::now());
        let mut n = 0;
        loop {
            let copy = names.damaged(now, n);
            match self.fs.copy(&names.snapshot, &copy) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => n += 1,
                result => return result.map(|()| copy),
            }
        }
    }

    /// A copy that was kept of the file as it is now.
    fn equal_copy(&self) -> Option<PathBuf> {
        let names = self.names();
        let contents = |path: &Path| {
            let file = self.fs.open_read(path)?;
            let size = file.status()?.fingerprint.size;
            Ok::<_, io::Error>((size, file))
        };
        let (size, file) = contents(&names.snapshot).ok()?;
        let equals = |path: &PathBuf| {
            let Ok((other_size, other)) = contents(path) else { return false };
            let bytes = || Some((file.read(0, size).ok()?, other.read(0, size).ok()?));
            size == other_size && bytes().is_some_and(|(one, two)| one == two)
        };
        let found = self.fs.list(&names.folder).ok()?;
        let copies = found.iter().filter(|name| names.kind(name) == Some(Kind::Damaged));
        copies.map(|name| names.folder.join(name)).find(equals)
    }

    /// Keeps a copy of the snapshot because `why`, and says so.
    pub fn set_aside(&self, why: &str) {
        let name = self.names().snapshot.display();
        let text = format!("{name}: {why}{}", self.where_kept());
        self.tell(&text.clone(), text);
    }

    /// Goes on without a file.
    fn leave_alone(&self, state: &mut State, why: &'static str, error: Option<io::Error>) -> Found {
        state.broken = Some(why);
        let name = self.names().snapshot.display();
        let cause = error.map_or_else(String::new, |error| format!(" ({error})"));
        let text = format!("{name}: {why}{cause}; it is not touched, results stay in this process");
        // The same matter as results that cannot be kept there: told once.
        self.tell("forbidden", text);
        Found::default()
    }
}

/// Whether `bytes` are all that the file holds.
fn whole(bytes: &[u8], status: &Status) -> bool {
    bytes.len() as u64 == status.fingerprint.size
}

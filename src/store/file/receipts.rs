//! Receipts of all runs, in `NAME.json.receipts`: counts of calls and what they saved, by function.
//!
//! Each run appends a line of JSON when it ends, so that runs are not in each other's way. A long
//! file is summed up in one line; the file itself is locked meanwhile, where the system has locks.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::appender::Appender;
use super::folder::Folder;
use super::trust;
use crate::stepping;
use crate::store::fs::{Disk, Handle, LockHandle, LockMode, LockPart, Status, Taken};
use crate::sync::Arc;
use crate::value::write::Charset;

/// From this size on a file is summed up, in bytes.
const LONG: u64 = 64_000;
/// How often a busy file is tried, and how long a try waits.
const TRIES: u32 = 2000;
const PAUSE: Duration = Duration::from_millis(5);

/// Calls, hits, misses, seconds saved and cost saved.
pub type Counts = (i64, i64, i64, f64, f64);

/// The counts of each function, by name.
pub type Receipts = BTreeMap<String, Counts>;

/// The receipts beside one cache.
#[derive(Debug)]
pub struct KeptReceipts {
    folder: Folder,
}

impl KeptReceipts {
    /// Those beside the cache at `path`. Does no I/O.
    pub fn beside(path: PathBuf) -> Self {
        Self { folder: Folder::new(Arc::new(Disk), path, Charset::Utf8) }
    }

    /// Returns the sum of all lines; unreadable ones are skipped. There are none in a file that is
    /// not ours.
    pub fn read(&self) -> io::Result<Receipts> {
        let file = match self.folder.fs.open_read(&self.path()) {
            Err(error) if error.kind() == ErrorKind::NotFound || trust::is_stranger(&error) => {
                return Ok(Receipts::new());
            }
            opened => opened?,
        };
        let status = file.status()?;
        if self.check(&status).is_err() {
            return Ok(Receipts::new());
        }
        Ok(sum(&file.read(0, status.fingerprint.size)?))
    }

    /// Adds a line with what is new.
    pub fn add(&self, news: &Receipts) -> io::Result<()> {
        let (fs, path) = (&self.folder.fs, self.path());
        loop {
            let lock = fs.open_lock(&path, self.folder.journal_like().as_ref())?;
            let status = lock.status()?;
            self.check(&status)?;
            wait_for(&*lock)?;
            if !self.is_in_place(&path, &*lock) {
                continue; // it was summed up while we waited
            }
            let size = lock.glance()?.size;
            if size > LONG {
                return self.sum_up(news);
            }
            return match lock.write_at(size, &self.line_behind(size, news)?) {
                Err(error) if error.kind() == ErrorKind::Unsupported => {
                    drop(lock); // Windows lets nobody else write to a file that is locked
                    append(&*fs.open_append(&path)?, &line(news)?)
                }
                written => written,
            };
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.paths().beside(".receipts")
    }

    fn check(&self, status: &Status) -> io::Result<()> {
        trust::check(status, self.folder.like().as_ref(), self.folder.fs.user())
    }

    fn is_in_place(&self, path: &Path, lock: &dyn LockHandle) -> bool {
        let both = (self.folder.fs.status(path), lock.status());
        matches!(both, (Ok(named), Ok(held)) if named.fingerprint.is_same_file(held.fingerprint))
    }

    /// Returns the line for `news`, on a line of its own even behind a torn one.
    fn line_behind(&self, size: u64, news: &Receipts) -> io::Result<Vec<u8>> {
        let last = match size {
            0 => None,
            size => self.folder.fs.open_read(&self.path())?.read(size - 1, size)?.pop(),
        };
        let start: &[u8] = if last.is_none_or(|byte| byte == b'\n') { b"" } else { b"\n" };
        Ok([start, &line(news)?].concat())
    }

    /// Replaces all lines by their sum, while nobody appends.
    fn sum_up(&self, news: &Receipts) -> io::Result<()> {
        let mut whole = self.read()?;
        for (name, counts) in news {
            add(&mut whole, name.clone(), *counts);
        }
        let (fs, new) = (&self.folder.fs, self.folder.paths().beside(".receipts-new"));
        self.folder.remove(&new)?;
        let file = fs.create_new(&new, self.folder.journal_like().as_ref())?;
        append(&*file, &line(&whole)?)?;
        fs.rename(&new, &self.path())
    }
}

/// Waits until nobody else appends.
fn wait_for(lock: &dyn LockHandle) -> io::Result<()> {
    for _ in 0..TRIES {
        if lock.try_lock(LockPart::Checkpoint, LockMode::Exclusive)? != Taken::Busy {
            return Ok(());
        }
        stepping::sleep(PAUSE);
    }
    Err(io::Error::new(ErrorKind::TimedOut, "another process keeps the file locked"))
}

fn append(file: &dyn Handle, line: &[u8]) -> io::Result<()> {
    Appender(file).write_all(line)
}

fn sum(text: &[u8]) -> Receipts {
    let mut found = Receipts::new();
    for line in text.split(|&byte| byte == b'\n') {
        // An unreadable line is torn, or somebody's hand.
        let receipts: Receipts = serde_json::from_slice(line).unwrap_or_default();
        for (name, counts) in receipts {
            add(&mut found, name, counts);
        }
    }
    found
}

fn add(known: &mut Receipts, name: String, more: Counts) {
    let (calls, hits, misses, seconds, cost) = known.entry(name).or_default();
    *calls = calls.saturating_add(more.0);
    *hits = hits.saturating_add(more.1);
    *misses = misses.saturating_add(more.2);
    *seconds += more.3;
    *cost += more.4;
}

/// Returns `receipts` as a line; JSON has no infinite numbers, so those count nothing.
fn line(receipts: &Receipts) -> io::Result<Vec<u8>> {
    let finite = |number: f64| if number.is_finite() { number } else { 0.0 };
    let finite = receipts
        .iter()
        .map(|(name, it)| (name, (it.0, it.1, it.2, finite(it.3), finite(it.4))))
        .collect::<BTreeMap<_, _>>();
    let mut line = serde_json::to_vec(&finite)?;
    line.push(b'\n');
    Ok(line)
}

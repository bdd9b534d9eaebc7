//! Receipts of all runs, in `NAME.json.receipts`: counts of calls and what they saved, by function.
//!
//! Each run appends a line of JSON when it ends, so that runs are not in each other's way. A long
//! file is summed up in one line; the file itself is locked meanwhile, where the system has locks.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::time::Duration;

use super::appender::Appender;
use super::folder::Folder;
use super::trust;
use crate::stepping;
use crate::store::fs::{Disk, Fs, LockHandle, LockMode, LockPart, Status, Taken};
use crate::store::lock::is_still;
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
        Self::on(Arc::new(Disk), path)
    }

    /// Those beside the cache at `path` of the file system `fs`. Does no I/O.
    pub fn on(fs: Arc<dyn Fs>, path: PathBuf) -> Self {
        Self { folder: Folder::new(fs, path, Charset::Utf8) }
    }

    /// Returns the sum of all lines; unreadable ones are skipped. There are none in a file that is
    /// not ours.
    pub fn read(&self) -> io::Result<Receipts> {
        Ok(sum(&self.text()?))
    }

    /// Adds a line with what is new.
    pub fn add(&self, news: &Receipts) -> io::Result<()> {
        let (fs, path) = (&self.folder.fs, self.path());
        loop {
            let lock = fs.open_lock(&path, self.folder.journal_like().as_ref())?;
            self.check(&lock.status()?)?;
            // NOTE: before it is locked, as Windows lets nobody read what is.
            let text = self.text()?;
            wait_for(&*lock)?;
            let size = lock.glance()?.size;
            if size != text.len() as u64 || !is_still(&**fs, &path, &*lock) {
                continue; // somebody appended to it, or summed it up, while we waited
            }
            if size > LONG && self.sum_up(sum(&text), news).is_ok() {
                return Ok(());
            }
            return lock.write_at(size, &line_behind(&text, news)?);
        }
    }

    fn text(&self) -> io::Result<Vec<u8>> {
        let file = match self.folder.fs.open_read(&self.path()) {
            Err(error) if error.kind() == ErrorKind::NotFound || trust::is_stranger(&error) => {
                return Ok(Vec::new());
            }
            opened => opened?,
        };
        let status = file.status()?;
        if self.check(&status).is_err() {
            return Ok(Vec::new());
        }
        file.read(0, status.fingerprint.size)
    }

    fn path(&self) -> PathBuf {
        self.folder.paths().beside(".receipts")
    }

    fn check(&self, status: &Status) -> io::Result<()> {
        trust::check(status, self.folder.like().as_ref(), self.folder.fs.user())
    }

    /// Replaces all lines by their sum, while nobody appends. That fails on a full disk, and on file
    /// systems of Windows that keep a name as long as its file is open: the lines stay as they are.
    fn sum_up(&self, mut whole: Receipts, news: &Receipts) -> io::Result<()> {
        for (name, counts) in news {
            add(&mut whole, name.clone(), *counts);
        }
        let (fs, new) = (&self.folder.fs, self.folder.paths().beside(".receipts-new"));
        self.folder.remove(&new)?;
        let file = fs.create_new(&new, self.folder.journal_like().as_ref())?;
        let written = Appender(&*file).write_all(&line(&whole)?);
        drop(file); // Windows renames and removes what is closed
        let replaced = written.and_then(|()| fs.rename(&new, &self.path()));
        if replaced.is_err() {
            drop(self.folder.remove(&new));
        }
        replaced
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

/// Returns the line for `news`, on a line of its own even behind a torn one.
fn line_behind(text: &[u8], news: &Receipts) -> io::Result<Vec<u8>> {
    let start: &[u8] = if text.last().is_none_or(|&byte| byte == b'\n') { b"" } else { b"\n" };
    Ok([start, &line(news)?].concat())
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

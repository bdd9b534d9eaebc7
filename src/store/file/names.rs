//! The names of the files beside a snapshot.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::store::lock::checkpoint_path;

/// Where everything is, symbolic links resolved.
#[derive(Clone, Debug)]
pub struct Names {
    /// `NAME.json`.
    pub snapshot: PathBuf,
    /// The folder it is in.
    pub folder: PathBuf,
    /// `NAME.json.lock`.
    pub lock: PathBuf,
    /// What is locked for folding: the same file, or one more where ranges cannot be locked.
    pub fold: PathBuf,
}

/// What a name in the folder is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The journal of this generation.
    Journal(u64),
    /// A temporary file.
    Temporary,
    /// The copy of a damaged file.
    Damaged,
}

impl Names {
    /// The names beside `snapshot`.
    pub fn new(snapshot: PathBuf) -> Self {
        let folder = snapshot.parent().unwrap_or(Path::new("/")).to_path_buf();
        let lock = beside(&snapshot, ".lock");
        Self { fold: checkpoint_path(&lock), lock, folder, snapshot }
    }

    /// The journal of `generation`.
    pub fn journal(&self, generation: u64) -> PathBuf {
        beside(&self.snapshot, &format!(".journal-{generation}"))
    }

    /// A temporary name that nobody else uses.
    pub fn temporary(&self) -> PathBuf {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let unique = format!(".tmp-{}-{}-{count}", std::process::id(), micros());
        beside(&self.snapshot, &unique)
    }

    /// The name of a copy of a damaged file, the `n`th made in the same second.
    pub fn damaged(&self, now: SystemTime, n: u32) -> PathBuf {
        let suffix = if n == 0 { String::new() } else { format!("-{n}") };
        beside(&self.snapshot, &format!(".damaged-{}{suffix}", utc(now)))
    }

    /// What the file `name` in the folder is, if it is one of ours.
    pub fn kind(&self, name: &OsStr) -> Option<Kind> {
        let stem = self.snapshot.file_name()?.as_encoded_bytes();
        let rest = name.as_encoded_bytes().strip_prefix(stem)?;
        if rest.starts_with(b".tmp-") {
            return Some(Kind::Temporary);
        }
        if rest.starts_with(b".damaged-") {
            return Some(Kind::Damaged);
        }
        generation(rest.strip_prefix(b".journal-")?).map(Kind::Journal)
    }
}

/// The number that `digits` spell as we would; one that leaves no room for others after it is none.
fn generation(digits: &[u8]) -> Option<u64> {
    let text = str::from_utf8(digits).ok()?;
    let number: u64 = text.parse().ok().filter(|number| *number < u64::MAX / 2)?;
    (number.to_string() == text).then_some(number)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Microseconds since the epoch: the number of a chain's first generation.
pub fn micros() -> u64 {
    let since = crate::stepping::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or_default()
}

/// `time` as `yyyymmddThhmmssZ`.
fn utc(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    let (days, second) = (since / 86_400, since % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// The date that lies `days` after 1970-01-01, counted from a March so that leap days come last.
fn date(days: u64) -> (u64, u64, u64) {
    // Days since 0000-03-01, cut into cycles of 400 years.
    let days = days + 719_468;
    let (cycle, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = (cycle * 400 + year, month + 3);
    if month > 12 { (year + 1, month - 12, day) } else { (year, month, day) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A copy of a damaged file carries the moment at which it was made, in UTC.
    #[test]
    fn a_damaged_file_is_dated() {
        for (seconds, text) in [
            (0, "19700101T000000Z"),
            (951_782_400, "20000229T000000Z"),
            (1_709_251_199, "20240229T235959Z"),
            (1_735_689_599, "20241231T235959Z"),
            (4_107_542_400, "21000301T000000Z"),
        ] {
            assert_eq!(utc(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }

    /// Files of other caches in the folder are not taken for ours.
    #[test]
    fn only_own_files_are_recognised() {
        let names = Names::new("/x/a.json".into());
        let kind = |name: &str| names.kind(OsStr::new(name));
        assert_eq!(kind("a.json.journal-17"), Some(Kind::Journal(17)));
        assert_eq!(kind("a.json.tmp-1-2-3"), Some(Kind::Temporary));
        for other in ["a.json", "a.json.lock", "b.json.journal-1", "a.json.journal-x"] {
            assert_eq!(kind(other), None, "{other}");
        }
        for stray in ["+1", "007", "", "-1", "18446744073709551615", "1 ", "1~"] {
            assert_eq!(kind(&format!("a.json.journal-{stray}")), None, "{stray}");
        }
    }
}

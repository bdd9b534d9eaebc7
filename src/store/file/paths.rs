//! The paths of the files beside a snapshot.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use memchr::memmem;

use crate::stepping;
use crate::store::lock::checkpoint_path;

/// The longest name, in bytes, that can take every suffix: the lowest limit of a file system is
/// 143.
const LONGEST_STEM: usize = 96;
/// How many bytes of a longer name are kept, so that a user sees what the file belongs to.
const KEPT_OF_STEM: usize = 60;
/// The form of the date in the name of a copy.
const DATE: &[u8; 16] = b"00000000T000000Z";
/// The highest number of a generation, in microseconds since the epoch; a higher one is not ours.
const LAST_GENERATION: u64 = 1 << 62;

/// What stands between the stem of a name and its numbers.
const MARKS: [&[u8]; 3] = [b".tmp-", b".damaged-", b".journal-"];

/// The paths of all files, with symbolic links resolved.
#[derive(Clone, Debug)]
pub struct Paths {
    /// `NAME.json`.
    pub snapshot: PathBuf,
    /// The folder that holds it.
    pub folder: PathBuf,
    /// `NAME.json.lock`.
    pub lock: PathBuf,
    /// The file whose lock guards checkpoints: the same, or a second one where ranges cannot be
    /// locked.
    pub checkpoint: PathBuf,
    /// `NAME.json.whole`: the whole new snapshot, while the old one is written over in place.
    pub whole: PathBuf,
    /// What the names of all files beside the snapshot begin with.
    stem: OsString,
}

/// The kinds of our files in the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sibling {
    /// The journal of this generation.
    Journal(u64),
    /// A temporary file of a save.
    Temporary,
    /// The copy of a damaged file.
    Damaged,
}

impl Paths {
    /// The paths beside `snapshot`.
    pub fn new(snapshot: PathBuf) -> Self {
        let folder = snapshot.parent().unwrap_or(Path::new("/")).to_path_buf();
        let stem = stem(snapshot.file_name().unwrap_or_default());
        let beside = |suffix: &str| folder.join(joined(&stem, suffix));
        let (lock, whole) = (beside(".lock"), beside(".whole"));
        Self { checkpoint: checkpoint_path(&lock), lock, whole, folder, snapshot, stem }
    }

    /// The journal of `generation`.
    pub fn journal(&self, generation: u64) -> PathBuf {
        self.beside(&format!(".journal-{generation}"))
    }

    /// Returns a temporary path that nobody else uses.
    pub fn temporary(&self) -> PathBuf {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        self.beside(&format!(".tmp-{}-{}-{count}", std::process::id(), micros()))
    }

    /// Returns the path of the `n`th copy of a damaged file made in the same second.
    pub fn damaged(&self, now: SystemTime, n: u32) -> PathBuf {
        let suffix = if n == 0 { String::new() } else { format!("-{n}") };
        self.beside(&format!(".damaged-{}{suffix}", utc(now)))
    }

    /// Returns the kind of the file `name` in the folder, if it is ours.
    pub fn sibling(&self, name: &OsStr) -> Option<Sibling> {
        let rest = name.as_encoded_bytes().strip_prefix(self.stem.as_encoded_bytes())?;
        if rest.strip_prefix(b".tmp-").is_some_and(is_temporary) {
            return Some(Sibling::Temporary);
        }
        if rest.strip_prefix(b".damaged-").is_some_and(is_dated) {
            return Some(Sibling::Damaged);
        }
        generation(rest.strip_prefix(b".journal-")?).map(Sibling::Journal)
    }

    /// Returns how we spell `name`, if that differs and may still be one name to the file system:
    /// in another case, or with another form of accents. Whether it is, only the file system knows.
    pub fn respelled(&self, name: &OsStr) -> Option<OsString> {
        let (name, own) = (name.as_encoded_bytes(), self.stem.as_encoded_bytes());
        let start = MARKS.iter().filter_map(|mark| memmem::rfind(name, mark)).max()?;
        let (stem, suffix) = name.split_at(start);
        let is_alike =
            if own.is_ascii() { stem.eq_ignore_ascii_case(own) } else { !stem.is_ascii() };
        let suffix = str::from_utf8(suffix).ok()?;
        (is_alike && stem != own).then(|| joined(&self.stem, suffix))
    }

    /// Returns the path of the file beside the snapshot whose name ends in `suffix`.
    pub fn beside(&self, suffix: &str) -> PathBuf {
        self.folder.join(joined(&self.stem, suffix))
    }
}

/// Returns whether `numbers` are three, as `Paths::temporary` writes them.
fn is_temporary(numbers: &[u8]) -> bool {
    let numbers: Vec<_> = numbers.split(|&byte| byte == b'-').map(generation).collect();
    numbers.len() == 3 && numbers.iter().all(Option::is_some)
}

/// Returns whether `date` has the form that `Paths::damaged` writes.
fn is_dated(date: &[u8]) -> bool {
    let Some((date, rest)) = date.split_at_checked(DATE.len()) else { return false };
    let fits =
        |(&byte, &shape): (&u8, &u8)| byte == shape || shape == b'0' && byte.is_ascii_digit();
    let counted = |rest: &[u8]| rest.strip_prefix(b"-").and_then(generation).is_some();
    date.iter().zip(DATE).all(fits) && (rest.is_empty() || counted(rest))
}

/// Returns the number that `digits` stand for, if we would write it so.
fn generation(digits: &[u8]) -> Option<u64> {
    let text = str::from_utf8(digits).ok()?;
    let number = text.parse().ok().filter(|&number| number < LAST_GENERATION)?;
    (u64::to_string(&number) == text).then_some(number)
}

fn joined(stem: &OsStr, suffix: &str) -> OsString {
    let mut name = stem.to_owned();
    name.push(suffix);
    name
}

/// Returns what the names beside `name` begin with: `name` itself, or its beginning and a checksum
/// if a suffix would make it too long.
fn stem(name: &OsStr) -> OsString {
    let bytes = name.as_encoded_bytes();
    if bytes.len() <= LONGEST_STEM {
        return name.to_owned();
    }
    let text = name.to_string_lossy();
    let start = &text[..text.floor_char_boundary(KEPT_OF_STEM)];
    format!("{start}~{:08x}{:08x}", crc32fast::hash(bytes), bytes.len()).into()
}

/// Returns microseconds since the epoch: the number of a chain's first generation.
pub fn micros() -> u64 {
    let since = stepping::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or_default()
}
/// Returns `time` as `yyyymmddThhmmssZ`.
fn utc(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    let (days, second) = (since / 86_400, since % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// Returns the date `days` after 1970-01-01, with years that begin in March so that leap days come
/// last.
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

    /// The name of a damaged file's copy has the time at which it was made, in UTC.
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
        let names = Paths::new("/x/a.json".into());
        let kind = |name: &str| names.sibling(OsStr::new(name));
        assert_eq!(kind("a.json.journal-17"), Some(Sibling::Journal(17)));
        assert_eq!(kind("a.json.tmp-1-2-3"), Some(Sibling::Temporary));
        assert_eq!(kind("a.json.damaged-20240229T235959Z"), Some(Sibling::Damaged));
        assert_eq!(kind("a.json.damaged-20240229T235959Z-2"), Some(Sibling::Damaged));
        for other in ["a.json.tmp-", "a.json.tmp-mine", "a.json.tmp-1-2", "a.json.tmp-1-2-3-4"] {
            assert_eq!(kind(other), None, "{other}");
        }
        for other in ["a.json.damaged-", "a.json.damaged-mine", "a.json.damaged-20240229T235959Zx"]
        {
            assert_eq!(kind(other), None, "{other}");
        }
        for other in ["a.json", "a.json.lock", "b.json.journal-1", "a.json.journal-x"] {
            assert_eq!(kind(other), None, "{other}");
        }
    }

    /// A name that may be one of ours, spelled otherwise, is spelled as ours.
    #[test]
    fn names_in_another_spelling() {
        let ours = |path: &str, name: &str| Paths::new(path.into()).respelled(OsStr::new(name));
        assert_eq!(ours("/x/A.json", "a.json.journal-17"), Some("A.json.journal-17".into()));
        let apart = "e\u{301}.json.tmp-1-2-3";
        assert_eq!(ours("/x/\u{e9}.json", apart), Some("\u{e9}.json.tmp-1-2-3".into()));
        for other in ["A.json.journal-17", "b.json.journal-17", "a.json", "a.json.lock"] {
            assert_eq!(ours("/x/A.json", other), None, "{other}");
        }
    }

    /// A file whose number we would write differently is no journal.
    #[test]
    fn strange_numbers_are_no_generations() {
        let paths = Paths::new("/x/a.json".into());
        for digits in ["+1", "007", "-1", "", "18446744073709551615"] {
            let name = format!("a.json.journal-{digits}");
            assert_eq!(paths.sibling(OsStr::new(&name)), None, "{name}");
        }
    }

    /// Whatever the length and the script of a name, the files beside it fit in any file system,
    /// and differ from those of a name with the same beginning.
    #[test]
    fn long_names_have_short_siblings() {
        let name = |length: usize, end: &str| format!("{}{end}", "ä".repeat(length / 2));
        for length in [94, 96, 98, 140, 254] {
            let one = Paths::new(PathBuf::from("/x").join(name(length, "")));
            let other = Paths::new(PathBuf::from("/x").join(name(length, "b")));
            for path in
                [one.journal(LAST_GENERATION - 1), one.temporary(), one.damaged(UNIX_EPOCH, 9)]
            {
                let name = path.file_name().expect("it has one");
                assert!(name.len() <= 143, "{name:?}");
                assert!(one.sibling(name).is_some() && other.sibling(name).is_none());
            }
        }
    }
}
